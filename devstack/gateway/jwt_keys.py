"""The signing keys behind an openid-config URL, fetched, kept, and fetched again.

Used by ``policies.validate_jwt``. As in API Management: fetched when first needed, refreshed hourly, and
once more for a key id that is not among them, at most once in a while. The last good keys stay when a
refresh fails. Must not verify anything.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import gevent
import requests
from gevent.lock import BoundedSemaphore
from joserfc import jwk
from joserfc.errors import JoseError

from devstack.gateway.errors import PolicyError

REFRESH_SECONDS = 3600.0
# API Management's is five minutes; a developer who restarts the authorization server does not wait that long.
UNKNOWN_KEY_SECONDS = 30.0
# After a failure; API Management waits five minutes here, too.
RETRY_SECONDS = 1.0
_FETCH_TIMEOUT_SECONDS = 5.0
_LIMIT_BYTES = 262_144

Key = jwk.RSAKey | jwk.ECKey
_KEY_TYPES: Mapping[str, type[Key]] = {"RSA": jwk.RSAKey, "EC": jwk.ECKey}
FetchJson = Callable[[str], Any]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeySet:
    """What one fetch brought: keys by id, and the issuer they belong to."""

    keys: Mapping[str, Key]
    issuer: str


class KeySource(Protocol):
    """Where validate-jwt gets its keys."""

    def current(self) -> KeySet:
        """Return the keys, fetching them when there are none yet.

        Raises:
            PolicyError: there are none to be had.
        """

    def after_unknown_key(self) -> KeySet:
        """Return the keys after a token named a missing one; fetches again unless that was done lately."""


class OpenIdKeys:
    """The keys that one openid-config document leads to; shared by all requests."""

    def __init__(
        self, url: str, fetch: FetchJson | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._fetch = fetch or fetch_json
        self._clock = clock
        self._lock = BoundedSemaphore(1)
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._attempts = 0
        self._asked_for_unknown_at = float("-inf")

    def current(self) -> KeySet:
        """See KeySource."""
        keys = self._keys
        if keys is None:
            return self._first()
        if self._clock() - self._fetched_at > REFRESH_SECONDS and self._may_try() and not self._lock.locked():
            gevent.spawn(self._refresh)  # this request uses what is there
        return keys

    def after_unknown_key(self) -> KeySet:
        """See KeySource."""
        before = self.current()
        if self._clock() - self._asked_for_unknown_at < UNKNOWN_KEY_SECONDS:
            return before
        self._asked_for_unknown_at = self._clock()
        self._refresh()
        return self._keys or before

    def _first(self) -> KeySet:
        if self._may_try() or self._lock.locked():
            self._refresh()
        if self._keys is None:
            # Not the token's fault: a 401 would make clients throw away good tokens.
            raise PolicyError(
                "openid-config",
                "ConfigurationUnavailable",
                "The signing keys cannot be fetched at present.",
                503,
                (("Retry-After", "2"),),
            )
        return self._keys

    def _may_try(self) -> bool:
        return self._clock() - self._tried_at >= RETRY_SECONDS

    def _refresh(self) -> None:
        attempts = self._attempts
        with self._lock:
            if self._attempts != attempts:
                return  # somebody else did it while we waited
            try:
                self._keys = self._load()
                self._fetched_at = self._clock()
            except (OSError, ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
                _log.warning("the signing keys at %s cannot be fetched: %s", self._url, error)
            finally:
                self._attempts += 1
                self._tried_at = self._clock()

    def _load(self) -> KeySet:
        document = self._fetch(self._url)
        keys: dict[str, Key] = {}
        for entry in self._fetch(document["jwks_uri"])["keys"]:
            if entry.get("use", "sig") == "sig" and entry["kty"] in _KEY_TYPES and "kid" in entry:
                keys[str(entry["kid"])] = _KEY_TYPES[entry["kty"]].import_key(entry)
        return KeySet(keys, str(document["issuer"]))


def fetch_json(url: str) -> Any:
    """GET a JSON document; no proxies, no redirects.

    Raises:
        OSError, ValueError.
    """
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=_FETCH_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
            if response.status_code != requests.codes.ok:
                raise ValueError(f"{url} answered {response.status_code}")
            body = response.raw.read(_LIMIT_BYTES + 1, decode_content=True)
    if len(body) > _LIMIT_BYTES:
        raise ValueError(f"{url} is too large")
    return json.loads(body)
