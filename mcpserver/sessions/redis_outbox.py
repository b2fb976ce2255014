"""What must come to Redis, in order, even when it is away for a while: responses above all.

Made by the streams and sessions in Redis. Whoever puts something in does not wait: a call ends on the hub,
where nothing may. Must not know what is done.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import gevent
from gevent import Greenlet
from gevent.event import Event

from mcpserver.redis_link import RedisUnavailable

_TRIES_EVERY_SECONDS: Final = 0.5
# A client that waits for longer has given up.
_GIVES_UP_AFTER_SECONDS: Final = 300.0
_log = logging.getLogger(__name__)


class Waiting:
    """How many things wait in all outboxes of this process."""

    def __init__(self) -> None:
        self.count = 0


class Outbox:
    """Args: waiting: where its contents are counted."""

    __slots__ = ("_deeds", "_empty", "_greenlet", "_waiting")

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._deeds: deque[Callable[[], object]] = deque()
        self._greenlet: Greenlet[..., None] | None = None
        self._empty = Event()
        self._empty.set()

    def add(self, deed: Callable[[], object]) -> None:
        """Do something after what was added before; it must bear to be done twice. Never waits."""
        self._deeds.append(deed)
        self._waiting.count += 1
        self._empty.clear()
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def wait(self) -> None:
        """Wait until everything was done."""
        self._empty.wait()

    def _run(self) -> None:
        while self._deeds:
            self._do(self._deeds[0])
            self._deeds.popleft()
            self._waiting.count -= 1
        self._greenlet = None
        self._empty.set()

    def _do(self, deed: Callable[[], object]) -> None:
        give_up_at = time.monotonic() + _GIVES_UP_AFTER_SECONDS
        while True:
            try:
                deed()
                return
            except RedisUnavailable as error:
                if time.monotonic() > give_up_at:
                    _log.warning("a message of a session is lost", extra={"detail": error.private_detail})
                    return
                gevent.sleep(_TRIES_EVERY_SECONDS)
            except Exception:
                _log.exception("a message of a session is lost")
                return
