"""One ordered stream of events with a bounded memory: what a tool sends, what a connection reads, what a
client that
lost its connection reads again.

::

    OPEN --send--> OPEN --finish--> FINISHED (may still be read and read again)
      +--------------close--------> CLOSED (nobody will read: sends are dropped)

Written by the greenlet of a call, read by the greenlet of a connection. A reader that is slower than the
writer makes the writer wait; without a reader the oldest events make room. Must not know what an event says.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from gevent.event import Event

CAPACITY: Final = 256


class EventStream:
    """Args: number: names the stream within its session; capacity: events kept."""

    __slots__ = (
        "_capacity",
        "_events",
        "_moved",
        "_next",
        "_read_up_to",
        "_reader",
        "closed",
        "finished",
        "number",
        "on_first_event",
    )

    def __init__(self, number: int = 0, capacity: int = CAPACITY) -> None:
        self.number = number
        self.finished = False
        self.closed = False
        # Called once, when the first event is sent.
        self.on_first_event: Callable[[], None] | None = None
        self._capacity = capacity
        self._events: deque[bytes] = deque(maxlen=capacity)
        self._next = 1
        self._read_up_to = 0
        self._reader = 0
        # Set whenever something has moved for either side; each clears it before it looks.
        self._moved = Event()

    def send(self, data: bytes) -> None:
        """Append an event; waits while a reader is attached and the memory is full of what it has not
        read.
        """
        while self._reader and not self.closed and self._next - 1 - self._read_up_to >= self._capacity:
            self._moved.clear()
            self._moved.wait()
        if not (self.closed or self.finished):
            self._append(data)

    def force(self, data: bytes) -> None:
        """Append an event without ever waiting: a response, of which each call has one."""
        if not (self.closed or self.finished):
            self._append(data)

    def finish(self, data: bytes | None = None) -> None:
        """Append the last event, if any; nothing follows it."""
        if data is not None and not self.finished:
            self._append(data)
        self.finished = True
        self._moved.set()

    def close(self) -> None:
        """Nobody will read any more."""
        self.closed = True
        self._moved.set()

    def attach(self, after: int = 0) -> int:
        """Become the reader, from the event after number ``after`` on; an earlier reader is told to leave."""
        self._reader += 1
        self._read_up_to = max(after, self._first() - 1)
        self._moved.set()
        return self._reader

    def detach(self, reader: int) -> None:
        """Stop being the reader."""
        if reader == self._reader:
            self._reader = 0
        self._moved.set()

    def read(self, reader: int, timeout_seconds: float) -> Sequence[tuple[int, bytes]] | None:
        """Return the events that came since the last read, with their numbers.

        Returns:
            An empty sequence when none came in time; None at the end of the stream, or when another reader
            took over.
        """
        if not self._unread() and not self._is_over(reader):
            self._moved.clear()
            self._moved.wait(timeout_seconds)
        if reader != self._reader or self.closed:
            return None
        unread = self._unread()
        if unread:
            first = self._next - unread
            self._read_up_to = self._next - 1
            self._moved.set()
            return [(first + i, data) for i, data in enumerate(list(self._events)[-unread:])]
        return None if self.finished else ()

    @property
    def has_events(self) -> bool:
        """Whether anything was ever sent."""
        return self._next > 1

    def wake(self) -> None:
        """Make a waiting reader look up."""
        self._moved.set()

    def _append(self, data: bytes) -> None:
        self._events.append(data)
        self._next += 1
        self._moved.set()
        if self.on_first_event is not None:
            self.on_first_event()
            self.on_first_event = None

    def _first(self) -> int:
        return self._next - len(self._events)

    def _unread(self) -> int:
        return min(self._next - 1 - self._read_up_to, len(self._events))

    def _is_over(self, reader: int) -> bool:
        return self.finished or self.closed or reader != self._reader
