"""Sessions in Redis: any process that shares it serves any of them.

Made by ``app`` where REDIS_URL is set. Finds sessions, counts them, hears the messages about those that this
process uses, and keeps these alive. What is kept where: ``redis_layout``. Must not be used before
``start``: nobody would be heard.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Final
from weakref import WeakValueDictionary

import gevent
import orjson
from gevent import Greenlet

from mcpserver import metrics
from mcpserver.principal import Principal
from mcpserver.redis_link import RedisLink, RedisUnavailable
from mcpserver.sessions import redis_layout as layout
from mcpserver.sessions import redis_scripts as scripts
from mcpserver.sessions.protocol import SessionNotFound, TooManySessions
from mcpserver.sessions.redis_layout import Place
from mcpserver.sessions.redis_outbox import Waiting
from mcpserver.sessions.redis_session import RedisSession

_KEEPS_EVERY_SECONDS: Final = 10.0
_FIRST_LEVEL: Final = "info"
_log = logging.getLogger(__name__)


class RedisSessions:
    """Args: link: its messages and gaps are listened to; clock: seconds since 1970; the others: see the
    settings.
    """

    def __init__(
        self,
        link: RedisLink,
        clock: Callable[[], float],
        *,
        idle_seconds: float,
        most: int,
        most_per_caller: int,
        input_timeout_seconds: float,
    ) -> None:
        self._link = link
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._due_seconds = idle_seconds / 4
        self._most = most
        self._most_per_caller = most_per_caller
        self._input_timeout_seconds = input_timeout_seconds
        # Those that something in this process uses, by their names.
        self._here: WeakValueDictionary[str, RedisSession] = WeakValueDictionary()
        self._waiting = Waiting()
        link.on(layout.KIND, self._hear)
        link.on_gap(partial(self._keep_all, looks=True))

    def start(self) -> "Greenlet[..., None]":
        """Keep alive what is used here, until the greenlet is killed."""
        return gevent.spawn(self._keep)

    def open(self, principal: Principal, version: str, capabilities: Mapping[str, Any]) -> RedisSession:
        """See ``Sessions``."""
        session_id = secrets.token_urlsafe(24)
        place = self._place(layout.name_of(session_id))
        now = self._clock()
        person = layout.key_of_person(principal.subject)
        index = (place.name, repr(now + self._idle_seconds), place.idle_ms)
        if not self._link.run(scripts.COUNT_FOR_PERSON, person, repr(now), self._most_per_caller, *index):
            raise TooManySessions("Too many of your sessions are open")
        for name in self._link.run(scripts.COUNT_FOR_ALL, layout.EVERYBODY, repr(now), self._most, *index):
            self._end(self._place(name))
        declared, level = orjson.dumps(capabilities).decode(), orjson.dumps(_FIRST_LEVEL).decode()
        known = (_owner(principal), principal.subject, version, declared, level)
        self._link.run(scripts.OPEN, place.key, place.idle_ms, *known, repr(now))
        return self._session(session_id, place, (version, declared, level, ""))

    def get(self, session_id: str, principal: Principal) -> RedisSession:
        """See ``Sessions``."""
        place = self._place(layout.name_of(session_id))
        now = self._clock()
        found = place.run(scripts.FIND, _owner(principal), repr(now), repr(self._due_seconds))
        if found is None:
            raise SessionNotFound("Session not found")
        *known, is_due = found
        if is_due:
            self._index(place, principal.subject, now)
        return self._session(session_id, place, known)

    def close(self, session_id: str, principal: Principal) -> None:
        """See ``Sessions``."""
        session = self.get(session_id, principal)
        self._end(self._place(layout.name_of(session_id)))
        session.close()

    def is_busy(self) -> bool:
        """Say whether something is still to be written."""
        return self._waiting.count > 0

    def _place(self, name: str) -> Place:
        return Place(self._link, name, max(1, round(self._idle_seconds * 1000)))

    def _session(self, session_id: str, place: Place, known: Any) -> RedisSession:
        session = self._here.get(place.name)
        if session is None or session.closed:
            session = self._here[place.name] = RedisSession(
                session_id, place, self._waiting, input_timeout_seconds=self._input_timeout_seconds
            )
            metrics.sessions(len(self._here))
        session.found(*known)
        return session

    def _index(self, place: Place, subject: str, now: float) -> None:
        expires_at = repr(now + self._idle_seconds)
        commands: list[tuple[str | int, ...]] = []
        for key in (layout.EVERYBODY, layout.key_of_person(subject)):
            commands += [("ZADD", key, expires_at, place.name), ("PEXPIRE", key, place.idle_ms)]
        self._link.many(commands)

    def _end(self, place: Place) -> None:
        subject = place.run(scripts.CLOSE, place.message("closed"))
        commands: list[tuple[str | int, ...]] = [("ZREM", layout.EVERYBODY, place.name)]
        if subject is not None:
            commands.append(("ZREM", layout.key_of_person(subject), place.name))
        self._link.many(commands)

    def _keep(self) -> None:
        while True:
            gevent.sleep(min(_KEEPS_EVERY_SECONDS, self._due_seconds))
            metrics.sessions(len(self._here))
            try:
                self._keep_all()
            except RedisUnavailable as error:
                _log.info("sessions cannot be kept", extra={"detail": error.private_detail})

    def _keep_all(self, *, looks: bool = False) -> None:
        for name, session in list(self._here.items()):
            if session.closed or not session.is_in_use():
                continue
            now = self._clock()
            subject = session.keep(now, self._due_seconds)
            if subject:
                self._index(self._place(name), subject, now)
            if looks:
                session.look()

    def _hear(self, content: Any) -> None:
        """Act on a message (called by the link: must not block)."""
        name, what, *values = content
        session = self._here.get(name)
        if session is None:
            return
        match what:
            case "news":
                session.wake(int(values[0]))
            case "room":
                session.wake_writers(int(values[0]))
            case "cancel":
                session.cancel(values[0])
            case "uri":
                session.note_uri(values[0], is_there=bool(values[1]))
            case "answer":
                gevent.spawn(session.fetch_answer, values[0])
            case "closed":
                session.close()


def _owner(principal: Principal) -> str:
    return sha256(orjson.dumps([principal.subject, principal.client_id])).hexdigest()
