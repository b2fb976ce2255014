"""One WebSocket connection (RFC 6455): handshake, text messages in both directions, pings, and how it closes.

Made by ``websocket``. wsproto speaks the protocol, this module moves its bytes over the connection that
gunicorn hands over. One greenlet reads; any number may send. Must not know MCP.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

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

_CHUNK_BYTES: Final = 64 * 1024
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
        pieces: list[str] = []
        length = 0
        while self.is_open:
            data = self._read()
            try:
                self._protocol.receive_data(data)
                for event in self._protocol.events():
                    if isinstance(event, TextMessage):
                        pieces.append(event.data)
                        length += len(event.data.encode())
                        if length > self._max_message_bytes:
                            self.close(CloseReason.MESSAGE_TOO_BIG, "The message is too long")
                            return
                        if event.message_finished:
                            message, pieces, length = "".join(pieces), [], 0
                            take(message)
                    else:
                        self._handle(event)
            except RemoteProtocolError as error:
                hint = error.event_hint
                code = hint.code if isinstance(hint, CloseConnection) else CloseReason.PROTOCOL_ERROR
                self.close(code, "The frame breaks the rules")

    def send(self, text: str) -> None:
        """Send a message; waits while the peer reads slowly. A peer that is gone is closed."""
        self._emit(TextMessage(data=text))

    def close(self, code: int, reason: str) -> None:
        """Close with a code (RFC 6455 section 7.4.1); nothing is sent or read any more."""
        if self.is_open:
            short = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
            self._emit(CloseConnection(code, short))
            self._leave()

    def _read(self) -> bytes | None:
        """Return what came; None at the peer's end. Silence is met with a ping, then with the end."""
        while self.is_open:
            try:
                data: bytes = self._socket.recv(_CHUNK_BYTES)
            except TimeoutError:
                if self._awaits_pong:
                    self.close(CloseReason.POLICY_VIOLATION, "No answer to a ping")
                    return None
                self._awaits_pong = True
                self._emit(Ping())
                continue
            except OSError:
                break
            if data:
                return data
            break
        self._leave()
        return None

    def _handle(self, event: Any) -> None:
        match event:
            case Ping():
                self._emit(event.response())
            case Pong():
                self._awaits_pong = False
            case CloseConnection():
                self._emit(event.response())
                self._leave()
            case BytesMessage():
                self.close(CloseReason.UNSUPPORTED_DATA, "Messages are text")

    def _emit(self, event: Any) -> None:
        with self._sending:
            if not self.is_open:
                return
            try:
                self._socket.sendall(self._protocol.send(event))
            except (LocalProtocolError, OSError):
                self._leave()

    def _leave(self) -> None:
        self.is_open = False
