"""Buffered reading from one socket, with limits.

One per connection. Must not decode: it deals in bytes and where they end.
"""

import socket
import time

_RECEIVE_BYTES = 65_536


class ClosedError(Exception):
    """The peer closed the connection where more was due; ``clean`` when nothing of it had come."""

    def __init__(self, *, clean: bool) -> None:
        super().__init__("connection closed")
        self.clean = clean


class TooLongError(Exception):
    """More bytes than the limit came before the end of what is read."""


class Reader:
    """Reads from ``sock``, which has its own time-out for each wait."""

    __slots__ = ("_buffer", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    @property
    def buffered(self) -> bool:
        """Whether there are bytes that need no waiting."""
        return bool(self._buffer)

    def head(self, limit_bytes: int, seconds: float) -> bytes:
        """Return everything up to the empty line that ends a head, without that line.

        Args:
            limit_bytes: the most a head may have.
            seconds: for the whole head; one byte a second does not keep a connection open.

        Raises:
            ClosedError, TooLongError, TimeoutError.
        """
        deadline = time.monotonic() + seconds
        searched = 0
        while True:
            end = self._buffer.find(b"\r\n\r\n", searched)
            if end > limit_bytes or (end < 0 and len(self._buffer) > limit_bytes):
                raise TooLongError
            if end >= 0:
                head = bytes(self._buffer[:end])
                del self._buffer[: end + 4]
                return head
            searched = max(0, len(self._buffer) - 3)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            self._sock.settimeout(remaining)
            self._receive()

    def wait(self, seconds: float) -> None:
        """Wait until there is something to read.

        Line ends left over from a body are dropped (RFC 9112 section 2.2).

        Raises:
            ClosedError, TimeoutError.
        """
        while True:
            while self._buffer[:2] == b"\r\n":
                del self._buffer[:2]
            if self._buffer:
                return
            self._sock.settimeout(seconds)
            self._receive()

    def line(self, limit_bytes: int) -> bytes:
        """Return one line without its CRLF."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > limit_bytes:
                raise TooLongError
            self._receive()
        if end > limit_bytes:
            raise TooLongError
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def some(self, most: int) -> bytes:
        """Return at least one and at most ``most`` bytes."""
        if not self._buffer:
            self._receive()
        data = bytes(self._buffer[:most])
        del self._buffer[:most]
        return data

    def take_buffered(self) -> bytes:
        """Return what is there without waiting."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def _receive(self) -> None:
        data = self._sock.recv(_RECEIVE_BYTES)
        if not data:
            raise ClosedError(clean=not self._buffer)
        self._buffer += data
