"""One ordered stream of events with a bounded memory.

What a tool sends, what a connection reads, what a client that lost its connection reads again::

    OPEN --send--> OPEN --finish--> FINISHED (may still be read and read again)
      +--------------close--------> CLOSED (nobody will read: sends are dropped)

Written by the greenlet of a call, read by the greenlet of a connection. A reader that is slower than the
writer makes the writer wait; without a reader the oldest events make room. Must not know what an event says.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import gevent
from gevent.event import Event

CAPACITY: Final = 256
CAPACITY_BYTES: Final = 1024 * 1024
# Room that only responses take, so that they never push out what was not read yet.
RESERVED: Final = 32
# A writer that nobody makes wait lets others run after this many events.
_TURN: Final = 64


class EventStream:
    """Args: number: names the stream within its session; capacity: events kept; capacity_bytes: of them."""

    __slots__ = (
        "_bytes",
        "_capacity",
        "_capacity_bytes",
        "_events",
        "_news",
        "_next",
        "_read_up_to",
        "_reader",
        "_readers",
        "_room",
        "closed",
        "finished",
        "number",
        "on_first_event",
    )

    def __init__(
        self, number: int = 0, capacity: int = CAPACITY, capacity_bytes: int = CAPACITY_BYTES
    ) -> None:
        self.number = number
        self.finished = False
        self.closed = False
        # Called once, when the first event is sent.
        self.on_first_event: Callable[[], None] | None = None
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._events: deque[bytes] = deque()
        self._bytes = 0
        self._next = 1
        self._read_up_to = 0
        self._readers = 0  # how many there have been: a reader's name
        self._reader = 0  # the name of the one there is, 0 for none
        # What a reader and what writers wait for. Each is set once and then replaced: an event that
        # is cleared before those it woke have run would leave them waiting.
        self._news: Event | None = None
        self._room: Event | None = None

    def send(self, data: bytes, *, is_urgent: bool = True) -> None:
        """See ``protocol.Stream``."""
        reserved = RESERVED if is_urgent else max(RESERVED, self._capacity // 2)
        while self._reader and not self.closed and not self._make_room(len(data), reserved):
            if self._room is None:
                self._room = Event()
            self._room.wait()
        if self.closed or self.finished:
            # A writer that never pauses must come to hear that it is cancelled.
            gevent.sleep(0)
            return
        if not self._reader:
            self._make_room(len(data), RESERVED, drop_unread=True)
            if self._next % _TURN == 0:
                gevent.sleep(0)
        self._append(data)

    def force(self, data: bytes) -> None:
        """Append an event without ever waiting: a response, of which each call has one."""
        if not (self.closed or self.finished):
            self._make_room(len(data), 0, drop_unread=not self._reader)
            self._append(data)

    def finish(self, data: bytes | None = None) -> None:
        """Append the last event, if any; nothing follows it."""
        if data is not None:
            self.force(data)
        self.finished = True
        self.wake()

    def close(self) -> None:
        """Nobody will read any more."""
        self.closed = True
        self.wake()
        self._wake_writers()

    def attach(self, after: int | None = None) -> int:
        """Become the reader; an earlier reader is told to leave.

        Args:
            after: number of the last event that the client has; None: go on where the last reader was.

        Returns:
            The reader's name, for ``read`` and ``detach``.
        """
        self._readers += 1
        self._reader = self._readers
        if after is not None:
            self._read_up_to = min(max(after, self._first() - 1), self._next - 1)
        self.wake()
        self._wake_writers()
        return self._reader

    def detach(self, reader: int) -> None:
        """Stop being the reader."""
        if reader == self._reader:
            self._reader = 0
        self._wake_writers()

    def hang_up(self) -> None:
        """Make the reader leave after what it has read; another one may come back for the rest."""
        if self.on_first_event is not None:
            self.on_first_event()
            self.on_first_event = None
        self.detach(self.attach())

    def read(self, reader: int, timeout_seconds: float) -> Sequence[tuple[int, bytes]] | None:
        """Return the events that came since the last read, with their numbers.

        Returns:
            An empty sequence when none came in time; None at the end of the stream, or when another reader
            took over.
        """
        if not self._unread() and not self._is_over(reader):
            if self._news is None:
                self._news = Event()
            self._news.wait(timeout_seconds)
        if reader != self._reader or self.closed:
            return None
        unread = self._unread()
        if unread:
            first = self._next - unread
            self._read_up_to = self._next - 1
            self._wake_writers()
            return [(first + i, data) for i, data in enumerate(list(self._events)[-unread:])]
        return None if self.finished else ()

    @property
    def is_read(self) -> bool:
        """Whether a reader is attached."""
        return self._reader != 0

    @property
    def position(self) -> int:
        """Number of the last event that was read."""
        return self._read_up_to

    def is_read_up(self) -> bool:
        """Say whether nothing waits to be read."""
        return not self._unread()

    def is_full(self) -> bool:
        """Say whether what was not read leaves room for responses only."""
        return not self._make_room(0, RESERVED)

    def wake(self) -> None:
        """Make a waiting reader look up."""
        if self._news is not None:
            self._news.set()
            self._news = None

    def _wake_writers(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None

    def _append(self, data: bytes) -> None:
        self._events.append(data)
        self._bytes += len(data)
        self._next += 1
        self.wake()
        if self.on_first_event is not None:
            self.on_first_event()
            self.on_first_event = None

    def _make_room(self, size: int, reserved: int, *, drop_unread: bool = False) -> bool:
        """Forget the oldest events as far as is needed and allowed; say whether there is room now."""
        while self._events and (
            len(self._events) >= self._capacity - reserved or self._bytes + size > self._capacity_bytes
        ):
            if not drop_unread and self._first() > self._read_up_to:
                return False
            self._bytes -= len(self._events.popleft())
        return True

    def _first(self) -> int:
        return self._next - len(self._events)

    def _unread(self) -> int:
        return min(self._next - 1 - self._read_up_to, len(self._events))

    def _is_over(self, reader: int) -> bool:
        return self.finished or self.closed or reader != self._reader
