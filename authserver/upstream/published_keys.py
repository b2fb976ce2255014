"""Somebody else's public keys, as their JWKS document publishes them (RFC 7517 5): kept until they are stale.

Made by whoever verifies what an issuer signed: Entra's id_tokens and access tokens, identity providers'
assertions. Must not know how to fetch, and must not accept a key for an algorithm that is not on the list.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

_LIFETIME_SECONDS: Final = 3600
_REFETCH_INTERVAL_SECONDS: Final = 10
_MAX_KEYS: Final = 100
# What an algorithm's key looks like (RFC 7518 6.1).
_KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}


@dataclass(frozen=True, slots=True)
class _PublishedKey:
    keys: KeySet
    jwk: Mapping[str, Any]


class PublishedKeys:
    """Kept for an hour; fetched anew, at most every ten seconds, when a token names a key that is not there.

    Args:
        fetch: returns the JWKS document; raises UpstreamUnavailable.
        algorithms: for which keys are wanted; a key that names none may be used for those of its type.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Any]],
        algorithms: Sequence[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._algorithms = tuple(algorithms)
        self._monotonic = monotonic
        self._lock = Lock()
        self._keys: dict[str, _PublishedKey] = {}
        self._fetched_at: float | None = None
        self._asked_at = float("-inf")

    def for_kid(self, kid: str) -> KeySet:
        """Return a set with the key of this name, or an empty one.

        Raises:
            UpstreamUnavailable: the keys are needed and cannot be fetched.
        """
        # Without the lock: whoever names a known key never waits for somebody who made one up.
        if self._must_fetch(kid):
            with self._lock:
                if self._must_fetch(kid):
                    self._asked_at = self._monotonic()
                    self._load(self._fetch())
        found = self._keys.get(kid)
        return KeySet([]) if found is None else found.keys

    def member(self, kid: str, name: str) -> Any:
        """Return a member of the key's JWK as it was published, None when there is none."""
        found = self._keys.get(kid)
        return None if found is None else found.jwk.get(name)

    def _must_fetch(self, kid: str) -> bool:
        now = self._monotonic()
        if self._fetched_at is None or now - self._fetched_at > _LIFETIME_SECONDS:
            return True
        return kid not in self._keys and now - self._asked_at > _REFETCH_INTERVAL_SECONDS

    def _load(self, document: Mapping[str, Any]) -> None:
        published = document.get("keys")
        listed = published[:_MAX_KEYS] if isinstance(published, list) else []
        usable = filter(None, map(self._usable, listed))
        self._keys = {key.jwk["kid"]: key for key in usable}
        self._fetched_at = self._monotonic()

    def _usable(self, jwk: Any) -> _PublishedKey | None:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig":
            return None
        algorithms = [alg for alg in self._algorithms if _KEY_TYPES[alg] == jwk.get("kty")]
        # RFC 7517 4.4: alg is optional, and Entra leaves it out.
        if not algorithms or jwk.get("alg", algorithms[0]) not in algorithms:
            return None
        try:
            return _PublishedKey(KeySet.import_key_set({"keys": [jwk]}), jwk)
        except (JoseError, ValueError, TypeError, KeyError):
            return None
