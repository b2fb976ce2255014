"""Access tokens of this server, recognised when they come back.

Used by ``oauth.revocation`` (RFC 7009) and ``oauth.introspection`` (RFC 7662). Says what a token of ours
says; must not say whether it is still good: times and sessions are its callers' business.
"""

from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from authserver.keys import KeyRing

_ALGORITHMS: Final = ["RS256", "ES256"]


class OwnAccessTokens:
    """Args: keyring: the keys that verify now; issuer: ours."""

    def __init__(self, keyring: KeyRing, issuer: str) -> None:
        self._keyring = keyring
        self._issuer = issuer

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims; None for anything that this server did not issue as an access token."""
        if token.count(".") != 2:
            return None
        try:
            keys = KeySet.import_key_set(self._keyring.jwks())  # type: ignore[arg-type]
            verified = jwt.decode(token, keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return None
        # RFC 9068 4: typ and iss, though nothing else is signed with these keys by whoever is honest.
        if verified.header.get("typ") != "at+jwt" or verified.claims.get("iss") != self._issuer:
            return None
        claims: Mapping[str, Any] = verified.claims
        return claims
