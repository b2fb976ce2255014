"""WebSocket: one connection is one session, with the same messages as everywhere else (subprotocol ``mcp``).

Called by ``front`` for ``/ws``. Not a transport of the specification but one that the SDKs of the first
generation have. The token is checked at the handshake, and the connection ends with it: at its expiry, at its
revocation, and when this server stops. Must not know what a message asks for.
"""

import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Final

import gevent
from wsproto.frame_protocol import CloseReason

from mcpserver import metrics
from mcpserver.errors import InsufficientScope, JsonRpcError, McpServerError, RequestRefused
from mcpserver.principal import Principal
from mcpserver.protocol import jsonrpc
from mcpserver.protocol.eras import NEWEST_LEGACY
from mcpserver.sessions.session import Session
from mcpserver.transports import running
from mcpserver.transports.core import Core
from mcpserver.transports.duplex import Duplex
from mcpserver.transports.responses import Environ, StartResponse
from mcpserver.transports.websocket_connection import HandshakeInvalid, WebSocketConnection
from telemetry import correlation

SUBPROTOCOL: Final = "mcp"
MAX_PER_CALLER: Final = 100
"""Connections that one person may have open in a process."""
_READ_SECONDS: Final = 3600.0
_log = logging.getLogger(__name__)


class WebSocketEndpoint:
    """Args:
    core: what the transports share.
    clock: seconds since 1970.
    max_message_bytes, input_timeout_seconds: see the settings.
    """

    def __init__(
        self,
        core: Core,
        clock: Callable[[], float],
        *,
        max_message_bytes: int,
        input_timeout_seconds: float,
    ) -> None:
        self._core = core
        self._clock = clock
        self._max_message_bytes = max_message_bytes
        self._input_timeout_seconds = input_timeout_seconds
        self._open: set[_Conversation] = set()
        self._is_draining = False

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the handshake and carry the connection to its end (WSGI).

        Raises:
            StopIteration: at the end: the worker closes the connection and answers nothing.
        """
        try:
            self._core.guard.check_origin(environ)
            principal = self._core.auth.authenticate(
                environ.get("HTTP_AUTHORIZATION"), environ.get("QUERY_STRING", "")
            )
            connection = self._accepted(environ, principal)
        except McpServerError as error:
            return self._core.errors.render(environ, start_response, error)
        self._carry(connection, principal)
        raise StopIteration

    def drain(self) -> None:
        """Close all connections, each when its calls are over: the process is about to stop."""
        self._is_draining = True
        for each in list(self._open):
            gevent.spawn(each.go_away)

    def _accepted(self, environ: Environ, principal: Principal) -> WebSocketConnection:
        if environ["REQUEST_METHOD"] != "GET" or "gunicorn.socket" not in environ:
            raise RequestRefused(405, "Open a WebSocket", (("Allow", "GET"),))
        if self._is_draining:
            raise RequestRefused(503, "This server stops; connect again", (("Retry-After", "1"),))
        if sum(each.subject == principal.subject for each in self._open) >= MAX_PER_CALLER:
            raise RequestRefused(429, "Too many of your connections are open", (("Retry-After", "5"),))
        connection = WebSocketConnection(
            environ["gunicorn.socket"],
            silence_seconds=self._core.carrier.keepalive_seconds,
            max_message_bytes=self._max_message_bytes,
        )
        try:
            connection.accept(environ, SUBPROTOCOL)
        except HandshakeInvalid as error:
            headers = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
            raise RequestRefused(426, str(error), headers) from None
        return connection

    def _carry(self, connection: WebSocketConnection, principal: Principal) -> None:
        owner = (principal.subject, principal.client_id)
        session = Session(
            secrets.token_urlsafe(24),
            owner,
            NEWEST_LEGACY,
            {},
            now=self._clock(),
            input_timeout_seconds=self._input_timeout_seconds,
        )
        conversation = _Conversation(self._core, connection, session, principal)
        self._open.add(conversation)
        metrics.stream_opened()
        expiry = gevent.spawn_later(
            max(0.0, principal.expires_at_seconds - self._clock()),
            connection.close,
            CloseReason.POLICY_VIOLATION,
            "The access token has expired",
        )
        stay = self._core.ongoing.begin(principal, lambda: gevent.spawn(conversation.revoked))
        try:
            conversation.run()
        finally:
            expiry.kill(block=False)
            self._core.ongoing.over(stay)
            self._open.discard(conversation)
            metrics.stream_closed()


class _Conversation:
    """A session on its connection: one greenlet reads messages, another one sends what the stream has."""

    def __init__(
        self, core: Core, connection: WebSocketConnection, session: Session, principal: Principal
    ) -> None:
        self.subject = principal.subject
        self._connection = connection
        self._session = session
        self._stream = session.standalone_stream()
        self._reader = self._stream.attach()
        self._duplex = Duplex(core, session, principal)
        self._listening = core.listening
        self._unwatch: Callable[[], None] | None = None

    def run(self) -> None:
        """Carry messages in both directions until the connection is closed."""
        sender: gevent.Greenlet[..., None] = gevent.spawn(self._send_all)
        try:
            self._connection.receive(self._take)
        finally:
            if self._unwatch is not None:
                self._unwatch()
            self._duplex.end()
            self._session.close()
            sender.kill()
            self._connection.linger()

    def revoked(self) -> None:
        """End: the token is not good any more."""
        self._connection.close(CloseReason.POLICY_VIOLATION, "The access token was revoked")

    def go_away(self) -> None:
        """End once what runs is answered: this server stops."""
        for farewell in self._duplex.farewells():
            self._stream.force(farewell)
        while self._session.is_running() and self._connection.is_open:
            gevent.sleep(0.05)
        while not self._stream.is_read_up() and self._connection.is_open:
            gevent.sleep(0.05)
        self._connection.close(CloseReason.GOING_AWAY, "This server stops; connect again")

    def _take(self, text: str) -> None:
        body = text.encode()
        if self._session.is_initialized and self._unwatch is None:
            # A client of 2026-07-28 is told of what it subscribes to, and never initializes.
            self._unwatch = self._listening.attend(self._session, self.subject, self._stream)
        try:
            self._duplex.take(body)
        except (JsonRpcError, InsufficientScope) as error:
            self._refuse(body, running.problem(error))
        except Exception:
            _log.exception("a message failed")
            self._refuse(body, jsonrpc.internal_error(correlation.current()))
        if self._stream.is_full():
            self._connection.close(CloseReason.TRY_AGAIN_LATER, "Too much waits to be read")

    def _refuse(self, body: bytes, error: JsonRpcError) -> None:
        self._stream.force(jsonrpc.error(jsonrpc.readable_id(body), error))

    def _send_all(self) -> None:
        while (events := self._stream.read(self._reader, _READ_SECONDS)) is not None:
            for _, data in events:
                self._connection.send(data.decode())
        # The stream has ended before the connection: somebody had more to say than fits.
        self._connection.close(CloseReason.TRY_AGAIN_LATER, "Too much waits to be read")
