"""From an Authorization header to a verified caller.

The transports call ``Authenticator.authenticate`` once per request. What makes a token good stands in
``access_token``; this module owns what is around it: how the header is read (RFC 6750 section 2), the cache
of tokens verified before, and the checks that a cached token must pass every time. It must never let a
request through for want of keys, and must not log or keep a token: the cache knows tokens by their SHA-256.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

from mcpserver import access_token
from mcpserver.access_token import TokenRules
from mcpserver.errors import Unauthorized
from mcpserver.jwk_set import VerificationKey
from mcpserver.jwks import JwksClient
from mcpserver.principal import Principal
from mcpserver.revocations import RevokedPredicate, nothing_is_revoked

CACHE_ENTRIES: Final = 10_000
"""Verified tokens remembered; one costs about 1.5 KB."""
MAX_HEADER_CHARACTERS: Final = 8192
"""Longer Authorization headers are refused before anything is computed on them."""

_INVALID: Final = "invalid_token"
_REQUIRED: Final = "A bearer token is required"
# RFC 6750 section 2.1 with a JWT's alphabet: one scheme, one space or more, one token. Two headers joined by
# a comma do not match.
_BEARER: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.ASCII)

# A token may stand behind any number of spaces; remembered under each, one token would push out all others.
_REMEMBERED: Final = frozenset({"Bearer ", "bearer "})


class Authenticator:
    """Verifies bearer tokens and remembers the verified ones until they expire.

    Args:
        issuer: the only ``iss`` accepted, compared exactly.
        audience: the canonical resource, the only ``aud`` accepted.
        algorithms: the signature algorithms accepted.
        jwks: the issuer's keys.
        clock: seconds since the epoch.
        cache_size: how many verified tokens are remembered; the least recently used one goes first.
        revoked: consulted for every request, for cached tokens too.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        algorithms: Iterable[str],
        jwks: JwksClient,
        clock: Callable[[], float],
        *,
        cache_size: int = CACHE_ENTRIES,
        revoked: RevokedPredicate = nothing_is_revoked,
    ) -> None:
        self._rules = TokenRules(issuer, audience, frozenset(algorithms))
        self._jwks = jwks
        self._clock = clock
        self._cache_size = cache_size
        self._revoked = revoked
        self._cache: OrderedDict[bytes, tuple[Principal, VerificationKey]] = OrderedDict()

    def authenticate(self, authorization_header: str | None, query_string: str = "") -> Principal:
        """Return the caller.

        Args:
            authorization_header: the header's value, ``None`` when there is none.
            query_string: the request's raw query string, where a token is refused (RFC 6750 section 2.3 is
                not offered; MCP authorization "Token Requirements" forbids it).

        Raises:
            Unauthorized: without an error code when no bearer token was sent, else with one.
            Unavailable: no key could ever be fetched, or what was revoked is not known.
        """
        if query_string:
            _refuse_token_in_query(query_string)
        if not authorization_header:
            raise Unauthorized(None, _REQUIRED)
        if len(authorization_header) > MAX_HEADER_CHARACTERS:
            raise Unauthorized(_INVALID, "The Authorization header is too long")
        digest = sha256(authorization_header.encode("utf-8", "surrogatepass")).digest()
        cached = self._cache.get(digest)
        if cached is None:
            return self._verify(authorization_header, digest)
        principal, key = cached
        if self._clock() >= principal.expires_at_seconds or not self._jwks.still_published(key):
            # Verified again from the start, so that whatever changed is named the same way as for a new
            # token.
            del self._cache[digest]
            return self._verify(authorization_header, digest)
        self._check_revocation(principal, key)
        self._cache.move_to_end(digest)
        return principal

    def _verify(self, authorization_header: str, digest: bytes) -> Principal:
        scheme, _, credentials = authorization_header.partition(" ")
        # RFC 6750 section 3.1: no authentication, or another scheme's, is answered without an error code.
        if scheme.lower() != "bearer" or not credentials.strip():
            raise Unauthorized(None, _REQUIRED)
        match = _BEARER.fullmatch(authorization_header)
        if match is None:
            raise Unauthorized(_INVALID, "The Authorization header does not hold one signed token")
        principal, key = access_token.verify(match[1], self._rules, self._jwks.key, self._clock())
        self._check_revocation(principal, key)
        if authorization_header[: -len(match[1])] not in _REMEMBERED:
            return principal
        self._cache[digest] = (principal, key)
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return principal

    def _check_revocation(self, principal: Principal, key: VerificationKey) -> None:
        if self._revoked(principal.session_id, key.key_id):
            raise Unauthorized(
                _INVALID, "The access token was revoked", private_detail=f"sid {principal.session_id}"
            )


def _refuse_token_in_query(query_string: str) -> None:
    # Query strings end up in logs, histories and Referer headers (RFC 6750 section 5.3).
    if any(name == "access_token" for name, _ in parse_qsl(query_string, keep_blank_values=True)):
        raise Unauthorized(_INVALID, "An access token in the query string is not accepted")
