"""What was revoked, as this process knows it: the signed list, fetched again every few seconds.

``auth`` asks about every request, those with a cached token too; ``/readyz`` asks for the state; whoever
serves what goes on for long is told when something more was revoked. Must not judge tokens, and never takes
"not fetched" for "not revoked".

    states   NONE ──fetched──▶ FRESH ──fetch failed──▶ STALE ──max_stale or exp──▶ EXPIRED
               │ │               ▲─────────────────fetched─────────────────────────────┘
               │ └──404──▶ ABSENT ──fetched──▶ FRESH;  ──max_stale without an answer──▶ EXPIRED
               └── nothing is accepted: RevocationsUnavailable, as in EXPIRED

ABSENT is an authorization server that publishes no list and never did: its tokens are good until they expire,
and ``/readyz`` is degraded. Whoever could answer 404 in its place could publish keys of their own as well.
The list changes in one place, ``_take``. An older list never takes anything back: what it adds is added.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final, Literal

import gevent
import requests
from gevent.event import Event

from mcpserver import metrics
from mcpserver.errors import McpServerError, Unavailable
from mcpserver.fetching import FetchFailed, NotPublished, fetch
from mcpserver.jwk_set import VerificationKey
from mcpserver.revocation_list import MAX_BYTES, RevocationList, read
from mcpserver.signed_jwt import NotAcceptable

POLL_SECONDS: Final = 5.0
"""Time between two fetches."""
RETRY_SECONDS: Final = 1.0
"""Time to the next fetch after one that failed, and the shortest time between two that requests cause."""
TIMEOUT_SECONDS: Final = 3.0
"""How long one fetch may take altogether."""

Status = Literal["fresh", "stale", "absent", "unavailable"]
RevokedPredicate = Callable[[str, str], bool]
"""Tells, by session id (``sid``) and key id (``kid``), whether what they stand for was revoked."""

_log = logging.getLogger(__name__)


class RevocationsUnavailable(Unavailable):
    """There is no list, or it is too old: whether a token was revoked cannot be told, so none is accepted."""

    def __init__(self, private_detail: str) -> None:
        super().__init__(
            "What was revoked is not known at the moment",
            private_detail,
            retry_after_seconds=int(RETRY_SECONDS),
        )


@dataclass(frozen=True, slots=True)
class RevocationState:
    """What ``/readyz`` reports: ``stale`` and ``absent`` are degraded but serving, ``unavailable`` accepts no
    token.
    """

    status: Status
    session_count: int
    key_count: int
    age_seconds: float | None
    last_error: str | None


def nothing_is_revoked(_session_id: str, _key_id: str) -> bool:
    """Return False: the predicate of a server that follows no list."""
    return False


class Revocations:
    """Follows the list of one authorization server.

    Args:
        url: where the list is.
        session: an HTTP session as ``fetching.http_session`` makes it.
        issuer: the only ``iss`` accepted.
        algorithms: the signature algorithms accepted.
        find_key: gives a published key by its id.
        clock: seconds since the epoch.
        max_stale_seconds: how long a list is honoured that cannot be fetched again.
        on_change: told the predicate after something more was revoked, and when the list became too old.
        poll_seconds: see ``POLL_SECONDS``.
        timeout_seconds: see ``TIMEOUT_SECONDS``.
    """

    def __init__(
        self,
        url: str,
        session: requests.Session,
        *,
        issuer: str,
        algorithms: frozenset[str],
        find_key: Callable[[str], VerificationKey | None],
        clock: Callable[[], float],
        max_stale_seconds: float,
        on_change: Callable[[RevokedPredicate], None],
        poll_seconds: float = POLL_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._url = url
        self._session = session
        self._issuer = issuer
        self._algorithms = algorithms
        self._find_key = find_key
        self._clock = clock
        self._max_stale_seconds = max_stale_seconds
        self._on_change = on_change
        self._poll_seconds = poll_seconds
        self._timeout_seconds = timeout_seconds
        self._fetching = Lock()
        self._stopping = Event()
        self._poller: gevent.Greenlet[..., None] | None = None
        self._attempts = 0
        self._last_attempt = float("-inf")
        self._last_success: float | None = None
        self._last_error: str | None = None
        self._is_absent = False
        self._etag: str | None = None
        # Replaced whole, never changed in place.
        self._list = RevocationList(float("-inf"), float("-inf"))
        self._session_ids = self._list.session_ids
        self._key_ids = self._list.key_ids
        self._good_until = float("-inf")

    def revoked(self, session_id: str, key_id: str) -> bool:
        """Tell whether a session ended or a key was withdrawn; costs two look-ups.

        The first call starts the polling and waits for a list.

        Raises:
            RevocationsUnavailable: that cannot be told.
        """
        if self._clock() >= self._good_until:
            self._demand_list()
        return session_id in self._session_ids or key_id in self._key_ids

    def state(self) -> RevocationState:
        """Return the state for ``/readyz``, fetching first when there is no list (within the time-out)."""
        try:
            if self._clock() >= self._good_until:
                self._demand_list()
            status: Status = "stale" if self._last_error else "absent" if self._is_absent else "fresh"
        except RevocationsUnavailable:
            status = "unavailable"
        age = None if self._last_success is None else self._clock() - self._last_success
        return RevocationState(status, len(self._session_ids), len(self._key_ids), age, self._last_error)

    def refresh(self) -> None:
        """Fetch once; whoever comes while a fetch is under way waits for that one and starts no other."""
        self._refresh_unless_within(0.0)

    def stop(self) -> None:
        """Poll no more: the process is about to stop."""
        self._stopping.set()

    def _demand_list(self) -> None:
        if self._poller is None or self._poller.dead:
            self._poller = gevent.spawn(self._poll)
        # A process that slept past the list's end fetches before it refuses.
        self._refresh_unless_within(RETRY_SECONDS)
        if self._clock() >= self._good_until:
            raise RevocationsUnavailable(self._last_error or "no revocation list was fetched yet")

    def _refresh_unless_within(self, throttle_seconds: float) -> None:
        attempts_seen = self._attempts
        with self._fetching:
            if self._attempts != attempts_seen or self._clock() - self._last_attempt < throttle_seconds:
                return
            self._fetch()
            self._last_attempt = self._clock()
            self._attempts += 1

    def _poll(self) -> None:
        while not self._stopping.wait(RETRY_SECONDS if self._last_error else self._poll_seconds):
            try:
                self.refresh()
            except Exception as error:  # a mistake of ours must not end the polling: nobody would notice
                _log.exception("following the revocation list failed")
                self._failed(error)

    def _fetch(self) -> None:
        """Take the list, or keep the one there is and remember why. Nothing is raised."""
        asks_for_news = self._etag is not None and self._clock() < self._good_until
        known = self._list
        try:
            fetched = fetch(
                self._session,
                self._url,
                {
                    "Accept": "application/jwt",
                    **({"If-None-Match": self._etag or ""} if asks_for_news else {}),
                },
                timeout_seconds=self._timeout_seconds,
                max_bytes=MAX_BYTES,
            )
            if fetched.status == 200:
                self._take(
                    read(fetched.body, self._issuer, self._algorithms, self._find_good_key, self._clock())
                )
                self._etag = fetched.etag
            elif not asks_for_news:
                raise FetchFailed("it was answered as unchanged, which was not asked")
        except NotPublished as error:
            self._not_published(error)
            return
        except (FetchFailed, NotAcceptable, McpServerError) as error:
            self._failed(error)
            return
        self._is_absent = False
        if self._last_error is not None:
            _log.info("the revocation list can be fetched again")
        self._last_error = None
        self._last_success = self._clock()
        metrics.revocations_fetched(self._last_success)
        # However often a server says "unchanged": nobody vouches for a list past its exp.
        self._good_until = min(self._last_success + self._max_stale_seconds, self._list.expires_at_seconds)
        if not (self._session_ids <= known.session_ids and self._key_ids <= known.key_ids):
            self._on_change(self._is_over)

    def _find_good_key(self, key_id: str) -> VerificationKey | None:
        # Whoever stole a key that was withdrawn must not take the withdrawal back with it.
        return None if key_id in self._key_ids else self._find_key(key_id)

    def _take(self, fetched: RevocationList) -> None:
        if fetched.issued_at_seconds < self._list.issued_at_seconds:
            # Replicas' clocks differ: what this one adds is true all the same, what it lacks is not.
            fetched = replace(
                self._list,
                session_ids=self._list.session_ids | fetched.session_ids,
                key_ids=self._list.key_ids | fetched.key_ids,
            )
        self._list = fetched
        self._session_ids, self._key_ids = fetched.session_ids, fetched.key_ids

    def _failed(self, error: Exception) -> None:
        if self._last_error is None:  # once, not with every attempt
            _log.warning("the revocation list cannot be fetched", extra={"reason": str(error)})
        self._last_error = f"{type(error).__name__}: {error}"
        # Asked for whole next time: what was refused must not come back as "unchanged".
        self._etag = None
        if self._clock() >= self._good_until:
            self._on_change(self._is_over)

    def _not_published(self, error: NotPublished) -> None:
        if self._list.issued_at_seconds != float("-inf"):
            self._failed(error)  # there was one: this is a fault
            return
        if not self._is_absent:
            _log.warning("the issuer publishes no revocation list: its tokens are good until they expire")
        self._is_absent, self._last_error = True, None
        self._last_success = self._clock()
        self._good_until = self._last_success + self._max_stale_seconds

    def _is_over(self, session_id: str, key_id: str) -> bool:
        """Tell whether what goes on must end: revoked, or nobody knows."""
        if self._clock() >= self._good_until:
            return True
        return session_id in self._session_ids or key_id in self._key_ids
