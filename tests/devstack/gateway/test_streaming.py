"""Bodies pass piece by piece, in both directions, whatever their size."""

from collections.abc import Iterator
from typing import Any

import pytest
from gevent.event import Event

from tests.devstack.gateway.harness import DEADLINE_SECONDS

MIB = 1024 * 1024


class EventStream:
    """A server behind that sends an event each time the test says so, and knows when its client has gone."""

    def __init__(self) -> None:
        self.next = Event()
        self.more = True
        self.gone = Event()

    def __call__(self, _environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        number = 0
        try:
            while self.more:
                assert self.next.wait(DEADLINE_SECONDS)
                self.next.clear()
                number += 1
                yield b"data: %d\n\n" % number if self.more else b": bye\n\n"
        finally:
            self.gone.set()


def ask(stack: Any, version: bytes = b"1.1", path: bytes = b"/mcp/sse") -> Any:
    head = b"GET %b HTTP/%b\r\nHost: HOST\r\nAuthorization: Bearer %b\r\n\r\n"
    return stack.raw(head % (path, version, stack.token().encode()))


@pytest.mark.requirement("MCP-HTTP-SSE-UNBUFFERED")
def test_each_event_arrives_before_the_next_one_exists(stack: Any) -> None:
    stack.mcp.app = stream = EventStream()
    with ask(stack) as client:
        for number in (b"1", b"2", b"3"):
            stream.next.set()
            client.until(b"data: %b\n\n" % number)
            assert b"data: %d\n\n" % (int(number) + 1) not in client.received
        stream.more = False
        stream.next.set()
        client.until(b"\r\n0\r\n\r\n")
    assert b"Transfer-Encoding: chunked\r\n" in client.received
    assert b"Content-Type: text/event-stream\r\n" in client.received


def test_an_http_1_0_client_gets_the_stream_until_the_connection_ends(stack: Any) -> None:
    stack.mcp.app = stream = EventStream()
    with ask(stack, b"1.0") as client:
        stream.next.set()
        client.until(b"data: 1\n\n")
        stream.more = False
        stream.next.set()
        received = client.until_closed()
    assert b"chunked" not in received
    assert received.endswith(b"data: 1\n\n: bye\n\n")


def test_many_streams_flow_at_the_same_time(stack: Any) -> None:
    streams: list[EventStream] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        streams.append(EventStream())
        return streams[-1](environ, start_response)

    stack.mcp.app = app
    clients = []
    for number in range(1, 21):
        clients.append(ask(stack))
        while len(streams) < number:
            assert stack.request("GET", "/readyz").status_code == 200
    for stream in reversed(streams):
        stream.next.set()
    for client in clients:
        client.until(b"data: 1\n\n")
        client.sock.close()


def test_a_large_answer_arrives_whole(stack: Any) -> None:
    payload = bytes(range(256)) * 4 * 1024 * 5

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response(
            "200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(payload)))]
        )
        return [payload]

    stack.mcp.app = app
    response = stack.request("POST", "/mcp", headers=stack.bearer())
    assert response.content == payload
    assert response.headers["Content-Length"] == str(len(payload))


def test_a_large_request_arrives_whole(stack: Any) -> None:
    payload = bytes(range(256)) * 4 * 1024 * 3
    response = stack.request("POST", "/mcp", headers=stack.bearer(), data=payload)
    assert response.content == payload
    assert stack.mcp.last["CONTENT_LENGTH"] == str(len(payload))


def test_a_chunked_request_arrives_whole_whatever_its_size(stack: Any) -> None:
    for pieces in ([b"abc", b"d"], [b"x" * 100_000] * 8):
        response = stack.request("POST", "/mcp", headers=stack.bearer(), data=iter(pieces))
        assert response.content == b"".join(pieces)


def test_a_request_that_is_too_large_is_refused_before_it_is_sent(stack: Any) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n"
    with stack.raw(head % (stack.token().encode(), 17 * MIB)) as client:
        assert client.status == 413
        assert b'"statusCode": 413' in client.until_closed()
    assert stack.mcp.seen == []


def test_a_client_that_asks_first_is_told_to_go_on_only_when_its_token_is_good(stack: Any) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %b\r\n"
    head += b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    with stack.raw(head % stack.token().encode()) as client:
        assert client.status == 100
        client.send(b"ping")
        assert client.until(b"ping").count(b"HTTP/1.1 200 OK") == 1
    assert "HTTP_EXPECT" not in stack.mcp.last
    with stack.raw(head % b"bad") as client:
        assert client.status == 401
        client.until_closed()


def test_connections_to_the_server_behind_are_used_again(stack: Any) -> None:
    for _ in range(5):
        stack.request("GET", "/oauth/jwks")
    assert len({environ["REMOTE_PORT"] for environ in stack.auth.seen}) == 1


def test_one_client_connection_carries_many_requests_even_sent_ahead(stack: Any) -> None:
    one = b"GET /oauth/jwks?n=%d HTTP/1.1\r\nHost: HOST\r\n\r\n"
    with stack.raw(b"".join(one % n for n in range(5))) as client:
        while client.received.count(b"HTTP/1.1 200 OK") < 5:
            client.until(b"HTTP/1.1 200 OK" * 1)
            client.received += client.sock.recv(65_536)
    assert [environ["QUERY_STRING"] for environ in stack.auth.seen] == [f"n={n}" for n in range(5)]
