"""A request's body: read before it is passed on when it is small, passed on piece by piece when it is not.

Made by ``connection``, read by ``relay``. Must not hold more than ``BUFFER_BYTES`` of it.
"""

import socket
from collections.abc import Iterator

from devstack.gateway.errors import ClientGoneError, PolicyError
from devstack.gateway.wire import body
from devstack.gateway.wire.heads import CHUNKED
from devstack.gateway.wire.reader import ClosedError, Reader

BUFFER_BYTES = 262_144
LIMIT_BYTES = 16 * 1024 * 1024
READ_TIMEOUT_SECONDS = 30.0
_DRAIN_BYTES = 65_536


class RequestBody:
    """The body of one request, to be read once."""

    def __init__(self, reader: Reader, sock: socket.socket, framing: int, *, expects_continue: bool) -> None:
        self.framing = framing
        self.complete = framing == 0
        self._sock = sock
        self._expects_continue = expects_continue
        self._left = self._pieces(body.chunked(reader) if framing == CHUNKED else body.fixed(reader, framing))

    def start(self) -> bytes:
        """Return the body, or its first ``BUFFER_BYTES`` and a little; ``complete`` tells which.

        Raises:
            PolicyError: it is too large, malformed or too slow.
            ClientGoneError.
        """
        if self.complete:
            return b""
        data = bytearray()
        for piece in self._left:
            data += piece
            if len(data) >= BUFFER_BYTES:
                break
        return bytes(data)

    def rest(self) -> Iterator[bytes]:
        """Return the pieces that ``start`` left."""
        return self._left

    def drain(self) -> bool:
        """Read what nobody wanted, if it is little; False when the connection is of no more use."""
        if self.complete:
            return True
        if self._expects_continue or self.framing == CHUNKED or self.framing > _DRAIN_BYTES:
            return False
        try:
            for _ in self._left:
                pass
        except (PolicyError, ClientGoneError):
            return False
        return True

    def _pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        if self.framing > LIMIT_BYTES:
            raise _too_large()
        if self._expects_continue:
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._expects_continue = False
        self._sock.settimeout(READ_TIMEOUT_SECONDS)
        total_bytes = 0
        try:
            for piece in pieces:
                total_bytes += len(piece)
                if total_bytes > LIMIT_BYTES:
                    raise _too_large()
                yield piece
        except body.BodyError as error:
            raise PolicyError("request-body", "RequestBodyMalformed", str(error), 400) from error
        except TimeoutError as error:
            raise PolicyError(
                "request-body", "RequestBodyTimeout", "The request did not end.", 408
            ) from error
        except (OSError, ClosedError) as error:
            raise ClientGoneError from error
        self.complete = True


def _too_large() -> PolicyError:
    message = f"The request is larger than {LIMIT_BYTES} bytes."
    return PolicyError("request-body", "RequestBodyTooLarge", message, 413)
