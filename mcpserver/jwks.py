"""The authorization server's public keys: fetched, parsed once, kept while that server is away.

``auth`` asks for a key by its id for each new token and, for a cached one, whether its key still stands;
``/readyz`` asks for the state. This module must not judge tokens, and never hands out a key it did not get
from the one URL in the settings: a token's own ``jwk``, ``jku`` or ``x5u`` never reaches it (RFC 8725 section
3.10).

    states    empty ──fetched──▶ fresh ──interval over──▶ due ──fetched──▶ fresh
                │                                          └──failed────▶ stale ──fetched──▶ fresh
                └──failed──▶ empty                         (the last good keys are still used)

Keys change in one place, ``_fetch``. While keys are there, a due refresh runs beside the requests (in a
greenlet of its own); only a token whose key id is unknown makes its request wait, and that at most once per
throttle interval however many such tokens come in.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, Literal

import gevent
import requests

from mcpserver.errors import Unavailable
from mcpserver.fetching import FetchFailed, fetch
from mcpserver.jwk_set import UnusableKeySet, VerificationKey, parse_key_set

_log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 60.0
"""How old the keys may grow before they are fetched again: a withdrawn key stops within this time."""
THROTTLE_SECONDS: Final = 5.0
"""The shortest time between two fetches, whatever tokens come in and whether fetching fails."""
TIMEOUT_SECONDS: Final = 3.0
"""How long one fetch may take altogether."""
MAX_DOCUMENT_BYTES: Final = 256 * 1024

# Without any key nothing can be served, and both servers may be starting: asking again soon costs little.
_EMPTY_THROTTLE_SECONDS: Final = 0.5

KeyStatus = Literal["empty", "fresh", "stale"]


@dataclass(frozen=True, slots=True)
class JwksState:
    """What ``/readyz`` reports: ``stale`` is degraded but serving, ``empty`` cannot verify anything yet."""

    status: KeyStatus
    key_count: int
    age_seconds: float | None
    last_error: str | None


class KeysUnavailable(Unavailable):
    """No key was ever fetched and none can be now: nothing can be verified, and nothing is accepted."""

    def __init__(self, private_detail: str) -> None:
        super().__init__(
            "The authorization server's keys are not available at the moment",
            private_detail,
            retry_after_seconds=1,
        )


def _run_beside(work: Callable[[], None]) -> None:
    gevent.spawn(work)


class JwksClient:
    """Keeps the keys of one JWKS URL.

    Args:
        url: the JWKS URL from the settings.
        session: an HTTP session as ``fetching.http_session`` makes it.
        clock: seconds; only differences are used, so a monotonic clock is right.
        refresh_seconds: see ``REFRESH_SECONDS``.
        throttle_seconds: see ``THROTTLE_SECONDS``.
        timeout_seconds: see ``TIMEOUT_SECONDS``.
        run_beside: starts work that no request waits for; a greenlet unless given.
    """

    def __init__(
        self,
        url: str,
        session: requests.Session,
        clock: Callable[[], float],
        *,
        refresh_seconds: float = REFRESH_SECONDS,
        throttle_seconds: float = THROTTLE_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
        run_beside: Callable[[Callable[[], None]], None] = _run_beside,
    ) -> None:
        self._url = url
        self._session = session
        self._clock = clock
        self._refresh_seconds = refresh_seconds
        self._throttle_seconds = throttle_seconds
        self._timeout_seconds = timeout_seconds
        self._run_beside = run_beside
        self._fetching = Lock()
        self._beside_is_running = False
        self._attempts = 0
        self._last_attempt: float | None = None
        self._last_success: float | None = None
        self._last_error: str | None = None
        self._due_at = float("-inf")
        # Replaced whole, never changed in place: a reader holds one dictionary or the other.
        self._keys: dict[str, VerificationKey] = {}

    def key(self, key_id: str) -> VerificationKey | None:
        """Return the key of that id, ``None`` when the authorization server does not publish it.

        Raises:
            KeysUnavailable: there are no keys at all and they cannot be fetched.
        """
        self.refresh_when_due()
        found = self._keys.get(key_id)
        if found is None:
            self._fetch_unless_throttled()
            found = self._keys.get(key_id)
        if not self._keys:
            raise KeysUnavailable(self._last_error or "no keys were fetched yet")
        return found

    def still_published(self, key: VerificationKey) -> bool:
        """Tell whether a key handed out earlier is still among the published ones; costs a dictionary
        look-up."""
        if self._clock() >= self._due_at:
            self.refresh_when_due()
        return self._keys.get(key.key_id) is key

    def refresh_when_due(self) -> None:
        """Fetch again when the keys are older than the interval.

        That runs beside the requests, unless a whole interval more has passed, as on a server that was idle:
        what was withdrawn in the meantime is not accepted even once, so this request waits.
        """
        overdue_seconds = self._clock() - self._due_at
        if not self._keys or overdue_seconds < 0:
            return
        if overdue_seconds >= self._refresh_seconds:
            self._fetch_unless_throttled()
        elif not self._beside_is_running:
            self._beside_is_running = True
            self._run_beside(self._refresh_beside)

    def state(self) -> JwksState:
        """Return the state for ``/readyz``, fetching first when keys are due (bounded by the fetch timeout).

        A server that has served nothing yet would otherwise never become ready.
        """
        if self._clock() >= self._due_at:
            self._fetch_unless_throttled()
        status: KeyStatus = "empty" if not self._keys else "stale" if self._last_error else "fresh"
        age = None if self._last_success is None else self._clock() - self._last_success
        return JwksState(status, len(self._keys), age, self._last_error)

    def _refresh_beside(self) -> None:
        try:
            self._fetch_unless_throttled()
        finally:
            self._beside_is_running = False

    def _fetch_unless_throttled(self) -> None:
        """Fetch once; whoever comes while a fetch is under way waits for that one and starts no other."""
        attempts_seen = self._attempts
        with self._fetching:
            if self._attempts != attempts_seen:
                return
            now = self._clock()
            throttle_seconds = self._throttle_seconds if self._keys else _EMPTY_THROTTLE_SECONDS
            if self._last_attempt is not None and now - self._last_attempt < throttle_seconds:
                return
            before, self._last_attempt = self._last_attempt, now
            try:
                self._fetch()
            except BaseException:
                # The request that fetched was ended (its client left): whoever waits next fetches instead.
                self._last_attempt = before
                raise
            self._attempts += 1

    def _fetch(self) -> None:
        """Replace the keys, or keep them and remember why that failed. Nothing is raised."""
        try:
            fetched = fetch(
                self._session,
                self._url,
                {"Accept": "application/json"},
                timeout_seconds=self._timeout_seconds,
                max_bytes=MAX_DOCUMENT_BYTES,
            )
            keys = parse_key_set(fetched.body, self._keys)
        except (FetchFailed, UnusableKeySet) as error:
            self._last_error = f"{type(error).__name__}: {error}"
            self._due_at = self._clock() + (self._throttle_seconds if self._keys else _EMPTY_THROTTLE_SECONDS)
            _log.warning(
                "the authorization server's keys could not be fetched", extra={"reason": self._last_error}
            )
            return
        self._keys = keys
        self._last_error = None
        self._last_success = self._clock()
        self._due_at = self._last_success + self._refresh_seconds
