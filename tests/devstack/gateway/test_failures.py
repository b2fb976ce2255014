"""What a client is told when the server behind is away, silent, or talks nonsense."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from devstack.gateway.server import DEFAULT_FOLDER


@pytest.fixture
def impatient(tmp_path: Path) -> Path:
    """The policies with a time-out that a test can wait for."""
    folder = tmp_path / "apim"
    shutil.copytree(DEFAULT_FOLDER, folder)
    for path in folder.glob("*-api/policy.xml"):
        text = path.read_text("utf-8")
        path.write_text(
            text.replace('timeout="230"', 'timeout="1"').replace('timeout="60"', 'timeout="1"'), "utf-8"
        )
    return folder


@pytest.mark.parametrize(
    "path", ["/oauth/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource"]
)
def test_a_server_that_is_away_is_a_503_that_says_when_to_come_back(make_stack: Any, path: str) -> None:
    stack = make_stack({"authserver-url": "http://127.0.0.1:9", "mcpserver-url": "http://127.0.0.1:9"})
    response = stack.request("GET", path)
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Retry-After"] == "5"
    assert response.json()["error"] == "temporarily_unavailable"
    assert "127.0.0.1" not in response.text


def test_an_mcp_server_that_is_away_is_a_503_not_a_challenge(make_stack: Any) -> None:
    stack = make_stack({"mcpserver-url": "http://127.0.0.1:9"})
    response = stack.request("POST", "/mcp", headers=stack.bearer(), data="{}")
    assert response.status_code == 503
    assert "WWW-Authenticate" not in response.headers


def test_a_server_that_comes_back_is_served_again_without_a_restart(make_stack: Any, raw_server: Any) -> None:
    stack = make_stack({"mcpserver-url": raw_server.url})
    raw_server.stop()
    assert stack.request("POST", "/mcp", headers=stack.bearer()).status_code == 503
    raw_server.start_again()
    with stack.raw(b"GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: HOST\r\n\r\n") as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert client.status == 200


def test_a_server_that_does_not_answer_in_time_is_a_504(
    make_stack: Any, raw_server: Any, impatient: Path
) -> None:
    stack = make_stack({"mcpserver-url": raw_server.url}, folder=impatient)
    response = stack.request("POST", "/mcp", headers=stack.bearer(), data="{}")
    assert response.status_code == 504
    assert response.json()["error"] == "temporarily_unavailable"
    behind, _ = raw_server.request()
    assert behind.recv(1) == b""  # and it is told that nobody waits any more


def test_a_stream_that_began_in_time_outlives_the_time_out(
    make_stack: Any, raw_server: Any, impatient: Path
) -> None:
    stack = make_stack({"mcpserver-url": raw_server.url}, folder=impatient)
    head = b"GET /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %b\r\n\r\n"
    with stack.raw(head % stack.token().encode()) as client:
        behind, _ = raw_server.request()
        behind.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.until(b"\r\n\r\n")
        # Another request takes its whole second to time out; the stream is still there afterwards.
        assert stack.request("POST", "/mcp", headers=stack.bearer(), data="{}").status_code == 504
        behind.sendall(b"2\r\nhi\r\n0\r\n\r\n")
        client.until(b"2\r\nhi\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: %b\r\n" % (b"b" * 70_000) + b"\r\n",
    ],
)
def test_a_server_that_talks_nonsense_is_a_503(raw_stack: Any, raw_server: Any, answer: bytes) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer %b\r\nContent-Length: 0\r\n\r\n"
    with raw_stack.raw(head % raw_stack.token().encode()) as client:
        behind, _ = raw_server.request()
        behind.sendall(answer)
        behind.shutdown(1)
        assert client.status == 503
        client.until(b"temporarily_unavailable")
        client.send(b"GET /readyz HTTP/1.1\r\nHost: HOST\r\n\r\n")
        client.until(b"ready")
