"""WebSocket: the same messages as everywhere else, on one connection that lives as long as its token."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from wsproto.events import CloseConnection, Ping, Pong

from mcpserver import app
from mcpserver.revocations import Revocations
from tests.mcpserver.client import META
from tests.mcpserver.conftest import MakeWorld, TokenIssuer, World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.transports.ws_client import WsClient
from tests.support.waiting import wait_until

Connect = Callable[..., WsClient]
_MODERN = {"_meta": META}


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open connections, with a token of alice's unless another header is given."""
    opened = []

    def open_one(world: World, *, claims: Any = None, **options: Any) -> WsClient:
        token = world.issuer.token("alice", **(claims or {}))
        client = WsClient(world.port, options.pop("headers", {"Authorization": f"Bearer {token}"}), **options)
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def client(world: World, connect: Connect) -> WsClient:
    return connect(world).accepted()


def _call(name: str, arguments: Any = None, *, modern: bool = False, **meta: Any) -> dict[str, Any]:
    params: dict[str, Any] = {"name": name, "arguments": arguments or {}}
    if modern or meta:
        params["_meta"] = {**(META if modern else {}), **meta}
    return params


@pytest.mark.requirement("MCP-CUSTOM-FORMAT")
@pytest.mark.parametrize("path", ["/mcp/ws", "/runtime/webhooks/mcp/ws"])
def test_a_session_opens_lists_and_calls(world: World, connect: Connect, path: str) -> None:
    client = connect(world, path=path).accepted()
    assert client.initialize()["protocolVersion"] == "2025-11-25"
    client.request(1, "tools/call", _call("echo", {"text": "hi"}))
    answer = client.message()
    assert (answer["id"], answer["result"]["content"][0]["text"]) == (1, "hi")
    client.request(2, "tools/list")
    assert client.message()["id"] == 2


@pytest.mark.requirement("WS-SUBPROTOCOL")
def test_a_client_that_asks_for_no_subprotocol_is_served(world: World, connect: Connect) -> None:
    connect(world, subprotocols=()).accepted().initialize()


def test_progress_and_log_lines_come_before_the_result(client: WsClient) -> None:
    client.initialize()
    client.request(1, "tools/call", _call("report", {"times": 2}, progressToken="p"))
    methods = [client.message().get("method") for _ in range(5)]
    assert methods == ["notifications/progress", "notifications/message"] * 2 + [None]


def test_a_call_is_cancelled_while_others_go_on(client: WsClient) -> None:
    client.initialize()
    stopped, other = probe("stopped"), probe("other")
    client.request(1, "tools/call", _call("wait_silently", {"name": "stopped"}))
    client.request(2, "tools/call", _call("wait_silently", {"name": "other"}))
    assert stopped.started.wait(5)
    assert other.started.wait(5)
    client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    assert stopped.ended.get(timeout=5) == "cancelled"
    other.released.set()
    assert client.message()["id"] == 2


def test_calls_end_when_the_client_leaves(client: WsClient) -> None:
    client.initialize()
    held = probe("held")
    client.request(1, "tools/call", _call("wait_silently", {"name": "held"}))
    assert held.started.wait(5)
    client.close()
    assert held.ended.get(timeout=5) == "cancelled"


def test_a_tool_asks_the_client(make_world: MakeWorld, connect: Connect) -> None:
    client = connect(make_world(tool_modules=("tests.conformance",))).accepted()
    client.initialize(capabilities={"elicitation": {}})
    client.request(1, "tools/call", _call("test_elicitation", {"message": "Who?"}))
    asked = client.message()
    assert asked["method"] == "elicitation/create"
    content = {"username": "alice", "email": "a@contoso.example"}
    client.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": content}})
    assert '"username": "alice"' in client.message()["result"]["content"][0]["text"]


@pytest.mark.requirement("MCP-CUSTOM-FORMAT")
def test_a_modern_request_needs_no_handshake_of_mcp(client: WsClient) -> None:
    client.request(1, "tools/call", _call("echo", {"text": "hi"}, modern=True))
    assert client.message()["result"]["resultType"] == "complete"
    client.request(2, "server/discover", _MODERN)
    assert "2026-07-28" in client.message()["result"]["supportedVersions"]


def test_a_subscription_is_told_of_changes_until_it_is_cancelled(
    make_world: MakeWorld, connect: Connect
) -> None:
    client = connect(make_world(tool_modules=("tests.conformance",))).accepted()
    client.request("s", "subscriptions/listen", {**_MODERN, "notifications": {"toolsListChanged": True}})
    assert client.message()["method"] == "notifications/subscriptions/acknowledged"
    client.request(1, "tools/call", _call("test_trigger_tool_change", modern=True))
    assert client.message()["method"] == "notifications/tools/list_changed"
    assert client.message()["id"] == 1
    client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "s"}})
    client.request(2, "tools/call", _call("test_trigger_tool_change", modern=True))
    assert client.message()["id"] == 2


@pytest.mark.requirement("MCP-CUSTOM-FORMAT")
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", -32700),
        ("[]", -32600),
        ('[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600),
        ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        ('{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "no/such"}', -32601),
        ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "absent"}}', -32602),
    ],
)
def test_what_is_no_request_gets_the_code_for_it_and_the_connection_stays(
    client: WsClient, message: str, code: int
) -> None:
    client.send(message)
    assert client.message()["error"]["code"] == code
    client.request(9, "ping")
    assert client.message() == {"jsonrpc": "2.0", "id": 9, "result": {}}


def test_a_missing_scope_is_named(world: World, connect: Connect) -> None:
    client = connect(world, claims={"scope": "mcp:tools"}).accepted()
    client.initialize()
    client.request(1, "tools/call", _call("list_snippets"))
    assert client.message()["error"]["data"] == {"requiredScopes": ["mcp:tools", "snippets:read"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer none"}, 401),
        ({"Authorization": "Basic YTpi"}, 401),
    ],
)
def test_the_token_is_checked_at_the_handshake(
    world: World, connect: Connect, headers: dict[str, str], status: int
) -> None:
    answered, sent, body = connect(world, headers=headers).refused()
    assert answered == status
    assert "resource_metadata=" in sent["www-authenticate"]
    assert body["error"]["message"]


def test_a_token_in_the_address_is_refused(world: World, connect: Connect) -> None:
    path = f"/mcp/ws?access_token={world.issuer.token('alice')}"
    assert connect(world, headers={}, path=path).refused()[0] == 401


@pytest.mark.requirement("WS-ORIGIN")
def test_a_page_of_another_origin_is_refused(world: World, connect: Connect) -> None:
    token = world.issuer.token("alice")
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example.com"}
    assert connect(world, headers=headers).refused()[0] == 403


@pytest.mark.requirement("WS-SUBPROTOCOL")
def test_another_subprotocol_is_refused(world: World, connect: Connect) -> None:
    assert connect(world, subprotocols=("graphql-ws",)).refused()[0] == 426


@pytest.mark.requirement("WS-HANDSHAKE")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_is_no_handshake_is_refused(world: World, method: str) -> None:
    answer = world.client().send(method, path="/mcp/ws")
    assert answer.status in (405, 426)
    assert answer.json["error"]["message"]


def test_a_binary_message_closes_with_its_code(client: WsClient) -> None:
    client.send(b"\x00")
    assert client.closed() == 1003


def test_a_message_that_is_too_long_closes_with_its_code(make_world: MakeWorld, connect: Connect) -> None:
    client = connect(make_world(max_body_bytes=2048)).accepted()
    client.send("x" * 3000)
    assert client.closed() == 1009


@pytest.mark.requirement("WS-OPCODE")
def test_a_frame_that_breaks_the_rules_closes_with_its_code(client: WsClient) -> None:
    client.socket.sendall(b"\x8f\x80\x00\x00\x00\x00")  # an opcode that does not exist
    assert client.closed() == 1002


@pytest.mark.requirement("WS-UTF8")
def test_text_that_is_not_utf_8_closes_with_its_code(client: WsClient) -> None:
    client.socket.sendall(b"\x81\x81\x00\x00\x00\x00\xff")
    assert client.closed() == 1007


def test_the_connection_ends_with_its_token(world: World, connect: Connect) -> None:
    token = world.issuer.token("alice", lifetime_seconds=1.5)
    client = connect(world, headers={"Authorization": f"Bearer {token}"}).accepted()
    assert client.closed() == 1008


def test_the_connection_ends_when_its_token_is_revoked(
    make_world: MakeWorld, connect: Connect, token_issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "Revocations", partial(Revocations, poll_seconds=0.02))
    token_issuer.revoked, token_issuer.is_away = [], False
    world = make_world(revocation_url=f"{token_issuer.url}/revoked")
    client = connect(world, claims={"sid": "session-ws"}).accepted()
    client.initialize()
    token_issuer.revoked = ["session-ws"]
    assert client.closed() == 1008
    token_issuer.revoked = []
    world.app.drain()


def test_a_peer_that_answers_no_ping_is_let_go(make_world: MakeWorld, connect: Connect) -> None:
    world = make_world(keepalive_seconds=0.2)
    client = connect(world).accepted()
    held = probe("pinged")
    client.request(1, "tools/call", _call("wait_silently", {"name": "pinged"}))
    assert held.started.wait(5)
    # It reads nothing and answers nothing from here on.
    assert held.ended.get(timeout=5) == "cancelled"


def test_a_client_that_answers_pings_stays(make_world: MakeWorld, connect: Connect) -> None:
    world = make_world(keepalive_seconds=0.1)
    client = connect(world).accepted()
    held = probe("patient")
    client.request(1, "tools/call", _call("wait_silently", {"name": "patient"}))
    assert held.started.wait(5)
    client.answer_pings(4)
    held.released.set()
    assert client.message()["id"] == 1


def test_a_server_that_stops_finishes_what_runs_and_says_goodbye(world: World, connect: Connect) -> None:
    client = connect(world).accepted()
    client.initialize()
    client.request("s", "subscriptions/listen", {**_MODERN, "notifications": {"toolsListChanged": True}})
    client.message()
    held = probe("last")
    client.request(1, "tools/call", _call("wait_silently", {"name": "last"}))
    assert held.started.wait(5)
    world.app.drain()
    assert client.message()["id"] == "s"
    held.released.set()
    assert client.message()["id"] == 1
    assert client.closed() == 1001


def test_a_person_has_a_bounded_number_of_connections(
    world: World, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcpserver.transports.websocket.MAX_PER_CALLER", 2)
    first, _second = (connect(world).accepted() for _ in range(2))
    assert connect(world).refused()[0] == 429
    first.close()

    def has_room() -> bool:
        third = WsClient(world.port, {"Authorization": f"Bearer {world.issuer.token('alice')}"})
        accepted = type(third.next_event()).__name__ == "AcceptConnection"
        third.close()
        return accepted

    wait_until(has_room, "the place of a connection that ended")


def test_a_call_that_takes_too_long_for_a_server_that_stops_is_answered_before_the_goodbye(
    make_world: MakeWorld, connect: Connect
) -> None:
    world = make_world(drain_seconds=0.2)
    client = connect(world).accepted()
    client.initialize()
    held = probe("too long")
    client.request(1, "tools/call", _call("wait_silently", {"name": "too long"}))
    assert held.started.wait(5)
    world.app.drain()
    answer = client.message()
    assert (answer["id"], answer["error"]["message"]) == (1, "This server stops before the call is over")
    assert held.ended.get(timeout=5) == "cancelled"
    assert client.closed() == 1001
    assert connect(world).refused()[0] == 503


@pytest.mark.requirement("WS-AFTER-CLOSE")
def test_what_comes_after_the_close_is_not_taken(world: World, connect: Connect) -> None:
    client = connect(world).accepted()
    client.initialize()
    late = probe("late")
    client.send(b"\x00")  # closes
    client.request(1, "tools/call", _call("wait_silently", {"name": "late"}))
    assert client.closed() == 1003
    assert not late.started.is_set()


@pytest.mark.requirement("WS-MASK")
def test_a_frame_without_a_mask_closes_with_its_code(client: WsClient) -> None:
    client.socket.sendall(b"\x81\x02{}")
    assert client.closed() == 1002


@pytest.mark.requirement("WS-CLOSE-ANSWERED")
def test_a_client_that_says_goodbye_gets_it_back(client: WsClient) -> None:
    client.socket.sendall(client.protocol.send(CloseConnection(1000)))
    assert client.closed() == 1000
    assert client.socket.recv(1) == b""


def test_a_client_that_does_not_read_is_let_go_when_its_token_is_revoked(
    make_world: MakeWorld, connect: Connect, token_issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "Revocations", partial(Revocations, poll_seconds=0.02))
    token_issuer.revoked, token_issuer.is_away = [], False
    world = make_world(revocation_url=f"{token_issuer.url}/revoked")
    client = connect(world, claims={"sid": "session-stalled"}).accepted()
    client.initialize()
    held = probe("flood")
    client.request(1, "tools/call", _call("flood", {"name": "flood", "count": 100_000, "size": 10_000}))
    assert held.started.wait(5)
    token_issuer.revoked = ["session-stalled"]
    assert held.ended.get(timeout=5) == "cancelled"
    wait_until(lambda: not world.app.is_busy(), "the connection is over")
    token_issuer.revoked = []
    world.app.drain()


def test_a_burst_of_quick_requests_is_answered(client: WsClient) -> None:
    client.initialize()
    for number in range(300):
        client.request(number, "ping")
    assert [client.message() for _ in range(300)] == [
        {"jsonrpc": "2.0", "id": number, "result": {}} for number in range(300)
    ]


def test_a_batch_of_2025_03_26_is_answered_member_by_member(world: World, connect: Connect) -> None:
    client = connect(world, claims={"scope": "mcp:tools"}).accepted()
    client.initialize("2025-03-26")
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/unknown"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": _call("list_snippets")},
        {"jsonrpc": "2.0", "id": 3, "method": "initialize"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
    ]
    client.send(requests)
    answers = {answer["id"]: answer for answer in (client.message() for _ in range(4))}
    assert answers[1]["result"] == {}
    assert answers[2]["error"]["code"] == -32000
    assert [answers[each]["error"]["code"] for each in (3, None)] == [-32600, -32600]


def test_a_version_of_old_in_the_metadata_means_the_session(client: WsClient) -> None:
    client.initialize()
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "2025-11-25"}
    client.request(1, "ping", {"_meta": meta})
    assert client.message() == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_a_version_that_nobody_knows_gets_the_served_ones(client: WsClient) -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "v999"}
    client.request(1, "tools/list", {"_meta": meta})
    error = client.message()["error"]
    assert (error["code"], error["data"]["requested"]) == (-32022, "v999")


@pytest.mark.requirement("WS-PING")
def test_a_ping_is_answered_with_its_own_data(client: WsClient) -> None:
    client.socket.sendall(client.protocol.send(Ping(b"are you there")))
    answer = client.next_event()
    assert isinstance(answer, Pong)
    assert bytes(answer.payload) == b"are you there"


@pytest.mark.requirement("WS-VERSION")
def test_another_version_of_websocket_is_told_the_right_one(world: World) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    headers = {**upgrade, "Sec-WebSocket-Version": "8"}
    answer = world.client().send("GET", headers=headers, path="/mcp/ws")
    assert (answer.status, answer.headers["Sec-WebSocket-Version"]) == (426, "13")
