"""The signed list of what was revoked, which resource servers fetch every few seconds.

Called by ``web.revoked``. Holds the sessions that ended within the longest life of an access token, for
whatever reason, tombstones too, and the signing keys that were withdrawn. Must stay cheap however many ask:
the store is asked at most once a second, and what says the same is signed at most once a minute. Must never
answer with what it knew before when the store is away: resource servers would take that for news.

    header   typ revocations+jwt, alg, kid
    claims   iss, iat, exp (iat + 3600), sids, kids

``iat`` is the time of the newest entry, at least the last full minute: replicas that know the same say the
same, to the byte but for the signature, and share an entity tag.
"""

import hashlib
from dataclasses import dataclass
from threading import Lock
from typing import Final

import orjson
from joserfc import jws

from authserver.errors import StoreUnavailable
from authserver.keys import KeyRing
from authserver.model import Clock
from authserver.store.protocols import SessionStore

LIFETIME_SECONDS: Final = 3600
FRESH_SECONDS: Final = 1.0
"""How long an answer stands before the store is asked again."""
CLOCK_MARGIN_SECONDS: Final = 300
"""How long after its last token has expired a session stays on the list: clocks differ."""

_TYPE: Final = "revocations+jwt"
_PERIOD_SECONDS: Final = 60
# Between two full readings only the latest entries are read: replicas' clocks differ, writes take time.
_OVERLAP_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class SignedList:
    """A list as it is sent. ``etag`` names its content, quotes included (RFC 9110 §8.8.3)."""

    token: bytes
    etag: str


class RevocationLists:
    """Makes the list.

    Args:
        sessions: says what ended.
        keyring: says which keys were withdrawn, and signs.
        issuer: ``iss``.
        clock: seconds since 1970.
        token_lifetime_seconds: the longest of any access token.
    """

    def __init__(
        self,
        sessions: SessionStore,
        keyring: KeyRing,
        issuer: str,
        clock: Clock,
        *,
        token_lifetime_seconds: int,
    ) -> None:
        self._sessions = sessions
        self._keyring = keyring
        self._issuer = issuer
        self._clock = clock
        self._window_seconds = token_lifetime_seconds + CLOCK_MARGIN_SECONDS
        self._asking = Lock()
        self._attempts = 0
        self._asked_at_seconds = float("-inf")
        self._ended: dict[str, int] = {}
        self._period_seconds = 0
        self._content: tuple[object, ...] = ()
        self._signed: SignedList | None = None

    def current(self) -> SignedList:
        """Return the list of now, at most FRESH_SECONDS old.

        Raises:
            StoreUnavailable: what was revoked cannot be told.
        """
        fresh = self._fresh()
        if fresh is not None:
            return fresh
        attempts_seen = self._attempts
        with self._asking:
            if self._attempts == attempts_seen:
                # Whoever waited meanwhile takes what this one got, a failure too.
                try:
                    self._ask(int(self._clock()))
                finally:
                    self._attempts += 1
        fresh = self._fresh()
        if fresh is None:
            raise StoreUnavailable("what was revoked could not be read")
        return fresh

    def _fresh(self) -> SignedList | None:
        age_seconds = self._clock() - self._asked_at_seconds
        return self._signed if 0 <= age_seconds < FRESH_SECONDS else None

    def _ask(self, now: int) -> None:
        asked_at_seconds = self._clock()
        # First: from here on no withdrawn key signs, this list least of all.
        kids = self._keyring.withdrawn()
        self._read_ended(now)
        content = (self._period_seconds, len(self._ended), kids)
        if content != self._content or self._signed is None:
            self._signed = self._sign(kids, now)
            self._content = content
        self._asked_at_seconds = asked_at_seconds

    def _read_ended(self, now: int) -> None:
        period_seconds = now - now % _PERIOD_SECONDS
        since_seconds = period_seconds - self._window_seconds
        if period_seconds != self._period_seconds:
            self._ended = dict(self._sessions.ended_since(since_seconds))
            self._period_seconds = period_seconds
        else:
            self._ended.update(self._sessions.ended_since(max(since_seconds, now - _OVERLAP_SECONDS)))

    def _sign(self, kids: tuple[str, ...], now: int) -> SignedList:
        issued_at_seconds = min(now, max((self._period_seconds, *self._ended.values())))
        claims = {
            "iss": self._issuer,
            "iat": issued_at_seconds,
            "exp": issued_at_seconds + LIFETIME_SECONDS,
            "sids": sorted(self._ended),
            "kids": sorted(kids),
        }
        payload = orjson.dumps(claims)
        key = self._keyring.signing_key()
        header = {"alg": key.algorithm, "kid": key.kid, "typ": _TYPE}
        token = jws.serialize_compact(header, payload, key.key, algorithms=[key.algorithm])
        return SignedList(token.encode(), f'"{hashlib.sha256(payload).hexdigest()}"')
