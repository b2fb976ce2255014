"""Connections to the servers behind: opened when needed, kept for the next request.

Used by ``relay`` and ``tunnel``. An idle connection lives shorter here than at the servers (75 s), so that
this side is the one that closes. Must not know what is sent.
"""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from devstack.gateway.errors import UpstreamError, UpstreamTimeoutError
from devstack.gateway.wire import body, sockets
from devstack.gateway.wire.heads import CHUNKED, HEAD_LIMIT_BYTES, UNTIL_CLOSE, ResponseHead, parse_response
from devstack.gateway.wire.reader import ClosedError, Reader, TooLongError

CONNECT_TIMEOUT_SECONDS = 5.0
IDLE_SECONDS = 30.0
_SEND_TIMEOUT_SECONDS = 30.0
# What a load balancer in front of API Management grants a silent stream.
STREAM_IDLE_SECONDS = 240.0

_Address = tuple[str, int]
_SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


@dataclass(slots=True)
class Connection:
    """One connection to a server behind; used for one request at a time."""

    address: _Address
    sock: socket.socket
    reader: Reader
    used_before: bool = False
    idle_since: float = 0.0


@dataclass(slots=True)
class Incoming:
    """A response whose head is here and whose body is on its way; ``close`` it, whatever happens."""

    head: ResponseHead
    pieces: Iterator[bytes]
    connection: Connection
    _pool: "Pool"
    _finished: bool = False

    @property
    def has_bytes(self) -> bool:
        """Whether the next piece needs no waiting."""
        return self.connection.reader.buffered

    def finish(self) -> None:
        """The body was read to its end: the connection may carry another request."""
        self._finished = True
        if self.head.keep_alive and not self.connection.reader.buffered:
            self._pool.put_back(self.connection)
        else:
            self.connection.sock.close()

    def close(self) -> None:
        """Drop the connection unless the body was read to its end: the server behind notices."""
        if not self._finished:
            self._finished = True
            self.connection.sock.close()


@dataclass(slots=True)
class Pool:
    """All connections of one gateway."""

    clock: Callable[[], float] = time.monotonic
    _idle: dict[_Address, list[Connection]] = field(default_factory=dict)

    def take(self, address: _Address) -> Connection:
        """Return a connection, an idle one where there is one that still stands.

        Raises:
            UpstreamError: nobody listens there.
        """
        idle = self._idle.get(address)
        while idle:
            connection = idle.pop()
            if self.clock() - connection.idle_since < IDLE_SECONDS and sockets.at_rest(connection.sock):
                return connection
            connection.sock.close()
        return self.open(address)

    def open(self, address: _Address) -> Connection:
        """Return a new connection."""
        try:
            sock = sockets.connect(*address, CONNECT_TIMEOUT_SECONDS)
        except OSError as error:
            raise UpstreamError(f"{address[0]}:{address[1]} cannot be reached: {error}") from error
        return Connection(address, sock, Reader(sock))

    def put_back(self, connection: Connection) -> None:
        """Keep the connection for the next request."""
        connection.used_before = True
        connection.idle_since = self.clock()
        self._idle.setdefault(connection.address, []).append(connection)

    def close(self) -> None:
        """Close what is idle."""
        for connections in self._idle.values():
            for connection in connections:
                connection.sock.close()
        self._idle.clear()

    def exchange(
        self, address: _Address, method: str, message: bytes, rest: Iterator[bytes], timeout_seconds: float
    ) -> Incoming:
        """Send a request and wait for the head of its response.

        Args:
            address: host and port.
            method: the request's method; only what is safe to repeat is sent again when a kept connection
                turns out to be dead.
            message: the head and what is known of the body.
            rest: what is still to come of the body, in pieces.
            timeout_seconds: for the response's head, counted from the end of the request.

        Raises:
            UpstreamError, UpstreamTimeoutError.
        """
        connection = self.take(address)
        try:
            return self._attempt(connection, method, message, rest, timeout_seconds)
        except UpstreamTimeoutError:
            raise
        except UpstreamError:
            if not connection.used_before or method not in _SAFE_TO_REPEAT:
                raise
        return self._attempt(self.open(address), method, message, rest, timeout_seconds)

    def _attempt(
        self,
        connection: Connection,
        method: str,
        message: bytes,
        rest: Iterator[bytes],
        timeout_seconds: float,
    ) -> Incoming:
        try:
            whole = _send(connection.sock, message, rest)
            head = _read_head(connection, method, timeout_seconds)
        except BaseException:
            # Also when the client has gone in the meantime: the server behind must not work for nobody.
            connection.sock.close()
            raise
        if not whole:
            head = ResponseHead(head.status, head.reason, head.headers, head.framing, keep_alive=False)
        connection.sock.settimeout(STREAM_IDLE_SECONDS)
        return Incoming(head, _pieces(connection.reader, head), connection, self)


def address_of(base_url: str) -> tuple[_Address, str]:
    """Return where a backend's URL points: host and port to connect to, and the path before every target.

    Raises:
        ValueError: not a plain http URL of a host.
    """
    parts = urlsplit(base_url)
    if parts.scheme != "http" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be http://host[:port][/path] (the local gateway speaks no TLS)")
    return (parts.hostname, parts.port or 80), parts.path.rstrip("/")


def _send(sock: socket.socket, message: bytes, rest: Iterator[bytes]) -> bool:
    """Send everything; False when the server stopped listening, which it may after an early answer."""
    sock.settimeout(_SEND_TIMEOUT_SECONDS)
    try:
        sock.sendall(message)
    except OSError as error:
        raise UpstreamError(f"sending failed: {error}") from error
    for piece in rest:
        try:
            sock.sendall(piece)
        except OSError:
            return False
    return True


def _read_head(connection: Connection, method: str, timeout_seconds: float) -> ResponseHead:
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            remaining = deadline - time.monotonic()
            head = parse_response(connection.reader.head(HEAD_LIMIT_BYTES, remaining), method)
        except TimeoutError as error:
            raise UpstreamTimeoutError(f"no answer within {timeout_seconds:g} s") from error
        except (OSError, ClosedError, TooLongError, ValueError) as error:
            raise UpstreamError(f"no valid answer: {error}") from error
        # RFC 9110 section 15.2: interim answers (100, 103) come before the one that counts.
        if head.status >= 200 or head.status == 101:
            return head


def _pieces(reader: Reader, head: ResponseHead) -> Iterator[bytes]:
    if head.framing == CHUNKED:
        return body.chunked(reader)
    if head.framing == UNTIL_CLOSE:
        return body.until_close(reader)
    return body.fixed(reader, head.framing)
