"""The latest changes in Redis: every process that shares it tells its listeners of them.

Made by ``app`` where REDIS_URL is set. One stream, ``mcpserver:{changes}``, holds the latest changes under
ids that Redis makes: they are the positions. Beside it, ``…:forgotten`` is the id of the last change that had
to make room. Each process reads on from where it was when it is told to look, and by itself now and then: a
message that got lost only delays. Must not call back while it is being changed.
"""

import logging
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import gevent
import orjson
from gevent import Greenlet, getcurrent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from mcpserver.changes.model import Change, ListChanged, ResourceUpdated, TaskChanged
from mcpserver.redis_link import PREFIX, TO_ALL, RedisLink, RedisUnavailable, message

KEPT: Final = 1000
_KEY: Final = f"{PREFIX}{{changes}}"
_KIND: Final = "changes"
_LOOKS_EVERY_SECONDS: Final = 5.0
_TRIES_EVERY_SECONDS: Final = 0.5
_POSITION: Final = re.compile(r"(\d{1,15})-(\d{1,15})")
_START: Final = "0-0"
_log = logging.getLogger(__name__)

# KEYS: the stream. ARGV: most, change, channel, message.
_ADD: Final = """
local id = redis.call('XADD', KEYS[1], '*', 'change', ARGV[2])
while redis.call('XLEN', KEYS[1]) > tonumber(ARGV[1]) do
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
  redis.call('SET', KEYS[1] .. ':forgotten', oldest)
  redis.call('XDEL', KEYS[1], oldest)
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return id
"""
# KEYS: the stream. ARGV: a position. Returns: what was forgotten last, the latest, and what came since.
_SINCE: Final = """
local latest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return {
  redis.call('GET', KEYS[1] .. ':forgotten') or '0-0',
  latest[1] and latest[1][1] or '0-0',
  redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+'),
}
"""


class RedisChanges:
    """A ``Changes`` for all processes with one Redis.

    Args:
        link: its messages and gaps are listened to.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        # A dictionary for its order: whoever came first is told first.
        self._watchers: dict[object, Callable[[str, Change], None]] = {}
        # The latest change that was told here; None until Redis has said where it stands.
        self._told: str | None = None
        self._telling = BoundedSemaphore(1)
        self._teller: object = None
        self._news = Event()
        self._sending = BoundedSemaphore(1)
        # What was not published yet, and whether somebody tried and could not.
        self._unsent: deque[Change] = deque(maxlen=KEPT)
        self._is_behind = False
        link.on(_KIND, lambda _content: self._news.set())
        link.on_gap(self._news.set)

    def start(self) -> "Greenlet[..., None]":
        """Look where the changes are, and tell those that come from now on until the greenlet is killed."""
        try:
            self._catch_up()
        except RedisUnavailable as error:
            _log.warning("changes cannot be read yet", extra={"detail": error.private_detail})
        return gevent.spawn(self._run)

    def publish(self, change: Change) -> None:
        """See ``Changes``; what cannot be published is published later."""
        self._unsent.append(change)
        if self._is_behind:
            return
        try:
            self._send()
            # Whoever publishes while it is told of something is told of this next.
            if self._teller is not getcurrent():
                self._catch_up()
        except RedisUnavailable as error:
            _log.warning("a change is told later", extra={"detail": error.private_detail})

    def position(self) -> str:
        """See ``Changes``."""
        return self._told or ""

    def since(self, position: str) -> Sequence[tuple[str, Change]] | None:
        """See ``Changes``."""
        if _POSITION.fullmatch(position) is None:
            return None
        try:
            forgotten, latest, entries = self._link.run(_SINCE, _KEY, position)
        except RedisUnavailable as error:
            _log.warning("changes cannot be read", extra={"detail": error.private_detail})
            return None
        if not _place(forgotten) <= _place(position) <= _place(latest):
            return None
        return [(found, _read(members[1])) for found, members in entries]

    def watch(self, callback: Callable[[str, Change], None]) -> Callable[[], None]:
        """See ``Changes``."""
        ticket = object()
        self._watchers[ticket] = callback

        def unwatch() -> None:
            self._watchers.pop(ticket, None)

        return unwatch

    def _run(self) -> None:
        while True:
            self._news.wait(_LOOKS_EVERY_SECONDS)
            self._news.clear()
            try:
                self._send()
                self._catch_up()
            except RedisUnavailable as error:
                _log.info("changes cannot be read", extra={"detail": error.private_detail})
                gevent.sleep(_TRIES_EVERY_SECONDS)
                self._news.set()

    def _send(self) -> None:
        with self._sending:
            try:
                while self._unsent:
                    self._link.run(_ADD, _KEY, KEPT, _written(self._unsent[0]), TO_ALL, message(_KIND, None))
                    self._unsent.popleft()
                self._is_behind = False
            except BaseException:
                # Redis is away, or whoever publishes was cancelled: the greenlet beside goes on with it.
                self._is_behind = True
                self._news.set()
                raise

    def _catch_up(self) -> None:
        with self._telling:
            self._teller = getcurrent()
            try:
                while True:
                    _, latest, entries = self._link.run(_SINCE, _KEY, self._told or _START)
                    if self._told is None:
                        self._told = latest
                        return
                    if not entries:
                        return
                    for position, members in entries:
                        self._told = position
                        self._tell(position, _read(members[1]))
            finally:
                self._teller = None

    def _tell(self, position: str, change: Change) -> None:
        for callback in list(self._watchers.values()):
            try:
                callback(position, change)
            except Exception:
                _log.exception("a listener failed")


def _place(position: str) -> tuple[int, int]:
    milliseconds, number = position.split("-")
    return int(milliseconds), int(number)


def _written(change: Change) -> str:
    match change:
        case ResourceUpdated():
            members = ["resource", change.uri, change.subject]
        case ListChanged():
            members = ["list", change.kind, change.subject]
        case TaskChanged():
            members = ["task", change.task_id, None]
    return orjson.dumps(members).decode()


def _read(text: str) -> Change:
    kind, name, subject = orjson.loads(text)
    if kind == "resource":
        return ResourceUpdated(name, subject)
    if kind == "list":
        return ListChanged(name, subject)
    return TaskChanged(name)
