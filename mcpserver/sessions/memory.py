"""Sessions in this process: right for one worker.

Made by ``app``. Idle sessions are swept when somebody opens one, a bounded number at a time, so that no
timer is needed. Must not be used with several workers: the next request may come to another of them.
"""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from mcpserver import metrics
from mcpserver.principal import Principal
from mcpserver.sessions.protocol import SessionNotFound, TooManySessions
from mcpserver.sessions.session import Session

_SWEPT_AT_ONCE: Final = 100


class MemorySessions:
    """Args: clock: seconds, monotonic; the others: see the settings."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        idle_seconds: float,
        most: int,
        most_per_caller: int,
        input_timeout_seconds: float,
    ) -> None:
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._most = most
        self._input_timeout_seconds = input_timeout_seconds
        self._most_per_person = most_per_caller
        # In the order of use, the least recent first.
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        # By person: anybody can register clients, as many as it takes to fill the place.
        self._per_person: Counter[str] = Counter()

    def open(self, principal: Principal, version: str, capabilities: Mapping[str, Any]) -> Session:
        """Make a session."""
        self._sweep()
        owner = (principal.subject, principal.client_id)
        if self._per_person[principal.subject] >= self._most_per_person:
            raise TooManySessions("Too many of your sessions are open")
        while len(self._sessions) >= self._most:
            self._end(next(iter(self._sessions.values())))
        session = Session(
            secrets.token_urlsafe(24),
            owner,
            version,
            capabilities,
            now=self._clock(),
            input_timeout_seconds=self._input_timeout_seconds,
        )
        self._sessions[session.id] = session
        self._per_person[principal.subject] += 1
        metrics.sessions(len(self._sessions))
        return session

    def get(self, session_id: str, principal: Principal) -> Session:
        """Return a session of this caller and count it as used."""
        session = self._sessions.get(session_id)
        if session is None or session.owner != (principal.subject, principal.client_id):
            raise SessionNotFound("Session not found")
        if self._is_idle(session):
            self._end(session)
            raise SessionNotFound("Session not found")
        self._use(session)
        return session

    def close(self, session_id: str, principal: Principal) -> None:
        """End a session of this caller."""
        self._end(self.get(session_id, principal))

    def _use(self, session: Session) -> None:
        session.used_at = self._clock()
        self._sessions.move_to_end(session.id)

    def _is_idle(self, session: Session) -> bool:
        return not session.is_in_use() and self._clock() - session.used_at > self._idle_seconds

    def _sweep(self) -> None:
        for _ in range(min(_SWEPT_AT_ONCE, len(self._sessions))):
            oldest = next(iter(self._sessions.values()))
            if oldest.is_in_use():
                self._use(oldest)
            elif self._is_idle(oldest):
                self._end(oldest)
            else:
                return

    def _end(self, session: Session) -> None:
        if self._sessions.pop(session.id, None) is None:
            return
        person, _ = session.owner
        self._per_person[person] -= 1
        if not self._per_person[person]:
            del self._per_person[person]
        session.close()
        metrics.sessions(len(self._sessions))
