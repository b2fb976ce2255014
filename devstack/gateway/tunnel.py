"""After a WebSocket handshake: bytes in both directions until either side ends.

Called by ``connection`` for a 101 answer. Must not look into the frames.
"""

import contextlib
import socket

import gevent

from devstack.gateway.exchange import Response
from devstack.gateway.upstream import Incoming
from devstack.gateway.wire.reader import Reader

_PIECE_BYTES = 65_536


def run(client: socket.socket, client_reader: Reader, response: Response, incoming: Incoming) -> None:
    """Send the 101 to the client and carry bytes until the connection is over."""
    upstream = incoming.connection
    head = [f"HTTP/1.1 101 {response.reason}\r\n", response.headers.render()]
    head.append("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    other = None
    try:
        client.sendall("".join(head).encode("latin-1") + upstream.reader.take_buffered())
        early = client_reader.take_buffered()
        if early:
            upstream.sock.sendall(early)
        client.settimeout(None)
        upstream.sock.settimeout(None)
        other = gevent.spawn(_pump, client, upstream.sock)
        _pump(upstream.sock, client)
    except OSError:
        pass
    finally:
        if other is not None:
            other.kill()
        incoming.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes one way; at the end of it, end the other way as well."""
    try:
        while data := source.recv(_PIECE_BYTES):
            sink.sendall(data)
    except OSError:
        pass
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
