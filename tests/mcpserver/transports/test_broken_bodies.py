"""Bodies that cannot be read to their end, sent on a socket because no HTTP client would send them."""

import json
import socket

import pytest

from tests.mcpserver.running import Server


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}XX0\r\n\r\n",
        b"2;" + b"x" * 20_000 + b"\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_malformed_chunk_is_the_senders_fault_and_ends_the_connection(server: Server, body: bytes) -> None:
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    lines = [f"{name}: {value}" for name, value in server.headers().items()]
    head = ["POST /mcp HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines, "Transfer-Encoding: chunked", "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sender:
        sender.sendall("\r\n".join(head).encode() + body)
        sender.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: sender.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["code"] < 0
