"""What is refused before anything is believed, and that every refusal can be read by a program."""

import json
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mcpserver.running import Server, call


@pytest.mark.requirement("MCP-HTTP-ORIGIN")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"]
)
def test_a_page_of_another_origin_is_forbidden(server: Server, origin: str) -> None:
    answer = server.send(call("hello_mcp"), server.headers(Origin=origin))
    assert answer.status_code == 403
    assert answer.json()["error"]


@pytest.mark.parametrize("origin", ["http://localhost:6274", "http://127.0.0.1:1", "https://[::1]:9"])
def test_pages_of_this_machine_are_served_and_may_read_the_answer(server: Server, origin: str) -> None:
    answer = server.send(call("hello_mcp"), server.headers(Origin=origin))
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]


def test_behind_the_gateway_no_cors_header_is_sent_twice(server: Server) -> None:
    headers = server.headers(Origin="http://localhost:1", X_Public_Origin="http://localhost:8080")
    assert "Access-Control-Allow-Origin" not in server.send(call("hello_mcp"), headers).headers


def test_a_preflight_is_answered_without_a_token(server: Server) -> None:
    headers = {"Origin": "http://localhost:1", "Access-Control-Request-Headers": "authorization, mcp-method"}
    answer = server.send("", headers, method="OPTIONS")
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, mcp-method"


def test_a_host_name_that_was_bound_anew_is_refused(server: Server) -> None:
    answer = server.send(call("hello_mcp"), server.headers(Host="evil.example.com"))
    assert 400 <= answer.status_code < 500


@pytest.mark.requirement("MCP-AUTH-401")
def test_without_a_token_the_challenge_has_no_error_code(server: Server) -> None:
    answer = server.send(call("hello_mcp"), {**server.headers(), "Authorization": None})
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert "error=" not in challenge
    assert 'scope="mcp:tools snippets:read snippets:write"' in challenge


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(server: Server, content_type: str) -> None:
    answer = server.send(call("hello_mcp"), {**server.headers(), "Content-Type": content_type})
    assert answer.status_code == 415


def test_a_client_that_cannot_read_both_kinds_of_answer_is_refused(server: Server) -> None:
    assert server.send(call("hello_mcp"), {**server.headers(), "Accept": "text/html"}).status_code == 406


def test_a_body_over_the_limit_is_refused_before_it_is_parsed(server: Server) -> None:
    assert server.send("[" * 70_000, server.headers()).status_code == 413


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD"])
def test_other_http_methods_are_refused(server: Server, method: str) -> None:
    answer = server.send("", server.headers(), method=method)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"NaN", -32700),
        (b"1", -32600),
        (b"null", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 200 + b"1" + b"}" * 201, -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', -32600),
    ],
)
def test_a_malformed_message_gets_the_specified_code(server: Server, body: bytes, code: int) -> None:
    answer = server.send(body, server.headers())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARAMS = st.fixed_dictionaries({}, optional={"name": st.just("add") | JSON, "arguments": JSON, "_meta": JSON})
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "id": st.integers() | JSON,
        "method": st.sampled_from(["tools/call", "tools/list", "initialize", "ping"]) | JSON,
        "params": PARAMS | JSON,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    message=MESSAGES | JSON, version=st.sampled_from([None, "2025-03-26", "2025-11-25", "2026-07-28", "x"])
)
def test_no_message_whatever_is_answered_with_a_server_error_or_without_json(
    server: Server, message: Any, version: str | None
) -> None:
    headers = {**server.headers(), "MCP-Protocol-Version": version}
    answer = server.send(json.dumps(message), headers)
    assert answer.status_code < 500, answer.text
    assert answer.status_code == 202 or isinstance(answer.json(), dict | list)


def test_a_sender_who_stops_in_mid_body_is_let_go(server: Server) -> None:
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=40) as slow:
        lines = [f"{name}: {value}" for name, value in server.headers().items()]
        head = ["POST /mcp HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines, "Content-Length: 100", "", "{"]
        slow.sendall("\r\n".join(head).encode())
        assert server.send(call("hello_mcp"), server.headers()).status_code == 200
        assert b" 408 " in slow.recv(65536)
