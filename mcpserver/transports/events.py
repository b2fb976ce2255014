"""Server-Sent Events: how an event is written, and the loop that carries a stream to a connection.

Used by ``http`` and ``sse``. One greenlet per connection and no timer beside it: the loop waits for events,
for the time of the next keep-alive comment, for the token's expiry or revocation and for the client's
departure at once.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import gevent

from mcpserver import metrics
from mcpserver.principal import Principal
from mcpserver.sessions.protocol import Stream
from mcpserver.transports.departure import Departure
from mcpserver.transports.ongoing import Ongoing

KEEPALIVE: Final = b": keep-alive\n\n"
# A client that lost its stream comes back after this.
RETRY_MILLISECONDS: Final = 1000
# Tells a client when to come back, in an event that says nothing else (HTML, "Server-sent events").
RETRY: Final = b"retry: %d\n\n" % RETRY_MILLISECONDS
_LOOK_SECONDS: Final = 0.05
# How long the answers to calls that were ended may take to leave.
_ANSWERING_SECONDS: Final = 1.0

RenderEvent = Callable[[int, bytes], bytes]


def plain_event(_number: int, data: bytes) -> bytes:
    """Write an event that cannot be resumed from."""
    return b"event: message\ndata: " + data + b"\n\n"


def numbered_event(stream: Stream) -> RenderEvent:
    """Write events whose ids name the stream and the position in it (MCP 2025-11-25 transports,
    "Resumability").
    """
    prefix = f"{stream.number}_".encode()

    def render(number: int, data: bytes) -> bytes:
        return b"id: %b%d\nevent: message\ndata: %b\n\n" % (prefix, number, data)

    return render


def priming_event(stream: Stream) -> bytes:
    """Write the event that lets a client of 2025-11-25 resume a stream before anything was sent on it."""
    return b"id: %d_%d\nretry: %d\ndata: \n\n" % (stream.number, stream.position, RETRY_MILLISECONDS)


def parse_event_id(value: str) -> tuple[int, int] | None:
    """Return stream and position of a Last-Event-ID of ours, None for anything else."""
    stream, separator, position = value.partition("_")
    if not separator or len(value) > 32 or not value.isascii():
        return None
    if not (stream.isdecimal() and position.isdecimal()):
        return None
    return int(stream), int(position)


def _never() -> bool:
    return False


class Carrier:
    """Carries streams to connections, and knows which are under way.

    Args:
        keepalive_seconds: silence after which a comment is sent.
        drain_seconds: how long streams of calls may go on when the process is about to stop.
        clock: seconds since 1970.
        ongoing: where streams are entered, so that revocation ends them.
    """

    def __init__(
        self,
        keepalive_seconds: float,
        drain_seconds: float,
        clock: Callable[[], float],
        ongoing: Ongoing,
    ) -> None:
        self.keepalive_seconds = keepalive_seconds
        self._drain_seconds = drain_seconds
        self._clock = clock
        self._ongoing = ongoing
        self._passages: set[_Passage] = set()
        self._is_draining = False

    def carry(
        self,
        stream: Stream,
        reader: int,
        render: RenderEvent,
        *,
        connection: Any,
        principal: Principal,
        of_call: bool,
        first: bytes = b"",
        farewell: bytes | None = None,
        is_busy: Callable[[], bool] = _never,
        at_end: Callable[[], None] | None = None,
    ) -> Iterator[bytes]:
        """Yield the bytes of a stream until it ends, the token expires or is revoked, or the client leaves.

        Args:
            stream: what to read.
            reader: what ``stream.attach`` gave.
            render: writes an event.
            connection: watched for the client's departure.
            principal: the caller; the stream does not outlive the token.
            of_call: the stream ends with the response to a call.
            first: bytes to begin with; the head leaves even when they are empty.
            farewell: a last event for when this server ends the stream; empty: the stream just ends; None: it
                can be read on elsewhere.
            is_busy: says whether answers that belong on the stream are still being made.
            at_end: called once, however it ends.
        """
        passage = _Passage(stream, of_call, farewell, is_busy)
        departure = Departure(connection, passage.leave)
        stay = self._ongoing.begin(principal, passage.revoke)
        self._passages.add(passage)
        metrics.stream_opened()
        if self._is_draining and not of_call:
            gevent.spawn(self._end_when_idle, passage)
        try:
            yield first
            while not passage.is_left:
                remaining = principal.expires_at_seconds - self._clock()
                if remaining <= 0 or passage.is_revoked:
                    if farewell:
                        yield render(0, farewell)
                    return
                events = stream.read(reader, min(self.keepalive_seconds, remaining))
                if events is None or passage.is_left:
                    if passage.is_worth_coming_back():
                        yield RETRY
                    return
                if not passage.is_revoked:
                    yield b"".join([render(number, data) for number, data in events]) or KEEPALIVE
        finally:
            departure.stop()
            self._ongoing.over(stay)
            try:
                # While there is a reader: whoever waits for it must not go on as if there had never been one.
                if at_end is not None:
                    at_end()
            finally:
                stream.detach(reader)
                self._passages.discard(passage)
                metrics.stream_closed()

    def drain(self) -> None:
        """End the streams: those that only wait at once, those with calls when these are over, and all of
        them when they had their time.
        """
        self._is_draining = True
        gevent.spawn_later(self._drain_seconds, self._close_all)
        for passage in list(self._passages):
            if not passage.of_call:
                gevent.spawn(self._end_when_idle, passage)

    def _end_when_idle(self, passage: "_Passage") -> None:
        while passage.is_busy() and passage in self._passages:
            gevent.sleep(_LOOK_SECONDS)
        passage.end()

    def _close_all(self) -> None:
        self._ongoing.end_calls()
        with gevent.Timeout(_ANSWERING_SECONDS, False):  # type: ignore[arg-type]
            while self._passages:
                gevent.sleep(_LOOK_SECONDS)
        for passage in list(self._passages):
            passage.end()


class _Passage:
    """A stream on its way to a connection."""

    __slots__ = ("_farewell", "_is_ended", "is_busy", "is_left", "is_revoked", "of_call", "stream")

    def __init__(
        self, stream: Stream, of_call: bool, farewell: bytes | None, is_busy: Callable[[], bool]
    ) -> None:
        self.stream = stream
        self.of_call = of_call
        self.is_busy = is_busy
        self.is_left = False
        self.is_revoked = False
        self._farewell = farewell
        self._is_ended = False

    def is_worth_coming_back(self) -> bool:
        """Say whether its client was cut off, and may come back for what follows."""
        return self._is_ended and not (self.is_left or self._farewell)

    def end(self) -> None:
        """End the stream on our side."""
        self._is_ended = True
        if self._farewell is None:
            # Whoever reads it next goes on where this reader was, perhaps in another process.
            self.stream.hang_up()
        else:
            self.stream.finish(self._farewell or None)

    def leave(self) -> None:
        """The client is gone (called on the hub: must not block)."""
        self.is_left = True
        self.stream.wake()

    def revoke(self) -> None:
        """The client's token was revoked (must not block)."""
        self.is_revoked = True
        self.stream.wake()
