"""How often something happened in the minute at hand: counted in this process, added up through Redis.

The storage that Flask-Limiter's engine (``limits``) is given by ``web.limits``. Counting is a dictionary's
work and waits for nobody. Where there is Redis, a greenlet adds what this process counted to what the others
did, once a second and only for what is on its way to its limit, so that a count may be a second behind; while
Redis is away each process goes on with what it knows. How many keys are counted is bounded: when there are
more in one minute, the rest are not. Must not know what is counted, nor keep anything longer than a minute.
"""

import logging
from typing import Final

import gevent
from limits.storage import Storage

from authserver.errors import StoreUnavailable
from authserver.model import Clock
from authserver.store import redis_layout as layout
from authserver.store.redis_link import RedisLink

MINUTE_SECONDS: Final = 60
MOST_KEYS: Final = 100_000
_SHARE_AFTER_SECONDS: Final = 1.0
_TRY_AGAIN_SECONDS: Final = 5.0
# A key whose limit is further away than that many processes together could reach concerns nobody else.
_MOST_PROCESSES: Final = 64
_MOST_SHARED_AT_ONCE: Final = 2000
# Longer than the minute that it counts, for clocks that differ.
_SHARED_LIFETIME_MS: Final = 150_000

_log = logging.getLogger(__name__)


class MinuteCounts(Storage):
    """Counts by key; all begin again with each minute of the clock.

    Args:
        clock: seconds since 1970.
        link: to the Redis where processes add up their counts; None: each for itself.
        most_keys: how many are counted in one minute.
    """

    STORAGE_SCHEME = None  # nothing that a URI could name

    def __init__(self, clock: Clock, link: RedisLink | None = None, *, most_keys: int = MOST_KEYS) -> None:
        super().__init__()
        self._clock = clock
        self._link = link
        self._most_keys = most_keys
        self._minute = 0
        self._own: dict[str, int] = {}
        # Of its own what Redis has been told, and what Redis said of the others.
        self._told: dict[str, int] = {}
        self._others: dict[str, int] = {}
        self._is_full = False
        self._is_alone = False
        self._sharing: gevent.Greenlet[..., None] | None = None

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Nothing goes wrong here."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:  # noqa: ARG002 - the engine's signature
        """Count; return how often it has been in this minute, 0 for what is not counted."""
        self._turn()
        own = self._own.get(key)
        if own is None:
            if len(self._own) >= self._most_keys:
                self._say_full()
                return 0
            own = 0
        own += amount
        self._own[key] = own
        if self._link is not None and self._sharing is None:
            self._sharing = gevent.spawn_later(_SHARE_AFTER_SECONDS, self._share)
        return own + self._others.get(key, 0)

    def get(self, key: str) -> int:
        """Return how often it has been in this minute."""
        self._turn()
        return self._own.get(key, 0) + self._others.get(key, 0)

    def get_expiry(self, key: str) -> float:  # noqa: ARG002 - the engine's signature
        """Return when the minute is over."""
        return (int(self._clock()) // MINUTE_SECONDS + 1) * MINUTE_SECONDS

    def check(self) -> bool:
        """Always."""
        return True

    def reset(self) -> int:
        """Begin again; return how many keys there were."""
        keys = len(self._own)
        self._own, self._told, self._others = {}, {}, {}
        return keys

    def clear(self, key: str) -> None:
        """Forget one key."""
        for counts in (self._own, self._told, self._others):
            counts.pop(key, None)

    def share(self) -> None:
        """Add what is due to what Redis has, and learn what the others counted.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        if self._link is None:
            return
        minute, own, told, others = self._minute, self._own, self._told, self._others
        due = [(key, count) for key, count in own.items() if _is_due(key, count) and count > told.get(key, 0)]
        due = due[:_MOST_SHARED_AT_ONCE]
        commands: list[tuple[str | int, ...]] = []
        for key, count in due:
            name = layout.key("count", f"{minute}:{key}")
            commands.append(("INCRBY", name, count - told.get(key, 0)))
            commands.append(("PEXPIRE", name, _SHARED_LIFETIME_MS))
        answers = self._link.many(commands) if commands else []
        # Of the minute that was read above, whichever it is by now.
        for (key, count), total in zip(due, answers[::2], strict=True):
            told[key] = count
            others[key] = int(total) - count

    def _share(self) -> None:
        pause_seconds = None
        try:
            self.share()
            self._is_alone = False
        except StoreUnavailable as error:
            pause_seconds = _TRY_AGAIN_SECONDS
            if not self._is_alone:
                _log.warning("limits are counted by each process alone: %s", error.private_detail)
            self._is_alone = True
        finally:
            self._sharing = gevent.spawn_later(pause_seconds, self._share) if pause_seconds else None

    def _turn(self) -> None:
        minute = int(self._clock()) // MINUTE_SECONDS
        if minute != self._minute:
            self._minute = minute
            self._is_full = False
            self.reset()

    def _say_full(self) -> None:
        if not self._is_full:
            self._is_full = True
            _log.warning("more than %d keys in one minute: the rest are not limited", self._most_keys)


def _is_due(key: str, count: int) -> bool:
    # The engine's keys end in amount, multiple and granularity: …/6000/1/minute.
    return count * _MOST_PROCESSES >= int(key.rsplit("/", 3)[1])
