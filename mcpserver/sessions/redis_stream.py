"""One stream of a session in Redis, as this process sees it.

::

    UNKNOWN --an event, somebody reads on--> KEPT (in Redis: every process finds it) --finish--> FINISHED
       +--finish without an event: the answer was plain JSON, and Redis never heard of it

Made by ``redis_session``. Implements ``protocol.Stream``: the rules are those of ``stream``, the verbs are
scripts. The writer may be in one process and the reader in another, which a message wakes; each looks by
itself now and then, so that a message that got lost only delays.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import gevent
from gevent.event import Event

from mcpserver.redis_link import RedisUnavailable
from mcpserver.sessions import redis_scripts as scripts
from mcpserver.sessions.protocol import STANDALONE
from mcpserver.sessions.redis_layout import Place
from mcpserver.sessions.redis_outbox import Outbox, Waiting
from mcpserver.sessions.stream import CAPACITY, CAPACITY_BYTES, RESERVED

_LOOKS_EVERY_SECONDS: Final = 5.0
# Where no call runs whose process may die, there is nothing to be looked for but a message that got lost.
_LOOKS_AT_IDLE_EVERY_SECONDS: Final = 15.0
_TRIES_EVERY_SECONDS: Final = 0.5
_READ_AT_ONCE: Final = 256
# Streams of finished requests that can still be resumed.
_KEPT_STREAMS: Final = 8
_NOBODY: Final = 0
# What can become of an event.
_APPENDED: Final = 1
_NO_ROOM: Final = 0
_FINISHED: Final = -1
_GONE: Final = -2


class Owner(Protocol):
    """The session of a stream, which is there as long as the stream is used; both may raise
    RedisUnavailable.
    """

    def follow_subscriptions(self) -> None:
        """Somebody here reads the standalone stream, and has to be told of changes."""

    def bury_lost(self) -> None:
        """Answer calls whose process is gone."""


class RedisStream:
    """Args:
    session: that it belongs to.
    place: in Redis.
    number: names the stream within its session.
    waiting: counts what is still to be written.
    is_kept: Redis knows it.
    """

    def __init__(self, session: Owner, place: Place, number: int, waiting: Waiting, *, is_kept: bool) -> None:
        self.number = number
        self.finished = False
        self.closed = False
        self.position = 0
        self.on_first_event: Callable[[], None] | None = None
        self.outbox = Outbox(waiting)
        self._session = session
        self._place = place
        self._is_kept = is_kept
        self._is_silent = False
        self._looked_at_seconds = time.monotonic()
        # How many of its session did, when this was read last.
        self._calls_run = 0
        self._reader = _NOBODY
        # What a reader and what writers wait for. Each is set once and then replaced.
        self._news = Event()
        self._room = Event()

    @property
    def is_read(self) -> bool:
        """Whether a reader is attached in this process."""
        return self._reader != _NOBODY

    def send(self, data: bytes, *, is_urgent: bool = True) -> None:
        """See ``protocol.Stream``; waits while Redis is away, too."""
        most = CAPACITY - (RESERVED if is_urgent else CAPACITY // 2)
        self._begin()
        self.outbox.wait()
        token = _token()
        while not (self.closed or self.finished):
            room = self._room
            try:
                self._keep()
                verdict, at = self._append("send", data, token, most)
            except RedisUnavailable:
                gevent.sleep(_TRIES_EVERY_SECONDS)
                continue
            if verdict == _APPENDED:
                return
            if verdict == _NO_ROOM and not room.wait(_LOOKS_EVERY_SECONDS):
                self._forget_dead_reader(at)
        # A writer that never pauses must come to hear that it is cancelled.
        gevent.sleep(0)

    def force(self, data: bytes) -> None:
        """See ``protocol.Stream``."""
        if not (self.closed or self.finished):
            self._begin()
            self._put("force", data)

    def finish(self, data: bytes | None = None) -> None:
        """See ``protocol.Stream``."""
        if self.closed or self.finished:
            return
        self.finished = True
        if data is not None:
            self._begin()
        if data is not None or self._is_kept:
            self._put("finish", data or b"")
        else:
            self._is_silent = True
            self.wake()

    def close(self) -> None:
        """See ``protocol.Stream``."""
        self.closed = True
        self.wake()
        self.wake_writers()

    def attach(self, after: int | None = None) -> int:
        """See ``protocol.Stream``."""
        reader = secrets.randbelow(2**47) + 1
        if self._is_kept:
            self._attach(reader, "" if after is None else after)
        if self.number == STANDALONE:
            self._session.follow_subscriptions()
        # Who read before in this process leaves.
        self._reader = reader
        self.wake()
        self.wake_writers()
        return reader

    def detach(self, reader: int) -> None:
        """See ``protocol.Stream``; never waits."""
        if reader == self._reader:
            self._reader = _NOBODY
        if self._is_kept:
            room = self._place.message("room", self.number)
            self.outbox.add(partial(self._place.run, scripts.DETACH, self.number, reader, room))
        self.wake_writers()

    def hang_up(self) -> None:
        """See ``protocol.Stream``."""
        self._begin()
        self.outbox.wait()
        try:
            self._keep()
            self._attach("", "")
        except RedisUnavailable:
            return  # the client stays connected
        self._reader = _NOBODY
        self.wake()

    def read(self, reader: int, timeout_seconds: float) -> Sequence[tuple[int, bytes]] | None:
        """See ``protocol.Stream``; while Redis is away nothing comes."""
        deadline = time.monotonic() + timeout_seconds
        was_woken = False
        while reader == self._reader and not self.closed:
            news, patience = self._news, _LOOKS_EVERY_SECONDS
            try:
                found = self._read(reader)
                if found is None or found:
                    return found
                if not self._calls_run:
                    patience = _LOOKS_AT_IDLE_EVERY_SECONDS
                elif time.monotonic() - self._looked_at_seconds >= _LOOKS_EVERY_SECONDS:
                    self._looked_at_seconds = time.monotonic()
                    self._session.bury_lost()
            except RedisUnavailable:
                patience = _TRIES_EVERY_SECONDS
            remaining = deadline - time.monotonic()
            if was_woken or remaining <= 0:
                return ()
            was_woken = news.wait(min(remaining, patience))
        return None

    def is_full(self) -> bool:
        """See ``protocol.Stream``."""
        most = CAPACITY - RESERVED
        return bool(self._place.run(scripts.IS_FULL, self.number, most, CAPACITY_BYTES))

    def wake(self) -> None:
        """See ``protocol.Stream``."""
        news, self._news = self._news, Event()
        news.set()

    def wake_writers(self) -> None:
        """Make writers look whether there is room; never blocks."""
        room, self._room = self._room, Event()
        room.set()

    def end_lost(self, data: bytes) -> None:
        """Answer a call whose process is gone, unless it was answered."""
        self._append("force" if self.number == STANDALONE else "finish", data, _token())

    def _begin(self) -> None:
        if self.on_first_event is not None:
            self.on_first_event()
            self.on_first_event = None

    def _put(self, mode: str, data: bytes) -> None:
        token = _token()

        def write() -> None:
            self._keep()
            self._append(mode, data, token)

        self.outbox.add(write)

    def _append(self, mode: str, data: bytes, token: str, most: int = CAPACITY) -> tuple[int, str]:
        """Run the script; return what became of it, and which process reads."""
        own = self._place.link.own_id
        news = self._place.message("news", self.number)
        limits = (most, CAPACITY_BYTES)
        answer = self._place.run(
            scripts.APPEND, self.number, mode, own, token, data.decode(), *limits, news, _KEPT_STREAMS
        )
        if answer is None:
            self.close()
            return _GONE, ""
        if answer[0] == _FINISHED:
            self.finished = True
        elif answer[1] == own:
            self.wake()
        return answer[0], answer[1]

    def _keep(self) -> None:
        """Make Redis know the stream."""
        if self._is_kept:
            return
        reader = self._reader
        name = reader or ""
        if self._place.run(scripts.MAKE_STREAM, self.number, name, self._place.link.own_id) is None:
            self.close()
        self._is_kept = True
        if reader and reader != self._reader:
            # It left meanwhile.
            self.detach(reader)

    def _attach(self, reader: int | str, after: int | str) -> None:
        answer = self._place.run(
            scripts.ATTACH,
            self.number,
            reader,
            self._place.link.own_id,
            after,
            self._place.message("news", self.number),
            self._place.message("room", self.number),
        )
        if answer is None:
            self.close()
        else:
            self.position = int(answer[1])

    def _read(self, reader: int) -> list[tuple[int, bytes]] | None:
        if self._is_silent:
            return None
        self._keep()
        room = self._place.message("room", self.number)
        own = self._place.link.own_id
        has = self.position
        answer = self._place.run(scripts.READ, self.number, reader, has, own, _READ_AT_ONCE, room)
        if answer is None or reader != self._reader:
            return None
        is_awaited, is_over, self._calls_run, entries = answer
        if is_awaited:
            self.wake_writers()
        if not entries:
            return None if is_over else []
        found = [(int(name.split("-")[0]), members[1].encode()) for name, members in entries]
        self.position = found[-1][0]
        return found

    def _forget_dead_reader(self, process_id: str) -> None:
        try:
            if process_id and not self._place.link.is_alive(process_id):
                room = self._place.message("room", self.number)
                self._place.run(scripts.DETACH_GONE, self.number, process_id, room)
        except RedisUnavailable:
            return


def _token() -> str:
    """Return what tells a repetition from another event."""
    return secrets.token_hex(8)
