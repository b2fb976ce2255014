"""Whatever is sent, the answer is JSON, the refusal is the sender's, and the id comes back."""

import base64
import socket
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.mcpserver.client import ACCEPT, LEFT_OUT, META, MODERN, Client
from tests.mcpserver.conftest import MakeWorld, World

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
INFO = "io.modelcontextprotocol/clientInfo"

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
METAS = st.fixed_dictionaries(
    {},
    optional={
        VERSION: st.sampled_from([MODERN, "2025-11-25", "v999"]) | ANYTHING,
        CAPABILITIES: st.just({}) | ANYTHING,
        LOG_LEVEL: st.just("info") | ANYTHING,
        INFO: ANYTHING,
        "progressToken": ANYTHING,
    },
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "_meta": METAS | ANYTHING,
        "name": st.sampled_from(["echo", "add", "report", "refuse", "expensive"]) | ANYTHING,
        "arguments": st.dictionaries(st.sampled_from(["text", "a", "b", "times"]), st.just(1)) | ANYTHING,
        "cursor": ANYTHING,
        "level": ANYTHING,
        "protocolVersion": ANYTHING,
        "requestId": ANYTHING,
    },
)
MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | ANYTHING},
    optional={
        "id": st.integers(0, 9) | st.text(max_size=4) | ANYTHING,
        "method": st.sampled_from(
            [
                *("tools/call", "tools/list", "server/discover", "initialize", "ping", "logging/setLevel"),
                *("notifications/cancelled", "resources/read", "subscriptions/listen"),
            ]
        )
        | ANYTHING,
        "params": PARAMS | ANYTHING,
        "result": ANYTHING,
        "error": ANYTHING,
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    message=MESSAGES | st.lists(MESSAGES | ANYTHING, max_size=3) | ANYTHING,
    version=st.sampled_from([LEFT_OUT, MODERN, "2025-11-25", "2025-03-26", "v999"]),
    method=st.sampled_from([LEFT_OUT, "tools/call", "tools/list", "x"]),
    name=st.sampled_from([LEFT_OUT, "echo", "=?base64?ZWNobw==?=", "=?base64?%?="]),
    in_session=st.booleans(),
)
@example(
    message={"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": 10**400}},
    version=LEFT_OUT,
    method=LEFT_OUT,
    name=LEFT_OUT,
    in_session=False,
)
def test_no_message_whatever_gets_a_server_error_or_no_json(
    client: Client, message: Any, version: Any, method: Any, name: Any, in_session: bool
) -> None:
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": method, "Mcp-Name": name}
    if in_session:
        headers["Mcp-Session-Id"] = client.open_session("2025-03-26").session_id
    try:
        body = orjson.dumps(message)
    except orjson.JSONEncodeError:
        body = repr(message).encode("utf-8", "replace")
    answer = client.post(body, headers)
    assert answer.status < 500, (answer.status, answer.body)
    if answer.status == 202:
        assert answer.body == b""
    elif answer.headers["Content-Type"] == "text/event-stream":
        assert [event.message for event in answer.events() if event.data]
    else:
        for each in answer.json if isinstance(answer.json, list) else [answer.json]:
            assert each["jsonrpc"] == "2.0"
            assert ("result" in each) != ("error" in each)
            assert "id" in each
    answer.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")))
@example(body=b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}')
@example(body=b"[" * 100_000)
@example(body=b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}')
@example(body=b'{"jsonrpc":"2.0","id":99999999999999999999999,"method":"ping"}')
@example(body=b'{"jsonrpc":"2.0","id":"' + b"x" * 300 + b'","method":"ping"}')
def test_bytes_that_are_no_message_are_the_senders_fault(client: Client, body: bytes) -> None:
    answer = client.post(body)
    assert answer.status == 400
    assert answer.error["code"] in (-32700, -32600)


@pytest.mark.parametrize(
    "meta",
    [
        {VERSION: 5},
        {VERSION: None},
        {VERSION: [MODERN]},
        {CAPABILITIES: None},
        {CAPABILITIES: []},
        {LOG_LEVEL: "loud"},
        {LOG_LEVEL: []},
        {INFO: {"name": 5, "version": "1"}},
        {INFO: "me"},
    ],
)
def test_metadata_of_the_wrong_form_is_invalid_params(client: Client, meta: dict[str, Any]) -> None:
    answer = client.modern("tools/list", meta=meta, id="here")
    assert (answer.status, answer.error["code"], answer.json["id"]) == (400, -32602, "here")


@pytest.mark.parametrize("name", ["tool ü", " padded ", "=?base64?literal?=", "naïve"])
def test_a_name_outside_ascii_is_compared_after_decoding(client: Client, name: str) -> None:
    encoded = f"=?base64?{base64.b64encode(name.encode()).decode()}?="
    answer = client.call(name, headers={"Mcp-Name": encoded})
    assert (answer.error["code"], answer.error["message"]) == (-32602, f"Unknown tool: {name}")


@pytest.mark.parametrize(
    "value",
    [
        *("=?base64?ZWNobw?=", "=?base64?ZWNo bw==?=", "=?BASE64?ZWNobw==?=", "=?base64?/w==?=", "ECHO"),
        *("=?base64?ZWNobw==", "echo,echo", "ech\u00f6", ""),
    ],
)
def test_a_name_that_is_badly_encoded_or_another_is_a_mismatch(client: Client, value: str) -> None:
    answer = client.call("echo", {"text": "x"}, headers={"Mcp-Name": value.encode("latin-1")}, id=3)
    assert (answer.status, answer.error["code"], answer.json["id"]) == (400, -32020, 3)


@pytest.mark.parametrize("header", ["mcp-name", "MCP-NAME", "mCp-NaMe"])
def test_header_names_compare_without_case_and_values_without_surrounding_space(
    client: Client, header: str
) -> None:
    headers = {"Mcp-Name": LEFT_OUT, header: "\t echo \t"}
    assert client.call("echo", {"text": "x"}, headers=headers).status == 200


def test_a_known_older_revision_in_both_places_is_judged_by_its_own_rules(client: Client) -> None:
    answer = client.modern(
        "tools/list", meta={VERSION: "2025-11-25"}, headers={"MCP-Protocol-Version": "2025-11-25"}
    )
    assert "resultType" not in answer.result


@pytest.mark.parametrize(
    ("in_meta", "in_header"), [("2025-11-25", MODERN), (MODERN, "2025-11-25"), (MODERN, "v9")]
)
def test_versions_that_differ_are_a_mismatch(client: Client, in_meta: str, in_header: str) -> None:
    answer = client.modern("tools/list", meta={VERSION: in_meta}, headers={"MCP-Protocol-Version": in_header})
    assert (answer.status, answer.error["code"]) == (400, -32020)


def test_a_page_that_is_refused_cannot_read_the_refusal(client: Client) -> None:
    answer = client.call("hello_mcp", headers={"Origin": "https://evil.example"})
    assert answer.status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    preflight = client.send("OPTIONS", headers={"Origin": "https://evil.example"})
    assert preflight.status == 403
    assert not [name for name in preflight.headers if name.lower().startswith("access-control")]


def test_a_configured_origin_is_served(make_world: MakeWorld) -> None:
    client = make_world(allowed_origins=("https://App.example/",)).client()
    answer = client.call("hello_mcp", headers={"Origin": "https://app.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert answer.headers["Vary"] == "Origin"


def test_a_challenge_can_be_read_by_a_page(client: Client) -> None:
    headers = {"Origin": "http://localhost:3000", "Authorization": LEFT_OUT}
    answer = client.call("hello_mcp", headers=headers)
    assert answer.status == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]


def test_behind_the_gateway_a_preflight_has_no_cors_headers(client: Client) -> None:
    headers = {"Origin": "http://localhost:1", "X-Public-Origin": "http://localhost:8080"}
    answer = client.send("OPTIONS", headers=headers)
    assert answer.status == 204
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_is_refused(client: Client, host: str) -> None:
    assert 400 <= client.call("hello_mcp", headers={"Host": host}).status < 500


@pytest.mark.parametrize("host", ["localhost:8082", "127.0.0.1", "[::1]:8082", "LOCALHOST:8080"])
def test_this_machines_names_are_served(client: Client, host: str) -> None:
    assert client.call("hello_mcp", headers={"Host": host}).status == 200


def test_a_server_with_a_public_name_leaves_the_host_to_its_gateway(make_world: MakeWorld) -> None:
    client = make_world(public_url="https://mcp.example", resource="https://mcp.example/mcp").client(
        aud="https://mcp.example/mcp"
    )
    assert client.call("hello_mcp", headers={"Host": "backend.internal:8082"}).status == 200


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "text/html", ""])
def test_a_client_must_accept_both_forms(client: Client, accept: str) -> None:
    assert client.call("hello_mcp", headers={"Accept": accept}).status == 406


@pytest.mark.parametrize(
    "accept", [LEFT_OUT, "*/*", "application/*, text/*", "TEXT/event-stream;q=0.5, application/json"]
)
def test_wildcards_and_no_accept_header_mean_both(client: Client, accept: Any) -> None:
    # http.client sends none of its own.
    assert client.call("hello_mcp", headers={"Accept": accept}).status == 200


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_may_be_declared_in_any_spelling(client: Client, content_type: str) -> None:
    assert client.call("hello_mcp", headers={"Content-Type": content_type}).status == 200


def test_a_body_over_the_limit_is_413_and_no_request_follows_on_the_connection(world: World) -> None:
    head = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.issuer.token()}\r\n"
    head += f"Accept: {ACCEPT}\r\nContent-Type: application/json\r\nContent-Length: {64 * 2**20}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as sender:
        sender.sendall(head.encode())
        received = b"".join(iter(lambda: sender.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in received


def test_a_client_that_sends_too_much_can_read_why(make_world: MakeWorld) -> None:
    answer = make_world(max_body_bytes=100_000).client().post(b"[" * 300_000)
    assert answer.status == 413
    assert answer.error["message"] == "The body has more than 100000 bytes"


def test_deep_nesting_is_refused_by_both_bounds(client: Client) -> None:
    for depth in (70, 900, 5000):
        params = b'{"a":' * depth + b"1" + b"}" * depth
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":' + params + b"}"
        answer = client.post(body)
        assert (answer.status, answer.error["code"] in (-32600, -32700)) == (400, True)


def test_a_token_in_the_query_is_refused(client: Client) -> None:
    path = f"/mcp?access_token={client.token}"
    answer = client.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"Authorization": LEFT_OUT}, path)
    assert answer.status == 401
    assert client.token not in answer.body.decode()


def test_metadata_is_the_same_in_both_mounts(client: Client) -> None:
    params = {"_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": params}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}
    answers = [client.post(message, headers, path).json for path in ("/mcp", "/runtime/webhooks/mcp")]
    assert answers[0] == answers[1]
