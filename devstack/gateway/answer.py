"""The way back: a response's head and body to the client, each piece as soon as it is there.

Called by ``connection``. Must not wait for more of a body before it sends what it has.
"""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

from devstack.gateway.errors import UpstreamError
from devstack.gateway.exchange import Response
from devstack.gateway.upstream import Incoming
from devstack.gateway.wire.body import BodyError
from devstack.gateway.wire.heads import CHUNKED, UNTIL_CLOSE, RequestHead
from devstack.gateway.wire.reader import ClosedError

# A client that does not read for this long is gone.
SEND_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets the answer: the connection, and what its request said of it."""

    sock: socket.socket
    request: RequestHead

    def send(self, response: Response, *, keep_alive: bool) -> bool:
        """Send the response.

        Args:
            response: with its body, or with one on its way.
            keep_alive: whether the connection should carry another request.

        Returns:
            Whether it may.

        Raises:
            UpstreamError: the server behind broke off; the client must see a broken answer, too.
            OSError: the client has gone.
        """
        self.sock.settimeout(SEND_TIMEOUT_SECONDS)
        incoming = response.stream
        if not isinstance(incoming, Incoming):
            return self._send_whole(response, keep_alive)
        try:
            return self._send_stream(response, incoming, keep_alive)
        finally:
            incoming.close()

    def _send_whole(self, response: Response, keep_alive: bool) -> bool:
        response.headers.set("Content-Length", str(len(response.body)))
        if response.headers.get("Date") is None:
            response.headers.set("Date", formatdate(time.time(), usegmt=True))
        body = b"" if self.request.method == "HEAD" else response.body
        self.sock.sendall(self._head(response, keep_alive) + body)
        return keep_alive

    def _send_stream(self, response: Response, incoming: Incoming, keep_alive: bool) -> bool:
        open_ended = incoming.head.framing in (CHUNKED, UNTIL_CLOSE)
        chunked = open_ended and self.request.is_http_1_1
        keep_alive = keep_alive and (chunked or not open_ended)
        head = self._head(response, keep_alive, chunked=chunked)
        if incoming.head.framing == 0:
            self.sock.sendall(head)
        elif incoming.has_bytes:
            self._send_pieces(head, incoming.pieces, chunked)
        else:
            self.sock.sendall(head)
            self._send_pieces(b"", incoming.pieces, chunked)
        incoming.finish()
        return keep_alive

    def _send_pieces(self, head: bytes, pieces: Iterator[bytes], chunked: bool) -> None:
        while True:
            piece = _next(pieces)
            if piece is None:
                break
            data = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
            self.sock.sendall(head + data if head else data)
            head = b""
        if chunked:
            head += b"0\r\n\r\n"
        if head:
            self.sock.sendall(head)

    def _head(self, response: Response, keep_alive: bool, *, chunked: bool = False) -> bytes:
        lines = [f"HTTP/1.1 {response.status} {response.reason}\r\n", response.headers.render()]
        if chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        if not keep_alive:
            lines.append("Connection: close\r\n")
        elif not self.request.is_http_1_1:
            lines.append("Connection: keep-alive\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("latin-1")


def _next(pieces: Iterator[bytes]) -> bytes | None:
    try:
        return next(pieces, None)
    except (OSError, ClosedError, BodyError) as error:
        raise UpstreamError(f"the answer broke off: {error!r}") from error
