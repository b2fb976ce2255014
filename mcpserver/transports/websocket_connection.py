"""One WebSocket connection (RFC 6455): handshake, text messages in both directions, pings, and how it closes.

::

    OPEN --our close--> CLOSING (nothing is taken or sent; the peer has a moment to answer) --> over
      +--its close, its end, an error, silence after a ping------------------------------> over

Made by ``websocket``. wsproto speaks the protocol, this module moves its bytes over the connection that
gunicorn hands over. One greenlet reads; any number may send. Must not know MCP.
"""

import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

import gevent
from gevent.lock import BoundedSemaphore
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

_CHUNK_BYTES: Final = 16 * 1024
# How long the peer may take to answer our close, and a send that is under way may hold it up.
_CLOSING_SECONDS: Final = 1.0
# RFC 6455 section 5.5.1: a control frame has at most 125 bytes, two of them are the code.
_MAX_REASON_BYTES: Final = 123
_HANDSHAKE: Final = {
    "HTTP_HOST": b"Host",
    "HTTP_CONNECTION": b"Connection",
    "HTTP_UPGRADE": b"Upgrade",
    "HTTP_SEC_WEBSOCKET_KEY": b"Sec-WebSocket-Key",
    "HTTP_SEC_WEBSOCKET_VERSION": b"Sec-WebSocket-Version",
    "HTTP_SEC_WEBSOCKET_PROTOCOL": b"Sec-WebSocket-Protocol",
}


class HandshakeInvalid(Exception):
    """The request opens no WebSocket (RFC 6455 section 4.2.1); the message says why."""


class WebSocketConnection:
    """Args:
    connection: the gevent socket of the request.
    silence_seconds: after this much silence a ping is sent, and after as much again the peer is gone.
    max_message_bytes: longer messages close the connection.
    """

    def __init__(self, connection: Any, *, silence_seconds: float, max_message_bytes: int) -> None:
        self._socket = connection
        self._silence_seconds = silence_seconds
        self._max_message_bytes = max_message_bytes
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._sending = BoundedSemaphore(1)
        self._awaits_pong = False
        self._reader: Any = None
        self._is_reading = False
        self.is_open = False

    def accept(self, environ: Mapping[str, Any], subprotocol: str) -> None:
        """Answer the handshake.

        Raises:
            HandshakeInvalid: it is none, or asks for other subprotocols only.
        """
        headers = [
            (name, environ[key].encode("latin-1")) for key, name in _HANDSHAKE.items() if key in environ
        ]
        try:
            self._protocol.initiate_upgrade_connection(headers, "/")
            (request,) = self._protocol.events()
        except (RemoteProtocolError, ValueError) as error:
            raise HandshakeInvalid(str(error)) from None
        if not isinstance(request, Request):
            raise HandshakeInvalid("Not a WebSocket handshake")
        if request.subprotocols and subprotocol not in request.subprotocols:
            raise HandshakeInvalid(f"The subprotocol must be {subprotocol}")
        chosen = subprotocol if request.subprotocols else None
        # No compression: a few bytes would become a message of many megabytes.
        self._socket.sendall(self._protocol.send(AcceptConnection(subprotocol=chosen)))
        self._socket.settimeout(self._silence_seconds)
        self.is_open = True

    def receive(self, take: Callable[[str], None]) -> None:
        """Read until the connection is closed; ``take`` is called with each text message.

        A peer that breaks the rules, sends what is too long, or is silent for too long is closed with the
        code for it.
        """
        self._reader = gevent.getcurrent()
        pieces: list[str] = []
        length = 0
        while self.is_open:
            data = self._read()
            if not self.is_open:
                return
            try:
                self._protocol.receive_data(data)
                for event in self._protocol.events():
                    if isinstance(event, TextMessage):
                        pieces.append(event.data)
                        length += len(event.data.encode())
                        if length > self._max_message_bytes:
                            self.close(CloseReason.MESSAGE_TOO_BIG, "The message is too long")
                        elif event.message_finished:
                            message, pieces, length = "".join(pieces), [], 0
                            take(message)
                            # Quick calls are over before the next begins: a burst of them is not too many.
                            gevent.sleep(0)
                    else:
                        self._handle(event)
                    if not self.is_open:
                        break
            except RemoteProtocolError as error:
                hint = error.event_hint
                code = hint.code if isinstance(hint, CloseConnection) else CloseReason.PROTOCOL_ERROR
                self.close(code, "The frame breaks the rules")
            # A peer that never pauses must not keep the hub from all the others.
            gevent.sleep(0)

    def linger(self) -> None:
        """Wait a moment for the peer's answer to our close; what else it sends is not looked at.

        To be called by the greenlet that read. A connection that is dropped with something unread is reset,
        and the peer may never see why it was closed (RFC 6455 section 7.1.1).
        """
        with contextlib.suppress(OSError), gevent.Timeout(_CLOSING_SECONDS, False):  # type: ignore[arg-type]
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(_CHUNK_BYTES):
                gevent.sleep(0)

    def send(self, text: str) -> None:
        """Send a message; waits while the peer reads slowly. A peer that is gone is closed."""
        self._emit(TextMessage(data=text))

    def close(self, code: int, reason: str) -> None:
        """Close with a code (RFC 6455 section 7.4.1); nothing is taken or sent any more."""
        if not self.is_open:
            return
        self.is_open = False
        # A peer that does not read holds up a send, which must not hold up this.
        if self._sending.acquire(timeout=_CLOSING_SECONDS):
            try:
                short = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
                self._transmit(CloseConnection(code, short))
            finally:
                self._sending.release()
        self._wake_reader()

    def _read(self) -> bytes:
        """Return what came; silence is met with a ping, then with the end, after which nothing is open."""
        while self.is_open:
            data = self._wait_for_bytes()
            if data:
                return data
            if data is not None:
                self.is_open = False
            elif self._awaits_pong:
                self.close(CloseReason.POLICY_VIOLATION, "No answer to a ping")
            else:
                self._awaits_pong = True
                self._emit(Ping())
        return b""

    def _wait_for_bytes(self) -> bytes | None:
        """Return what came, nothing at the end, None after silence."""
        self._is_reading = True
        try:
            data: bytes = self._socket.recv(_CHUNK_BYTES)
        except TimeoutError:
            return None
        except OSError:
            return b""
        finally:
            self._is_reading = False
        return data

    def _handle(self, event: Any) -> None:
        match event:
            case Ping():
                self._emit(event.response())
            case Pong():
                self._awaits_pong = False
            case CloseConnection():
                self._emit(event.response())
                self.is_open = False
            case BytesMessage():
                self.close(CloseReason.UNSUPPORTED_DATA, "Messages are text")

    def _emit(self, event: Any) -> None:
        with self._sending:
            if self.is_open and not self._transmit(event):
                self.is_open = False
                self._wake_reader()

    def _transmit(self, event: Any) -> bool:
        try:
            self._socket.sendall(self._protocol.send(event))
        except (LocalProtocolError, OSError):
            return False
        return True

    def _wake_reader(self) -> None:
        if self._is_reading:
            gevent.get_hub().loop.run_callback(self._interrupt)

    def _interrupt(self) -> None:
        # On the hub: the reader is waiting for bytes, or is not reading any more.
        if self._is_reading:
            self._reader.throw(ConnectionAbortedError)
