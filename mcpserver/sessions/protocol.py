"""What transports and method handlers may ask of sessions, of their streams and of whoever keeps them.

Implemented in this process by ``memory``, ``session`` and ``stream``. Verbs are atomic: a session is opened,
found or closed whole; an event is appended or not.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Protocol

from mcpserver.errors import McpServerError
from mcpserver.principal import Principal
from mcpserver.wire import LogLevel, RequestId

STANDALONE: Final = 0
"""Number of the stream for messages that belong to no request (GET before 2026, all of 2024-11-05)."""


class SessionNotFound(McpServerError):
    """There is no such session for this caller: never was, expired, closed, or somebody else's."""


class TooManySessions(McpServerError):
    """This caller has as many sessions as one may have."""


class Stream(Protocol):
    """One ordered stream of events with a bounded memory; see ``stream`` for its states."""

    @property
    def number(self) -> int:
        """Names the stream within its session."""

    @property
    def finished(self) -> bool:
        """Whether the last event was appended."""

    @property
    def closed(self) -> bool:
        """Whether nobody will read any more."""

    @property
    def is_read(self) -> bool:
        """Whether a reader is attached."""

    @property
    def position(self) -> int:
        """Number of the last event that was read."""

    on_first_event: Callable[[], None] | None
    """Called once, when the first event is sent from here."""

    def send(self, data: bytes, *, is_urgent: bool = True) -> None:
        """Append an event; waits while a reader is attached and what it has not read fills the memory: half
        of it for what is not urgent, so that the rest has room.
        """

    def force(self, data: bytes) -> None:
        """Append an event without ever waiting: a response, of which each call has one."""

    def finish(self, data: bytes | None = None) -> None:
        """Append the last event, if any; nothing follows it."""

    def close(self) -> None:
        """Nobody will read any more."""

    def attach(self, after: int | None = None) -> int:
        """Become the reader and return its name; ``after`` is the last event that the client has, None: go on
        where the last reader was. An earlier reader is told to leave.
        """

    def detach(self, reader: int) -> None:
        """Stop being the reader."""

    def hang_up(self) -> None:
        """Make the reader leave after what it has read; another one may come back for the rest."""

    def read(self, reader: int, timeout_seconds: float) -> Sequence[tuple[int, bytes]] | None:
        """Return the events that came since the last read, with their numbers.

        Returns:
            An empty sequence when none came in time; None at the end of the stream, or when another reader
            took over.
        """

    def is_full(self) -> bool:
        """Say whether what was not read leaves room for responses only."""

    def wake(self) -> None:
        """Make a waiting reader in this process look up; called on the hub, never blocks."""


class Session(Protocol):
    """One session of a revision before 2026; see ``session`` for its states."""

    @property
    def id(self) -> str:
        """Unguessable, visible ASCII."""

    @property
    def version(self) -> str:
        """The negotiated revision."""

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the client declared when the session opened."""

    log_level: LogLevel | None
    """The least severe log line that the client wants."""
    changes_seen: str
    """Position of the latest change that its standalone stream was told of; "" before there was one. Setting
    it may wait, and raise Unavailable."""

    @property
    def subscribed(self) -> AbstractSet[str]:
        """URIs of the resources that the client subscribed to, as far as this process knows; never waits."""

    def subscribe(self, uri: str) -> None:
        """Add a URI.

        Raises:
            JsonRpcError: too many.
        """

    def unsubscribe(self, uri: str) -> None:
        """Remove a URI, if it is there."""

    def initialized(self, version: str, capabilities: Mapping[str, Any]) -> None:
        """Take what ``initialize`` settled within an open session (HTTP+SSE, WebSocket)."""

    def standalone_stream(self) -> Stream:
        """Return the stream that belongs to no request."""

    def new_stream(self) -> Stream:
        """Return a stream for the answer to one request; the oldest finished ones are forgotten."""

    def stream(self, number: int) -> Stream | None:
        """Return a stream that is still remembered."""

    def forget_stream(self, number: int) -> None:
        """Drop a stream that nothing was sent on."""

    def take_room(self, request_id: RequestId, stream: Stream) -> None:
        """Take the room of one more call, which is answered on a stream; ``started`` has to follow.

        Raises:
            JsonRpcError: too many run, or one that it could not be told from: server busy, or invalid
                request.
        """

    def started(self, request_id: RequestId, cancel: Callable[[], object]) -> None:
        """Remember a running call; ``cancel`` ends it without waiting."""

    def ended(self, request_id: RequestId) -> None:
        """Forget a call that is over."""

    def is_running(self) -> bool:
        """Say whether a call runs, in whatever process."""

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        """Act on a client's notification: a cancellation is the only one that asks for anything."""

    def ask(
        self, stream: Stream, requests: Mapping[str, tuple[str, dict[str, Any]]]
    ) -> Mapping[str, dict[str, Any]]:
        """Send requests (method and params by key) on a stream and wait for the client's results.

        Raises:
            Unanswered: an error came back, or nothing in time.
        """

    def answered(
        self, request_id: RequestId | None, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        """Take the client's answer to a request of ours; what nobody waits for is ignored."""

    def close(self) -> None:
        """Cancel the calls and end the streams; for whoever keeps the sessions, and for a session that is
        gone already.
        """


class Sessions(Protocol):
    """Keeps sessions."""

    def open(self, principal: Principal, version: str, capabilities: Mapping[str, Any]) -> Session:
        """Make a session for this caller.

        Raises:
            TooManySessions: the caller has too many.
        """

    def get(self, session_id: str, principal: Principal) -> Session:
        """Return a session of this caller.

        Raises:
            SessionNotFound: also when it is somebody else's, which must look the same.
        """

    def close(self, session_id: str, principal: Principal) -> None:
        """End a session of this caller: its streams close, its calls are cancelled.

        Raises:
            SessionNotFound: see ``get``.
        """
