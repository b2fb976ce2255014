"""Stands before a server and adds an access token to every request: for clients that cannot send one.

Used by ``test_conformance.py``. Must change nothing else, neither Host nor Origin nor the body, and must pass
on what comes back byte by byte as it comes. One request a connection: the upstream closes it, and so its
end is the answer's end.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import gevent
from gevent.server import StreamServer

_MAX_HEAD_BYTES: Final = 64 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_DROPPED: Final = (b"authorization:", b"connection:")


@contextmanager
def token_proxy(port: int, token: str) -> Iterator[int]:
    """Run the proxy until the block ends, and give its port.

    Args:
        port: where the server listens on this machine.
        token: the access token to add.
    """

    def serve(client: socket.socket, _: object) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as upstream:
            head, body = _read_head(client)
            if head:
                upstream.sendall(_with_token(head, token) + body)
                # The rest of the body, and the client's leaving.
                watcher = gevent.spawn(_relay, client, upstream)
                _relay(upstream, client)
                watcher.kill()

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    try:
        yield server.server_port
    finally:
        server.stop(timeout=1)


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = client.recv(_CHUNK_BYTES)
        if not chunk or len(received) > _MAX_HEAD_BYTES:
            return b"", b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def _with_token(head: bytes, token: str) -> bytes:
    first, *fields = head.split(b"\r\n")
    kept = [field for field in fields if not field.lower().startswith(_DROPPED)]
    return b"\r\n".join(
        (first, *kept, f"Authorization: Bearer {token}".encode(), b"Connection: close", b"", b"")
    )


def _relay(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side has left: the other is told by its connection's end.
        for side in (source, sink):
            side.close()
