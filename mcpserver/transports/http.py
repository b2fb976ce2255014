"""Streamable HTTP: one endpoint, every revision from 2025-03-26 on (MCP Streamable HTTP; DESIGN decision 8).

Called by ``front``. A POST is: guard → auth → parse → era → dispatch. A modern request is answered from
itself alone, by any worker; a legacy one may belong to a session, which it opens with ``initialize``. Must
not know what a method does.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from gevent import get_hub, getcurrent

from mcpserver.errors import INVALID_REQUEST, CallCancelled, JsonRpcError, McpServerError, RequestRefused
from mcpserver.guard import ACCEPT_POST, ACCEPT_STREAM, check_accepts, check_json
from mcpserver.principal import Principal
from mcpserver.protocol import eras, jsonrpc, subscriptions
from mcpserver.protocol.call import Call
from mcpserver.protocol.eras import MirroredHeaders
from mcpserver.protocol.jsonrpc import Message, Notification, Request, Response
from mcpserver.sessions.protocol import STANDALONE, Session, SessionNotFound, Stream
from mcpserver.sessions.stream import EventStream
from mcpserver.transports import events, running
from mcpserver.transports.core import Core
from mcpserver.transports.departure import Departure
from mcpserver.transports.responses import (
    Environ,
    StartResponse,
    preflight,
    send,
    start_events,
)
from mcpserver.transports.running import Answer, SilentChannel, StreamChannel
from telemetry import tracing

METHODS: Final = "GET, POST, DELETE, OPTIONS"
_PRIMES: Final = "2025-11-25"  # since this revision a stream begins with an id
_SILENT: Final = SilentChannel()


class HttpEndpoint:
    """The MCP endpoint."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        try:
            self._core.guard.check_origin(environ)
            method = environ["REQUEST_METHOD"]
            if method == "OPTIONS":
                return preflight(environ, start_response, METHODS)
            principal = self._authenticated(environ)
            if method == "POST":
                return self._post(environ, start_response, principal)
            if method == "GET":
                return self._get(environ, start_response, principal)
            if method == "DELETE":
                return self._delete(environ, start_response, principal)
            raise RequestRefused(405, "Use POST", (("Allow", METHODS),))
        except McpServerError as error:
            return self._core.errors.render(environ, start_response, error)

    def _authenticated(self, environ: Environ) -> Principal:
        return self._core.auth.authenticate(
            environ.get("HTTP_AUTHORIZATION"), environ.get("QUERY_STRING", "")
        )

    def _post(self, environ: Environ, start_response: StartResponse, principal: Principal) -> Iterable[bytes]:
        check_json(environ)
        check_accepts(environ, *ACCEPT_POST)
        body = self._core.guard.read_body(environ)
        headers = _mirrored(environ)
        request_id = None
        try:
            message = _one_or_batch(jsonrpc.parse(body), headers.protocol_version)
            if isinstance(message, list):
                return self._batch(environ, start_response, principal, message)
            if isinstance(message, Request):
                request_id = message.id
            if eras.is_modern(headers, message):
                return self._modern(environ, start_response, principal, headers, message)
            return self._legacy(environ, start_response, principal, message)
        except McpServerError as error:
            if request_id is None and isinstance(error, JsonRpcError):
                request_id = jsonrpc.readable_id(body)
            return self._core.errors.render(environ, start_response, error, request_id)

    def _modern(
        self,
        environ: Environ,
        start_response: StartResponse,
        principal: Principal,
        headers: MirroredHeaders,
        message: Message,
    ) -> Iterable[bytes]:
        if isinstance(message, Notification):
            # This revision defines none over HTTP; one that is not known does no harm.
            eras.check_modern_notification(headers)
            return send(environ, start_response, 202, b"")
        if not isinstance(message, Request):
            # MCP 2026-07-28 Streamable HTTP, "Sending Messages" 4.
            raise JsonRpcError(
                INVALID_REQUEST, "Invalid request: this server asks for no responses", http_status=400
            )
        meta = eras.check_modern(headers, message)
        self._core.dispatcher.check_headers(
            message, principal, lambda name: environ.get("HTTP_" + name.upper().replace("-", "_"))
        )
        if message.method == subscriptions.LISTEN:
            call = Call(principal, message, eras.MODERN, _SILENT, meta.log_level, None, meta.capabilities)
            return self._listen(environ, start_response, call)
        if self._core.dispatcher.speaks(message):
            stream = EventStream()
            channel = StreamChannel(stream, None)
            call = Call(principal, message, eras.MODERN, channel, meta.log_level, None, meta.capabilities)
            return self._beside(environ, start_response, call, channel)
        call = Call(principal, message, eras.MODERN, _SILENT, meta.log_level, None, meta.capabilities)
        try:
            result = self._here(environ, call)
        except CallCancelled:
            self._authenticated(environ)
            if self._core.ongoing.is_out_of_time:
                raise jsonrpc.stopped() from None
            return send(environ, start_response, 202, b"")  # to nobody: the client left
        return send(environ, start_response, 200, jsonrpc.result(message.id, result))

    def _listen(self, environ: Environ, start_response: StartResponse, call: Call) -> Iterable[bytes]:
        """Answer with the stream of a subscription (MCP Subscriptions)."""
        with contextlib.ExitStack() as ends:
            if tracing.is_on():
                # It is over when the stream is.
                ends.enter_context(self._core.dispatcher.span_of(call))
            self._core.dispatcher.check(call)
            stream = EventStream()
            reader = stream.attach()
            ends.callback(self._core.listening.subscribe(call, stream))
            start_events(environ, start_response)
            at_end = ends.pop_all().close
        return self._core.carrier.carry(
            stream,
            reader,
            events.plain_event,
            connection=environ.get("gunicorn.socket"),
            principal=call.principal,
            of_call=False,
            farewell=subscriptions.farewell(call.request.id),
            at_end=at_end,
        )

    def _here(self, environ: Environ, call: Call) -> dict[str, Any]:
        """Answer on the connection's own greenlet, which the client's departure and the revocation of its
        token wake with CallCancelled.
        """
        greenlet = getcurrent()

        def cancel() -> None:
            # On the hub, which is never inside a call: this one is either waiting or over.
            if not stay.is_over:
                greenlet.throw(CallCancelled)

        departure = Departure(environ.get("gunicorn.socket"), cancel)
        stay = self._core.ongoing.begin(
            call.principal, lambda: get_hub().loop.run_callback(cancel), is_call=True
        )
        try:
            return self._core.dispatcher.dispatch(call)
        finally:
            departure.stop()
            self._core.ongoing.over(stay)

    def _legacy(
        self, environ: Environ, start_response: StartResponse, principal: Principal, message: Message
    ) -> Iterable[bytes]:
        version = eras.check_legacy_version(environ.get("HTTP_MCP_PROTOCOL_VERSION"))
        session = self._session(environ, principal)
        if isinstance(message, Notification):
            if session is not None:
                session.notified(message.method, message.params)
            return send(environ, start_response, 202, b"")
        if isinstance(message, Response):
            if session is not None:
                session.answered(message.id, message.result, message.error)
            return send(environ, start_response, 202, b"")
        if message.method == "initialize":
            return self._initialize(environ, start_response, principal, message)
        if session is not None:
            version = session.version
            if message.method == "tools/call" or self._core.dispatcher.speaks(message):
                stream = session.new_stream()
                session.take_room(message.id, stream)
                channel = StreamChannel(stream, session)
                level, capabilities = session.log_level, session.capabilities
                call = Call(principal, message, version, channel, level, session, capabilities)
                return self._beside(environ, start_response, call, channel)
        log_level = session.log_level if session is not None else None
        capabilities = session.capabilities if session is not None else {}
        call = Call(principal, message, version, _SILENT, log_level, session, capabilities)
        return send(
            environ, start_response, 200, jsonrpc.result(message.id, self._core.dispatcher.dispatch(call))
        )

    def _initialize(
        self, environ: Environ, start_response: StartResponse, principal: Principal, message: Request
    ) -> Iterable[bytes]:
        call = Call(principal, message, eras.NEWEST_LEGACY, _SILENT, None, None, {})
        result = self._core.dispatcher.dispatch(call)
        headers = []
        # Without sessions (several workers that share nothing) a client that is given no id sends none.
        if self._core.sessions is not None:
            session = self._core.sessions.open(
                principal, result["protocolVersion"], eras.declared_capabilities(message.params)
            )
            self._core.listening.opened(session)
            headers.append(("Mcp-Session-Id", session.id))
        return send(environ, start_response, 200, jsonrpc.result(message.id, result), headers)

    def _beside(
        self, environ: Environ, start_response: StartResponse, call: Call, channel: StreamChannel
    ) -> Iterable[bytes]:
        """Answer with plain JSON if the call sends nothing before its result, else with an event stream."""
        stream, session = channel.stream, call.session
        answer = Answer(call.request.id, stream)
        channel.answer = answer
        # Before anything is sent, so that a tool that sends much waits for the connection from the start.
        reader = stream.attach()
        greenlet = running.start(self._core.ongoing, self._core.dispatcher, call, session, answer.finished)

        def leave() -> None:
            # Since 2026-07-28 leaving is cancelling; before, the client may come back for the result.
            if session is None:
                cancel()
            else:
                answer.use_stream()

        def cancel() -> None:
            if not answer.is_detached:
                greenlet.kill(CallCancelled, block=False)

        departure = Departure(environ.get("gunicorn.socket"), leave)
        try:
            outcome = answer.wait(self._core.carrier.keepalive_seconds)
        finally:
            departure.stop()
        if outcome is not None and session is not None:
            session.forget_stream(stream.number)
        if isinstance(outcome, McpServerError):
            raise outcome
        if outcome is not None:
            return send(environ, start_response, 200, jsonrpc.result(call.request.id, outcome))
        start_events(environ, start_response)
        return self._events(
            environ,
            call.principal,
            stream,
            session,
            reader,
            at_end=None if session is not None else cancel,
        )

    def _events(
        self,
        environ: Environ,
        principal: Principal,
        stream: Stream,
        session: Session | None,
        reader: int,
        *,
        resumed: bool = False,
        at_end: Any = None,
    ) -> Iterator[bytes]:
        primes = session is not None and session.version >= _PRIMES and not resumed
        return self._core.carrier.carry(
            stream,
            reader,
            events.plain_event if session is None else events.numbered_event(stream),
            connection=environ.get("gunicorn.socket"),
            principal=principal,
            of_call=stream.number != STANDALONE or session is None,
            first=events.priming_event(stream) if primes else b"",
            at_end=at_end,
        )

    def _get(self, environ: Environ, start_response: StartResponse, principal: Principal) -> Iterable[bytes]:
        if self._core.sessions is None or "HTTP_MCP_SESSION_ID" not in environ:
            # There is no stream without a session (MCP 2025-11-25 transports, "Listening for Messages").
            raise RequestRefused(405, "A stream needs the Mcp-Session-Id of a session", (("Allow", "POST"),))
        check_accepts(environ, *ACCEPT_STREAM)
        eras.check_legacy_version(environ.get("HTTP_MCP_PROTOCOL_VERSION"))
        session = self._core.sessions.get(environ["HTTP_MCP_SESSION_ID"], principal)
        last = environ.get("HTTP_LAST_EVENT_ID")
        position = events.parse_event_id(last) if last is not None else None
        if last is not None and position is None:
            raise RequestRefused(400, "Last-Event-ID is not one of this server's")
        stream = session.standalone_stream() if position is None else session.stream(position[0])
        if stream is None or stream.closed:
            raise RequestRefused(400, "This stream cannot be resumed any more")
        reader = stream.attach(position[1] if position is not None else None)
        end = None
        if stream.number == STANDALONE:
            end = self._core.listening.attend(session, principal.subject, stream)
        start_events(environ, start_response)
        return self._events(
            environ, principal, stream, session, reader, resumed=position is not None, at_end=end
        )

    def _delete(
        self, environ: Environ, start_response: StartResponse, principal: Principal
    ) -> Iterable[bytes]:
        session_id = environ.get("HTTP_MCP_SESSION_ID")
        if self._core.sessions is None or session_id is None:
            raise RequestRefused(405, "There is no session to end", (("Allow", "POST"),))
        eras.check_legacy_version(environ.get("HTTP_MCP_PROTOCOL_VERSION"))
        self._core.sessions.close(session_id, principal)
        return send(environ, start_response, 204, b"")

    def _session(self, environ: Environ, principal: Principal) -> Session | None:
        session_id = environ.get("HTTP_MCP_SESSION_ID")
        if session_id is None:
            return None
        if self._core.sessions is None:
            raise SessionNotFound("Session not found")
        return self._core.sessions.get(session_id, principal)

    def _batch(
        self,
        environ: Environ,
        start_response: StartResponse,
        principal: Principal,
        messages: list[Message | JsonRpcError],
    ) -> Iterable[bytes]:
        """Answer a batch of 2025-03-26, one member after the other (JSON-RPC 2.0 section 6)."""
        session = self._session(environ, principal)
        if session is not None and session.version != eras.BATCHES:
            raise jsonrpc.no_batches()
        for message in messages:
            if isinstance(message, Request):
                self._admit(principal, message)
        answers = []
        for message in messages:
            if isinstance(message, JsonRpcError):
                answers.append(jsonrpc.error(None, message))
            elif isinstance(message, Notification):
                if session is not None:
                    session.notified(message.method, message.params)
            elif isinstance(message, Response):
                if session is not None:
                    session.answered(message.id, message.result, message.error)
            elif isinstance(message, Request):
                answers.append(self._member(principal, session, message))
        if not answers:
            return send(environ, start_response, 202, b"")
        return send(environ, start_response, 200, b"[" + b",".join(answers) + b"]")

    def _admit(self, principal: Principal, message: Request) -> None:
        # Before anything of the batch is done: its answer is a challenge or a batch, not both.
        with contextlib.suppress(JsonRpcError):
            self._core.dispatcher.admit(Call(principal, message, eras.BATCHES, _SILENT, None, None, {}))

    def _member(self, principal: Principal, session: Session | None, message: Request) -> bytes:
        if message.method == "initialize":
            return jsonrpc.error(message.id, jsonrpc.no_initialize_in_batches())
        capabilities = session.capabilities if session is not None else {}
        call = Call(principal, message, eras.BATCHES, _SILENT, None, session, capabilities)
        try:
            return jsonrpc.result(message.id, self._core.dispatcher.dispatch(call))
        except JsonRpcError as problem:
            return jsonrpc.error(message.id, problem)


def _mirrored(environ: Environ) -> MirroredHeaders:
    get = environ.get
    return MirroredHeaders(get("HTTP_MCP_PROTOCOL_VERSION"), get("HTTP_MCP_METHOD"), get("HTTP_MCP_NAME"))


def _one_or_batch(
    parsed: Message | list[Message | JsonRpcError], version: str | None
) -> Message | list[Message | JsonRpcError]:
    if isinstance(parsed, list) and (version or eras.ASSUMED) != eras.BATCHES:
        raise jsonrpc.no_batches()
    return parsed
