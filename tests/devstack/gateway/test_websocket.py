"""The WebSocket handshake goes through the policies; then bytes pass in both directions."""

import time
from typing import Any

import pytest

HANDSHAKE = (
    b"GET /mcp/ws?a=b HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: mcp\r\nAuthorization: Bearer %b\r\n\r\n"
)
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mcp\r\n\r\n"
)


def open_tunnel(stack: Any, server: Any, early: bytes = b"") -> tuple[Any, Any]:
    client = stack.raw(HANDSHAKE % stack.token().encode())
    behind, head = server.request()
    assert head.startswith(b"GET /runtime/webhooks/mcp/ws?a=b HTTP/1.1\r\n")
    for line in (
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Protocol: mcp",
        b"Sec-WebSocket-Version: 13",
    ):
        assert head.count(line + b"\r\n") == 1
    behind.sendall(ACCEPTED + early)
    client.until(b"\r\n\r\n")
    return client, behind


def test_after_the_handshake_bytes_pass_in_both_directions(raw_stack: Any, raw_server: Any) -> None:
    client, behind = open_tunnel(raw_stack, raw_server, early=b"\x81\x05hello")
    with client:
        client.until(b"\x81\x05hello")
        assert client.received.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        for line in (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Protocol: mcp"):
            assert client.received.count(line + b"\r\n") == 1
        client.send(b"\x81\x85abcdefghi")
        assert behind.recv(100) == b"\x81\x85abcdefghi"
        behind.sendall(b"\x81\x02hi")
        client.until(b"\x81\x02hi")


def test_when_the_server_ends_the_client_learns_of_it(raw_stack: Any, raw_server: Any) -> None:
    client, behind = open_tunnel(raw_stack, raw_server)
    with client:
        behind.shutdown(1)
        client.until_closed()


def test_when_the_client_leaves_the_server_learns_of_it_within_a_second(
    raw_stack: Any, raw_server: Any
) -> None:
    client, behind = open_tunnel(raw_stack, raw_server)
    left_at = time.monotonic()
    client.sock.close()
    assert behind.recv(1) == b""
    assert time.monotonic() - left_at < 1


def test_a_handshake_without_a_token_is_challenged(stack: Any) -> None:
    with stack.raw(HANDSHAKE.replace(b"Authorization: Bearer %b\r\n", b"")) as client:
        assert client.status == 401
        head = client.until(b"\r\n\r\n")
    metadata = b"http://localhost:%d/.well-known/oauth-protected-resource/mcp" % stack.gateway.port
    assert b'WWW-Authenticate: Bearer resource_metadata="%b"' % metadata in head
    assert stack.mcp.seen == []


def test_a_plain_request_is_told_that_this_address_speaks_websocket(stack: Any) -> None:
    response = stack.request("GET", "/mcp/ws", headers=stack.bearer())
    assert response.status_code == 426
    assert response.headers["Upgrade"] == "websocket"
    assert response.json()["message"] == "This address speaks WebSocket only."
    assert stack.mcp.seen == []


@pytest.mark.parametrize("status", [b"404 Not Found", b"403 Forbidden"])
def test_a_server_that_refuses_the_handshake_is_heard(raw_stack: Any, raw_server: Any, status: bytes) -> None:
    with raw_stack.raw(HANDSHAKE % raw_stack.token().encode()) as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\nno" % status)
        client.until(b"no")
        assert client.received.startswith(b"HTTP/1.1 " + status)


def test_an_upgrade_elsewhere_is_ignored(stack: Any) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", **stack.bearer()}
    assert stack.request("POST", "/mcp", headers=headers).status_code == 200
    assert "HTTP_UPGRADE" not in stack.mcp.last
