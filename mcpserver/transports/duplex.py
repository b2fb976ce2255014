"""Messages of a session whose answers all travel on one stream: HTTP+SSE of 2024-11-05, and WebSocket.

Called by ``sse`` and ``websocket`` for each message that comes in. What it asks for is answered on the
session's standalone stream. Must not know how messages arrive or leave.
"""

from collections.abc import Callable
from typing import Any

import gevent

from mcpserver.errors import SERVER_BUSY, InsufficientScope, JsonRpcError
from mcpserver.principal import Principal
from mcpserver.protocol import eras, jsonrpc, subscriptions
from mcpserver.protocol.call import Call, Outcome
from mcpserver.protocol.jsonrpc import Message, Notification, Request, Response
from mcpserver.sessions.protocol import Session, Stream
from mcpserver.transports import running
from mcpserver.transports.core import Core
from mcpserver.transports.running import StreamChannel
from mcpserver.wire import RequestId


class Duplex:
    """One session in both directions.

    Args:
        core: what the transports share.
        session: whose messages these are.
        principal: who sends them.
        serves_modern: requests of 2026-07-28 are taken too: this object stays as long as the stream does,
            which their subscriptions need.
    """

    def __init__(
        self, core: Core, session: Session, principal: Principal, *, serves_modern: bool = True
    ) -> None:
        self._core = core
        self._session = session
        self._principal = principal
        self._serves_modern = serves_modern
        self._stream = session.standalone_stream()
        self._subscriptions: dict[RequestId, Callable[[], None]] = {}

    def take(self, body: bytes) -> None:
        """Take one message, or a batch of them.

        Raises:
            JsonRpcError: it cannot be taken; nothing was done.
            InsufficientScope: the caller's token does not allow it; nothing was done.
        """
        parsed = jsonrpc.parse(body)
        if not isinstance(parsed, list):
            self._take(parsed)
            return
        if self._session.version != eras.BATCHES:
            raise jsonrpc.no_batches()
        for member in parsed:
            self._take_member(member)

    def _take_member(self, member: Message | JsonRpcError) -> None:
        # MCP 2025-03-26 Streamable HTTP, "Sending Messages": the responses to a batch need not be one.
        try:
            if isinstance(member, JsonRpcError):
                raise member
            if isinstance(member, Request) and member.method == "initialize":
                raise jsonrpc.no_initialize_in_batches()
            self._take(member)
        except (JsonRpcError, InsufficientScope) as error:
            request_id = member.id if isinstance(member, Request) else None
            self._stream.force(jsonrpc.error(request_id, running.problem(error)))

    def _take(self, message: Message) -> None:
        if isinstance(message, Notification):
            self._note(message)
        elif isinstance(message, Response):
            self._session.answered(message.id, message.result, message.error)
        else:
            self._start(message)

    def end(self) -> None:
        """End the subscriptions: nobody reads any more."""
        for end in self._subscriptions.values():
            end()
        self._subscriptions.clear()

    def farewells(self) -> list[bytes]:
        """Return the responses that close the subscriptions from our side."""
        return [subscriptions.farewell(request_id) for request_id in self._subscriptions]

    def _note(self, message: Notification) -> None:
        request_id = message.params.get("requestId")
        if message.method == "notifications/cancelled" and isinstance(request_id, str | int):
            end = self._subscriptions.pop(request_id, None)
            if end is not None:
                end()
        self._session.notified(message.method, message.params)

    def _start(self, request: Request) -> None:
        if request.id in self._subscriptions:
            raise jsonrpc.id_in_use()
        self._session.take_room(request.id, self._stream)
        runs = False
        try:
            runs = self._begin(request)
        finally:
            if not runs:
                self._session.ended(request.id)

    def _begin(self, request: Request) -> bool:
        """Answer a request; say whether it runs as a call."""
        if self._stream.is_full():
            # A client that asks without reading the answers.
            raise JsonRpcError(SERVER_BUSY, "Too many answers wait to be read", http_status=429)
        call, channel = self._call(request)
        if call.version == eras.MODERN and request.method == "subscriptions/listen":
            self._core.dispatcher.check(call)
            self._subscriptions[request.id] = self._core.listening.subscribe(call, self._stream)
            return False
        # Known before the call begins, so that the refusal can be a challenge.
        self._core.dispatcher.admit(call)
        answer = _StreamAnswer(request.id, self._stream)
        channel.answer = answer
        running.start(self._core.ongoing, self._core.dispatcher, call, self._session, answer.finished)
        return True

    def _call(self, request: Request) -> tuple[Call, StreamChannel]:
        session = self._session
        if self._serves_modern and eras.is_modern(None, request):
            meta = eras.check_modern(None, request)
            channel = StreamChannel(self._stream, None)
            return Call(
                self._principal, request, eras.MODERN, channel, meta.log_level, None, meta.capabilities
            ), channel
        channel = StreamChannel(self._stream, session)
        return Call(
            self._principal,
            request,
            session.version,
            channel,
            session.log_level,
            session,
            session.capabilities,
        ), channel


class _StreamAnswer:
    """How a call is answered on the stream that all answers share."""

    def __init__(self, request_id: RequestId, stream: Stream) -> None:
        self._request_id = request_id
        self._stream = stream
        self._finish: Callable[[Outcome], None] | None = None

    def detach(self, result: dict[str, Any], finish: Callable[[Outcome], None]) -> None:
        """Answer now; the outcome goes to ``finish``."""
        self._send(result)
        self._finish = finish

    def finished(self, outcome: Outcome) -> None:
        """Take the outcome of the call."""
        if self._finish is not None:
            # On the hub, which must not wait.
            gevent.spawn(self._finish, outcome)
        else:
            self._send(outcome)

    def _send(self, outcome: Outcome) -> None:
        data = running.response(self._request_id, outcome)
        if data is not None:
            self._stream.force(data)
