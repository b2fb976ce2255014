"""One session of a revision before 2026: whose it is, its log level, its streams and its running calls.

::

    initialize --> OPEN --DELETE, idle, stream of 2024-11-05 ended, room needed--> CLOSED

Made by ``memory``; used by the transports. Must not outlive its token's person: every use compares the
caller.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from mcpserver.errors import INVALID_REQUEST, SERVER_BUSY, JsonRpcError
from mcpserver.sessions.protocol import STANDALONE, Stream
from mcpserver.sessions.questions import Questions
from mcpserver.sessions.stream import EventStream
from mcpserver.wire import LogLevel, RequestId

MAX_RUNNING_CALLS: Final = 32
# Streams of finished requests that can still be resumed.
_KEPT_STREAMS: Final = 8
# Subscriptions that one session may have, and characters of their URIs together.
MAX_SUBSCRIPTIONS: Final = 1000
MAX_SUBSCRIBED_CHARACTERS: Final = 256 * 1024


class Session:
    """Args: session_id: unguessable, visible ASCII; owner: ``(sub, client_id)``; version: negotiated;
    capabilities: the client's; now: in s; input_timeout_seconds: how long the client may take to answer.
    """

    __slots__ = (
        "_input_timeout_seconds",
        "_next_stream",
        "_questions",
        "_running",
        "_streams",
        "_subscribed",
        "capabilities",
        "changes_seen",
        "closed",
        "id",
        "is_initialized",
        "log_level",
        "owner",
        "used_at",
        "version",
    )

    def __init__(
        self,
        session_id: str,
        owner: tuple[str, str],
        version: str,
        capabilities: Mapping[str, Any],
        *,
        now: float,
        input_timeout_seconds: float,
    ) -> None:
        self.id = session_id
        self.owner = owner
        self.version = version
        self.capabilities = capabilities
        self.used_at = now
        self.changes_seen = ""
        self._input_timeout_seconds = input_timeout_seconds
        self._questions: Questions | None = None
        self.closed = False
        self.is_initialized = False
        # Before 2026 a server may choose what to send until the client sets a level (MCP Logging).
        self.log_level: LogLevel | None = "info"
        self._streams: OrderedDict[int, EventStream] = OrderedDict()
        self._next_stream = STANDALONE + 1
        self._running: dict[RequestId, Callable[[], object]] | None = None
        self._subscribed: set[str] | None = None

    def initialized(self, version: str, capabilities: Mapping[str, Any]) -> None:
        """See ``protocol.Session``."""
        self.version, self.capabilities = version, capabilities
        self.is_initialized = True

    def standalone_stream(self) -> EventStream:
        """Return the stream that belongs to no request."""
        stream = self._streams.get(STANDALONE)
        if stream is None or stream.closed:
            stream = self._streams[STANDALONE] = EventStream(STANDALONE)
        return stream

    def new_stream(self) -> EventStream:
        """Return a stream for the answer to one request; the oldest finished ones are forgotten."""
        stream = EventStream(self._next_stream)
        self._next_stream += 1
        self._streams[stream.number] = stream
        finished = [n for n, s in self._streams.items() if n != STANDALONE and s.finished]
        for number in finished[: max(0, len(finished) - _KEPT_STREAMS)]:
            del self._streams[number]
        return stream

    def stream(self, number: int) -> EventStream | None:
        """Return a stream that is still remembered."""
        return self._streams.get(number)

    def forget_stream(self, number: int) -> None:
        """Drop a stream that nothing was sent on."""
        self._streams.pop(number, None)

    @property
    def subscribed(self) -> AbstractSet[str]:
        """See ``protocol.Session``."""
        return self._subscribed or frozenset()

    def subscribe(self, uri: str) -> None:
        """See ``protocol.Session``."""
        subscribed = {*self.subscribed, uri}
        if len(subscribed) > MAX_SUBSCRIPTIONS or sum(map(len, subscribed)) > MAX_SUBSCRIBED_CHARACTERS:
            raise too_many_subscriptions()
        self._subscribed = subscribed

    def unsubscribe(self, uri: str) -> None:
        """See ``protocol.Session``."""
        if self._subscribed is not None:
            self._subscribed.discard(uri)

    def started(self, request_id: RequestId, cancel: Callable[[], object]) -> None:
        """Remember a running call, so that it can be cancelled."""
        if self._running is None:
            self._running = {}
        self._running[request_id] = cancel

    def take_room(self, request_id: RequestId, _stream: Stream) -> None:
        """See ``protocol.Session``."""
        if self._running is None:
            return
        if request_id in self._running:
            raise no_room(is_running=True)
        if len(self._running) >= MAX_RUNNING_CALLS:
            raise no_room(is_running=False)

    def ended(self, request_id: RequestId) -> None:
        """Forget a call that is over."""
        if self._running is not None:
            self._running.pop(request_id, None)

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        """Act on a client's notification: a cancellation is the only one that asks for anything."""
        if method == "notifications/cancelled":
            self.cancel(params.get("requestId"))

    def cancel(self, request_id: object) -> None:
        """Stop a running call (MCP Cancellation); unknown ones are ignored."""
        if self._running is not None and isinstance(request_id, str | int):
            cancel = self._running.pop(request_id, None)
            if cancel is not None:
                cancel()

    def ask(
        self, stream: Stream, requests: Mapping[str, tuple[str, dict[str, Any]]]
    ) -> Mapping[str, dict[str, Any]]:
        """See ``protocol.Session``."""
        if self._questions is None:
            self._questions = Questions(self._input_timeout_seconds)
        return self._questions.ask(requests, lambda _, data: stream.force(data))

    def answered(
        self, request_id: RequestId | None, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        """See ``protocol.Session``."""
        if self._questions is not None:
            self._questions.answered(request_id, result, error)

    def is_running(self) -> bool:
        """Say whether a call runs."""
        return bool(self._running)

    def is_in_use(self) -> bool:
        """Say whether a call runs or a connection reads one of the streams."""
        return bool(self._running) or any(stream.is_read for stream in self._streams.values())

    def close(self) -> None:
        """Cancel the calls and end the streams."""
        self.closed = True
        for request_id in list(self._running or ()):
            self.cancel(request_id)
        for stream in self._streams.values():
            stream.close()


def no_room(*, is_running: bool) -> JsonRpcError:
    """Return the error for one more call: one with its id runs already, or too many do."""
    if is_running:
        # MCP Basic, "Requests": an id must not have been used before within the session.
        return JsonRpcError(
            INVALID_REQUEST, "Invalid request: a call with this id is running", http_status=400
        )
    return JsonRpcError(SERVER_BUSY, "Too many calls of this session are running", http_status=429)


def too_many_subscriptions() -> JsonRpcError:
    """Return the error for one more subscription."""
    return JsonRpcError(SERVER_BUSY, "This session has too many subscriptions")
