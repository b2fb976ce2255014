"""Requests that two readers could understand in two ways, or that would cost too much, go no further."""

from typing import Any

import pytest

SMUGGLED = b"GET /oauth/smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n"


def post(lines: bytes, body: bytes = b"") -> bytes:
    return b"POST /oauth/token HTTP/1.1\r\nHost: HOST\r\n" + lines + b"\r\n" + body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(
            post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400, id="CL and TE"
        ),
        pytest.param(post(b"Content-Length: 0\r\nContent-Length: 5\r\n", b"hello"), 400, id="two lengths"),
        pytest.param(
            post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"), 400, id="one length twice"
        ),
        pytest.param(post(b"Content-Length: 5, 5\r\n", b"hello"), 400, id="a list of lengths"),
        pytest.param(post(b"Content-Length: +5\r\n", b"hello"), 400, id="a signed length"),
        pytest.param(post(b"Content-Length: -5\r\n"), 400, id="a negative length"),
        pytest.param(post(b"Content-Length: 0x5\r\n", b"hello"), 400, id="a hexadecimal length"),
        pytest.param(post(b"Content-Length: \r\n"), 400, id="an empty length"),
        pytest.param(post(b"Content-Length : 5\r\n", b"hello"), 400, id="a space before the colon"),
        pytest.param(post(b"Content-Length: 5\r\n X: y\r\n", b"hello"), 400, id="a folded line"),
        pytest.param(
            post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", b"0\r\n\r\n"),
            400,
            id="two codings",
        ),
        pytest.param(post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), 501, id="an unknown coding"),
        pytest.param(
            post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501, id="a list of codings"
        ),
        pytest.param(
            post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), 400, id="a control character"
        ),
        pytest.param(post(b"Transfer-Encoding\r\n"), 400, id="no colon"),
        pytest.param(post(b"X-A: b\rc\r\n"), 400, id="a bare CR"),
        pytest.param(post(b"X-A: b\nTransfer-Encoding: chunked\r\n"), 400, id="a bare LF"),
        pytest.param(post(b"X-A: b\x00c\r\n"), 400, id="a NUL"),
        pytest.param(post(b": b\r\n"), 400, id="no name"),
        pytest.param(
            b"POST /oauth/token HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            id="TE on 1.0",
        ),
        pytest.param(b"GET /oauth/jwks HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(b"GET /oauth/jwks HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET /oauth/jwks HTTP/1.1\r\nHost: HOST, x\r\n\r\n", 421, id="a list of hosts"),
        pytest.param(b"GET  /oauth/jwks HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, id="two spaces"),
        pytest.param(b"GET /oauth/jwks HTTP/1.1 \r\nHost: HOST\r\n\r\n", 400, id="a space at the end"),
        pytest.param(b"GET /oauth/jwks HTTP/2.0\r\nHost: HOST\r\n\r\n", 400, id="another version"),
        pytest.param(b"GET /oauth/jwks\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(
            b"GET /oauth/jw\xc3\xa4ks HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, id="a raw non-ASCII path"
        ),
        pytest.param(b"GET /oauth/jwks#x HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, id="a fragment"),
        pytest.param(b"GET oauth/jwks HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, id="a relative path"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, id="asterisk"),
        pytest.param(b"CONNECT x:443 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, id="connect"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, id="TLS"),
        pytest.param(
            b"GET /oauth/jwks?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", 414, id="a long URL"
        ),
        pytest.param(post(b"X-A: " + b"b" * 17_000 + b"\r\n"), 431, id="a long field"),
        pytest.param(post(b"X-A: b\r\n" * 100), 431, id="many fields"),
        pytest.param(b"GET /oauth/jwks HTTP/1.1\r\nX: " + b"x" * 100_000, 431, id="a head without an end"),
    ],
)
def test_an_ambiguous_or_excessive_head_ends_the_connection(
    stack: Any, request_bytes: bytes, status: int
) -> None:
    with stack.raw(request_bytes + SMUGGLED) as client:
        received = client.until_closed()
    assert client.status == status
    assert b"Content-Type: application/json\r\n" in received
    assert received.count(b"HTTP/1.1 ") == 1
    assert stack.auth.seen == []


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5 5\r\nhello\r\n0\r\n\r\n",
        b"3\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"\r\nhello",
        b"10000000000000000\r\nx",
        b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 40 + b"\r\n",
    ],
)
def test_malformed_chunks_are_refused_and_end_the_connection(stack: Any, chunks: bytes) -> None:
    with stack.raw(post(b"Transfer-Encoding: chunked\r\n", chunks + SMUGGLED)) as client:
        received = client.until_closed()
    assert client.status == 400
    assert received.count(b"HTTP/1.1 ") == 1
    assert not [e for e in stack.auth.seen if "smuggled" in e["PATH_INFO"]]


def test_what_looks_like_a_request_in_a_body_stays_a_body(stack: Any) -> None:
    smuggled = SMUGGLED.replace(b"HOST", b"localhost")
    with stack.raw(
        post(b"Content-Length: %d\r\n" % len(smuggled), smuggled)
        + b"GET /readyz HTTP/1.1\r\nHost: HOST\r\n\r\n"
    ) as client:
        client.until(b"ready")
    assert [e["PATH_INFO"] for e in stack.auth.seen] == ["/token"]


def test_trailers_and_chunk_extensions_are_dropped(stack: Any) -> None:
    chunks = b"5;ext=1\r\nhello\r\n0\r\nX-Public-Origin: http://evil.example\r\n\r\n"
    with stack.raw(post(b"Transfer-Encoding: chunked\r\n", chunks)) as client:
        assert client.status == 200
    assert "evil" not in str(stack.auth.last)


def test_empty_lines_between_requests_do_no_harm(stack: Any) -> None:
    one = b"\r\n\r\nGET /oauth/jwks HTTP/1.1\r\nHost: HOST\r\n\r\n"
    with stack.raw(one) as client:
        client.until(b"/jwks")
        client.send(one)
        client.until(b"HTTP/1.1 200 OK")


def test_a_client_that_wants_the_connection_closed_gets_it_closed(stack: Any) -> None:
    with stack.raw(b"GET /oauth/jwks HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n") as client:
        assert b"Connection: close\r\n" in client.until_closed()
    with stack.raw(b"GET /oauth/jwks HTTP/1.0\r\nHost: HOST\r\n\r\n") as client:
        client.until_closed()
