"""private_key_jwt: a client proves itself by a JWT it signed (RFC 7523 2.2 and 3, OpenID Connect Core 9).

Called by ``directory``. The keys are those of the client's registration or metadata document, in it or at its
``jwks_uri``; what the assertion itself says of keys is never looked at. Each assertion is good once.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from authserver.cipher import digest
from authserver.errors import UnavailableError
from authserver.model import Client, Clock
from authserver.oauth.clients.keys import ALGORITHMS, KeysRefused, checked_key_set, quietly, verifying_keys
from authserver.store.protocols import OnceStore
from authserver.upstream import assertions
from authserver.upstream.assertions import LEEWAY_SECONDS, require
from authserver.upstream.errors import AssertionUnproven, DocumentRefused, DocumentUnavailable
from authserver.upstream.public_documents import Documents

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 2.2
_LONGEST_SECONDS: Final = 300
# Keys in the header (RFC 7515 4.1): whoever signs could bring their own. "crit": nothing is understood.
_FORBIDDEN_HEADERS: Final = ("jwk", "jku", "x5u", "x5c", "crit", "b64")
_TYPES: Final = (None, "JWT", "jwt", "client-authentication+jwt")
# A client that has a new key is believed at once, but asked no more often than this.
_ASK_AGAIN_SECONDS: Final = 30


class ClientAssertions:
    """Args: documents: fetches keys; once: remembers what was used; audiences: what this server is called."""

    def __init__(
        self, documents: Documents, once: OnceStore, audiences: Collection[str], clock: Clock
    ) -> None:
        self._documents = documents
        self._once = once
        self._audiences = frozenset(audiences)
        self._clock = clock

    def check(self, assertion: str, client: Client) -> None:
        """Return when the assertion proves the client; it is used up then.

        Raises:
            AssertionUnproven: it does not; the message is for the log.
            UnavailableError: the keys are needed and cannot be fetched.
        """
        header = assertions.unverified_header(assertion)
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise AssertionUnproven("alg")
        require(kid is None or isinstance(kid, str), "kid")
        require(not any(name in header for name in _FORBIDDEN_HEADERS), "header")
        # A token of another kind is no assertion (RFC 8725 3.11).
        require(header.get("typ") in _TYPES, "typ")
        claims = self._verified(assertion, client, algorithm, kid)
        require(claims.get("iss") == client.client_id, "iss")  # RFC 7523 3, 1.
        require(claims.get("sub") == client.client_id, "sub")  # 2. B
        require(self._is_meant(claims.get("aud")), "aud")  # 3.
        now = self._clock()
        exp = assertions.check_times(claims, now, needs_iat=False)
        require(exp <= now + _LONGEST_SECONDS + LEEWAY_SECONDS, "exp is too far away")
        key = digest(f"{client.client_id} {assertions.name(claims, 'jti')}")
        # 7.: last, so that nothing but a good assertion uses its name up.
        require(self._once.add_once("client-assertion", key, int(exp - now) + LEEWAY_SECONDS), "jti replayed")

    def _is_meant(self, audience: Any) -> bool:
        # One audience, or whoever else it is meant for could present it here.
        named = audience if isinstance(audience, list) else [audience]
        return len(named) == 1 and isinstance(named[0], str) and named[0] in self._audiences

    def _verified(self, assertion: str, client: Client, algorithm: str, kid: str | None) -> Mapping[str, Any]:
        key_set = self._key_set(client, 0)
        claims = _signed(assertion, key_set, algorithm, kid)
        if claims is None and client.jwks is None:
            newer = self._key_set(client, self._clock() - _ASK_AGAIN_SECONDS)
            claims = _signed(assertion, newer, algorithm, kid) if newer != key_set else None
        if claims is None:
            raise AssertionUnproven("signature")
        return claims

    def _key_set(self, client: Client, fetched_after_seconds: float) -> Mapping[str, Any]:
        if client.jwks is not None:
            return client.jwks
        if client.jwks_uri is None:
            raise AssertionUnproven("the client has no keys")
        try:
            body = self._documents.get(client.jwks_uri, fetched_after_seconds=fetched_after_seconds)
            return checked_key_set(orjson.loads(body))
        except DocumentRefused as error:
            raise AssertionUnproven(f"jwks_uri: {error}") from None
        except DocumentUnavailable as error:
            raise UnavailableError(f"jwks_uri of {client.client_id}: {error}") from None
        except (orjson.JSONDecodeError, KeysRefused):
            self._documents.forget(client.jwks_uri)
            raise AssertionUnproven("jwks_uri: no set of public keys") from None


def _signed(
    assertion: str, key_set: Mapping[str, Any], algorithm: str, kid: str | None
) -> Mapping[str, Any] | None:
    for key in verifying_keys(key_set, algorithm, kid):
        try:
            with quietly():
                verified = jws.deserialize_compact(assertion, key, algorithms=[algorithm])
            claims = orjson.loads(verified.payload)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(claims, dict):
            return claims
    return None
