"""Either side may leave at any time, and the other side learns of it at once."""

import time
from typing import Any

import gevent
import pytest

from tests.devstack.gateway.harness import RawClient

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(stack: Any, method: bytes = b"GET", path: bytes = b"/mcp/sse", rest: bytes = b"\r\n") -> RawClient:
    token = stack.token().encode()
    client: RawClient = stack.raw(
        b"%b %b HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %b\r\n%b" % (method, path, token, rest)
    )
    return client


def test_the_head_of_a_stream_arrives_before_its_first_event(raw_stack: Any, raw_server: Any) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        behind.sendall(STREAM)
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
        behind.sendall(b"9\r\ndata: 1\n\n\r\n")
        client.until(b"data: 1\n\n")


@pytest.mark.requirement("MCP-HTTP-SSE-UNBUFFERED")
def test_a_client_that_leaves_a_silent_stream_is_noticed_behind_within_a_second(
    raw_stack: Any, raw_server: Any
) -> None:
    client = ask(raw_stack)
    behind, _ = raw_server.request()
    behind.sendall(STREAM)
    client.until(b"\r\n\r\n")
    left_at = time.monotonic()
    client.sock.close()
    assert behind.recv(1) == b""
    assert time.monotonic() - left_at < 1


def test_a_client_that_leaves_before_its_answer_is_noticed_behind_within_a_second(
    raw_stack: Any, raw_server: Any
) -> None:
    client = ask(raw_stack, b"POST", b"/mcp", b"Content-Length: 2\r\n\r\n{}")
    behind, head = raw_server.request()
    assert head.endswith(b"{}")
    left_at = time.monotonic()
    client.sock.close()
    assert behind.recv(1) == b""
    assert time.monotonic() - left_at < 1


def test_a_client_that_leaves_in_the_middle_of_a_large_request_is_noticed_behind(
    raw_stack: Any, raw_server: Any
) -> None:
    client = ask(raw_stack, b"POST", b"/mcp", b"Content-Length: 1000000\r\n\r\n" + b"x" * 500_000)
    behind, _ = raw_server.request()
    client.sock.close()
    while behind.recv(65_536):
        pass


def test_a_request_sent_ahead_is_not_taken_for_a_departure(raw_stack: Any, raw_server: Any) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        client.send(b"GET /readyz HTTP/1.1\r\nHost: HOST\r\n\r\n")
        behind.sendall(STREAM + b"2\r\nhi\r\n0\r\n\r\n")
        client.until(b'{"status":"ready"}')
        assert b"2\r\nhi\r\n0\r\n\r\nHTTP/1.1 200 OK" in client.received


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(STREAM + b"2\r\nhi\r\n", id="chunks"),
        pytest.param(STREAM + b"9\r\nhi", id="in the middle of a chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi", id="length"),
        pytest.param(STREAM + b"zz\r\nhi", id="malformed chunk"),
    ],
)
def test_an_answer_that_breaks_off_behind_breaks_off_in_front(
    raw_stack: Any, raw_server: Any, start: bytes
) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        behind.sendall(start)
        behind.close()
        received = client.until_closed()
    assert not received.endswith(b"\r\n0\r\n\r\n")


def test_an_answer_that_ends_with_its_connection_ends_properly_in_front(
    raw_stack: Any, raw_server: Any
) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi")
        client.until(b"hi")
        behind.close()
        client.until(b"2\r\nhi\r\n0\r\n\r\n")


def test_interim_answers_are_not_taken_for_the_answer(raw_stack: Any, raw_server: Any) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        behind.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        assert client.status == 202


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_without_a_body_has_none(raw_stack: Any, raw_server: Any, status: bytes) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 %b\r\nX-A: b\r\n\r\n" % status)
        head = client.until(b"\r\n\r\n")
        assert b"Transfer-Encoding" not in head
        client.send(b"GET /readyz HTTP/1.1\r\nHost: HOST\r\n\r\n")
        client.until(b"ready")


def test_a_kept_connection_that_died_costs_a_repeatable_request_nothing(
    raw_stack: Any, raw_server: Any
) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n01")
        client.until(b"01")
        behind.close()
        client.send(
            b"GET /mcp/sse HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %b\r\n\r\n"
            % raw_stack.token().encode()
        )
        fresh, _ = raw_server.request()
        fresh.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n02")
        client.until(b"02")


def test_a_post_is_never_sent_twice(raw_stack: Any, raw_server: Any) -> None:
    with ask(raw_stack) as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n01")
        client.until(b"01")
        token = raw_stack.token().encode()
        client.send(
            b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %b\r\nContent-Length: 2\r\n\r\n{}"
            % token
        )
        data = b""
        while not data.endswith(b"{}"):
            data += behind.recv(65_536)
        behind.close()
        client.until(b"HTTP/1.1 503 Service Unavailable")


def test_an_answer_that_comes_before_the_request_has_ended_is_passed_on(
    raw_stack: Any, raw_server: Any
) -> None:
    length = 4_000_000
    with ask(raw_stack, b"POST", b"/mcp", b"Content-Length: %d\r\n\r\n" % length) as client:
        sender = gevent.spawn(client.sock.sendall, b"x" * length)
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        behind.close()
        client.until(b"no")
        assert client.status == 413
        sender.kill()
