"""The audit trail in the store: every audit line, kept for a retention time, and read back by time.

``AuditTrail`` hears the lines of ``telemetry.audit``: one in each process that serves (``serve``) and one
in each command (``cli.opening``). It only remembers a line; a greenlet writes what has gathered, at most a
second later, as one record, so that no request waits for it and none fails because of it. While the store
is away the lines wait, as many as ``MOST_WAITING``, the rest are counted and dropped: they were written to
the log as well. Must not be given secrets (``telemetry.audit`` says what a line is made of).

A record of kind ``audit`` holds the lines of one moment. Its name is the time of the last of them, by which
it is found, then a number and who wrote it.
"""

import heapq
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import gevent
import orjson
from gevent.lock import BoundedSemaphore

from authserver.cipher import Cipher
from authserver.errors import StoreUnavailable
from authserver.model import Clock
from authserver.settings import Settings
from authserver.store import RecordStore, open_store
from telemetry import correlation
from telemetry.audit import LOGGER_NAME
from telemetry.logs import fields_of, rfc3339

KIND: Final = "audit"
DAY_SECONDS: Final = 86_400
MOST_WAITING: Final = 20_000
_LINES_IN_A_RECORD: Final = 500
_FLUSH_AFTER_SECONDS: Final = 1.0
_TRY_AGAIN_SECONDS: Final = 5.0
_PAGE: Final = 20

_log = logging.getLogger(__name__)


class AuditTrail(logging.Handler):
    """Keeps what is logged by the audit logger.

    Args:
        store: where.
        clock: seconds since 1970.
        retention_days: for how long.
        count: is told the name of each event.
    """

    def __init__(
        self,
        store: RecordStore,
        clock: Clock,
        retention_days: int,
        count: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(logging.INFO)
        self._count = count
        self._store = store
        self._clock = clock
        self._retention_seconds = retention_days * DAY_SECONDS
        self._waiting: deque[tuple[float, bytes]] = deque()
        # Name and text of a record that may or may not have been written: its repetition changes nothing.
        self._unsure: tuple[str, str] | None = None
        self._dropped = 0
        self._written = 0
        self._id = secrets.token_hex(6)
        self._timer: gevent.Greenlet[..., None] | None = None
        self._writing = BoundedSemaphore()

    def attach(self) -> None:
        """Begin to hear audit lines, in place of whichever trail this process had before."""
        logger = logging.getLogger(LOGGER_NAME)
        for handler in [h for h in logger.handlers if isinstance(h, AuditTrail)]:
            handler.detach()
        logger.addHandler(self)
        # Commands set up no logging; their audit lines are for the store alone.
        logger.setLevel(logging.INFO)

    def detach(self) -> None:
        """Hear no more, and forget what still waits."""
        logging.getLogger(LOGGER_NAME).removeHandler(self)
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        """Remember one line; called by ``logging``, never waits and never raises."""
        if self._count is not None:
            self._count(record.getMessage())
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        now = self._clock()
        line = {"time": rfc3339(now), "correlation_id": correlation.current(), **fields_of(record)}
        try:
            self._waiting.append((now, orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS)))
        except orjson.JSONEncodeError:
            self._dropped += 1
            return
        if self._timer is None:
            self._timer = gevent.spawn_later(_FLUSH_AFTER_SECONDS, self._flush_later)

    def flush(self) -> None:
        """Write what waits; what the store does not take goes on waiting. Also called at the end of the
        process.
        """
        with self._writing:
            try:
                while self._write_some():
                    pass
            except StoreUnavailable as error:
                _log.warning("%d audit lines wait for the store: %s", self.waiting, error.private_detail)
            if self._dropped:
                _log.error("%d audit lines are in the log only, no more of them can wait", self._dropped)
                self._dropped = 0

    def close(self) -> None:
        """Stop the greenlet; called by ``logging`` at the end of the process, after ``flush``."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.kill(block=False)
        super().close()

    @property
    def waiting(self) -> int:
        """How many lines are not in the store yet."""
        return len(self._waiting) + (self._unsure[1].count("\n") + 1 if self._unsure else 0)

    def _flush_later(self) -> None:
        try:
            self.flush()
        finally:
            # Not from emit: whoever logged while this was under way saw a greenlet.
            pause_seconds = _FLUSH_AFTER_SECONDS if self._unsure is None else _TRY_AGAIN_SECONDS
            self._timer = gevent.spawn_later(pause_seconds, self._flush_later) if self.waiting else None

    def _write_some(self) -> bool:
        if self._unsure is None:
            lines = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LINES_IN_A_RECORD))]
            if not lines:
                return False
            text = b"\n".join(line for _, line in lines).decode()
            self._written += 1
            self._unsure = (f"{_moment(lines[-1][0])}-{self._written:09d}-{self._id}", text)
        name, text = self._unsure
        self._store.put_record(KIND, name, text, int(self._clock()) + self._retention_seconds)
        self._unsure = None
        return True


def open_trail(settings: Settings, count: Callable[[str], None]) -> AuditTrail:
    """Return a trail with a store of its own, so that a store in trouble is not asked through the
    connections that requests use.

    Args:
        settings: of this server.
        count: is told the name of each event; event names are words of ours.
    """
    store = open_store(settings, time.time, Cipher(settings.master_secrets))
    return AuditTrail(store, time.time, settings.audit_retention_days, count)


@contextmanager
def kept(store: RecordStore, clock: Clock, retention_days: int) -> Iterator[AuditTrail]:
    """Keep the audit lines of a block, and write all of them at its end."""
    trail = AuditTrail(store, clock, retention_days)
    trail.attach()
    try:
        yield trail
    finally:
        trail.flush()
        trail.detach()


def read_trail(
    store: RecordStore, since_seconds: float, *, event: str | None = None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest audit lines, oldest first.

    Args:
        store: where they are kept.
        since_seconds: none older than this.
        event: only of this name, or of those that begin with it and a dot.
        limit: at most so many.
    """
    since = rfc3339(since_seconds)
    lines = (line for line in _lines(store, _moment(since_seconds)) if line["time"] >= since)
    wanted = (line for line in lines if event is None or f"{line['event']}.".startswith(f"{event}."))
    newest = heapq.nlargest(limit, enumerate(wanted), key=lambda numbered: (numbered[1]["time"], numbered[0]))
    return [line for _, line in reversed(newest)]


def _lines(store: RecordStore, from_name: str) -> Iterator[dict[str, Any]]:
    while page := store.list_records(KIND, from_name=from_name, limit=_PAGE):
        for _, text in page:
            yield from map(orjson.loads, text.split("\n"))
        from_name = page[-1][0] + "\0"
        gevent.sleep(0)  # a day of a busy server is long, and requests go on


def _moment(seconds: float) -> str:
    return f"{int(seconds * 1000):015d}"
