"""HTTP+SSE of 2024-11-05: a stream that answers everything, and an endpoint that takes messages for it.

Called by ``front``. The endpoint event is relative (``message?sessionId=…``), so that it survives a
gateway's path rewriting. A session lives as long as its stream. Must not know where sessions are kept: the
stream may be in one process and a message for it come to another.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs

from mcpserver.errors import McpServerError, RequestRefused, Unavailable
from mcpserver.guard import ACCEPT_STREAM, check_accepts, check_json
from mcpserver.principal import Principal
from mcpserver.sessions.protocol import Session, SessionNotFound, Sessions
from mcpserver.transports import events
from mcpserver.transports.core import Core
from mcpserver.transports.duplex import Duplex
from mcpserver.transports.responses import Environ, StartResponse, preflight, send, start_events

VERSION: Final = "2024-11-05"
_SSE_METHODS: Final = "GET, OPTIONS"
_MESSAGE_METHODS: Final = "POST, OPTIONS"


class SseEndpoints:
    """The two endpoints."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def stream(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """GET /sse: open a session and carry its stream (WSGI)."""
        try:
            self._core.guard.check_origin(environ)
            if environ["REQUEST_METHOD"] == "OPTIONS":
                return preflight(environ, start_response, _SSE_METHODS)
            principal = self._authenticated(environ)
            # A client that tries Streamable HTTP first is told by the status to fall back (MCP 2025-03-26).
            if environ["REQUEST_METHOD"] != "GET":
                raise RequestRefused(405, "Use GET", (("Allow", _SSE_METHODS),))
            check_accepts(environ, *ACCEPT_STREAM)
            sessions = self._sessions()
            session = sessions.open(principal, VERSION, {})
            stream = session.standalone_stream()
            reader = stream.attach()
            unwatch = self._core.listening.attend(session, principal.subject, stream)
            start_events(environ, start_response)

            def end() -> None:
                unwatch()
                _close(sessions, session, principal)

            return self._core.carrier.carry(
                stream,
                reader,
                events.plain_event,
                connection=environ.get("gunicorn.socket"),
                principal=principal,
                of_call=False,
                farewell=b"",
                is_busy=session.is_running,
                first=f"event: endpoint\ndata: message?sessionId={session.id}\n\n".encode(),
                at_end=end,
            )
        except McpServerError as error:
            return self._core.errors.render(environ, start_response, error)

    def message(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """POST /message: take one message; what it asks for is answered on the stream (WSGI)."""
        try:
            self._core.guard.check_origin(environ)
            if environ["REQUEST_METHOD"] == "OPTIONS":
                return preflight(environ, start_response, _MESSAGE_METHODS)
            principal = self._authenticated(environ)
            if environ["REQUEST_METHOD"] != "POST":
                raise RequestRefused(405, "Use POST", (("Allow", _MESSAGE_METHODS),))
            ids = parse_qs(environ.get("QUERY_STRING", "")).get("sessionId", [])
            if len(ids) != 1:
                raise RequestRefused(400, "sessionId is required, once")
            session = self._sessions().get(ids[0], principal)
            check_json(environ)
            body = self._core.guard.read_body(environ)
            Duplex(self._core, session, principal, serves_modern=False).take(body)
            return send(environ, start_response, 202, b"")
        except McpServerError as error:
            return self._core.errors.render(environ, start_response, error)

    def _authenticated(self, environ: Environ) -> Principal:
        return self._core.auth.authenticate(
            environ.get("HTTP_AUTHORIZATION"), environ.get("QUERY_STRING", "")
        )

    def _sessions(self) -> Sessions:
        if self._core.sessions is None:
            raise RequestRefused(
                503, "This server runs several processes that share no sessions: use Streamable HTTP"
            )
        return self._core.sessions


def _close(sessions: Sessions, session: Session, principal: Principal) -> None:
    try:
        sessions.close(session.id, principal)
    except (SessionNotFound, Unavailable):
        session.close()
