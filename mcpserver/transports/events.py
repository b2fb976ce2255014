"""Server-Sent Events: how an event is written, and the loop that carries a stream to a connection.

Used by ``http`` and ``sse``. One greenlet per connection and no timer beside it: the loop waits for events,
for the time of the next keep-alive comment, for the token's expiry and for the client's departure at once.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from mcpserver import metrics
from mcpserver.sessions.stream import EventStream
from mcpserver.transports.departure import Departure

KEEPALIVE: Final = b": keep-alive\n\n"
# A client that lost its stream comes back after this.
RETRY_MILLISECONDS: Final = 1000

RenderEvent = Callable[[int, bytes], bytes]


def plain_event(_number: int, data: bytes) -> bytes:
    """Write an event that cannot be resumed from."""
    return b"event: message\ndata: " + data + b"\n\n"


def numbered_event(stream: EventStream) -> RenderEvent:
    """Write events whose ids name the stream and the position in it (MCP 2025-11-25 transports,
    "Resumability").
    """
    prefix = f"{stream.number}_".encode()

    def render(number: int, data: bytes) -> bytes:
        return b"id: %b%d\nevent: message\ndata: %b\n\n" % (prefix, number, data)

    return render


def priming_event(stream: EventStream) -> bytes:
    """Write the event that lets a client of 2025-11-25 resume a stream before anything was sent on it."""
    return b"id: %d_0\nretry: %d\ndata: \n\n" % (stream.number, RETRY_MILLISECONDS)


def parse_event_id(value: str) -> tuple[int, int] | None:
    """Return stream and position of a Last-Event-ID of ours, None for anything else."""
    stream, separator, position = value.partition("_")
    if not separator or not (stream.isdecimal() and position.isdecimal()) or len(value) > 32:
        return None
    return int(stream), int(position)


def carry(
    stream: EventStream,
    render: RenderEvent,
    *,
    connection: Any,
    until_seconds: float,
    keepalive_seconds: float,
    after: int = 0,
    first: bytes = b"",
    at_end: Callable[[], None] | None = None,
) -> Iterator[bytes]:
    """Yield the bytes of a stream until it ends, the token expires or the client leaves.

    Args:
        stream: what to read; this connection becomes its reader at once.
        render: writes an event.
        connection: watched for the client's departure.
        until_seconds: ``exp`` of the caller's token, seconds since 1970.
        keepalive_seconds: silence after which a comment is sent.
        after: number of the last event that the client has.
        first: bytes to begin with; the head leaves even when they are empty.
        at_end: called once, however it ends.
    """
    reader = stream.attach(after)
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        stream.wake()

    departure = Departure(connection, leave)
    metrics.stream_opened()
    try:
        yield first
        while not gone:
            remaining = until_seconds - time.time()
            if remaining <= 0:
                return
            events = stream.read(reader, min(keepalive_seconds, remaining))
            if events is None:
                return
            if events:
                yield b"".join([render(number, data) for number, data in events])
            elif not gone:
                yield KEEPALIVE
    finally:
        departure.stop()
        stream.detach(reader)
        metrics.stream_closed()
        if at_end is not None:
            at_end()
