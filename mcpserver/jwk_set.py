"""A JWK Set read into keys that verify: which keys are taken from it, and for which single algorithm each.

Called by ``jwks`` with what it fetched. Does no I/O and knows nothing of tokens. Only public keys for
signatures are taken; a symmetric key in the set is never one of them, so no token can be verified as HMAC
with a public key (RFC 8725 section 2.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

_MIN_RSA_BITS: Final = 2048
_RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_RSA_DEFAULT: Final = "RS256"
_EC_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the one algorithm it verifies (RFC 8725 section 3.1: a key serves exactly one
    algorithm)."""

    key_id: str
    algorithm: str
    key: RSAKey | ECKey


class UnusableKeySet(Exception):
    """What came back is no JWK Set that anything could be verified with; the message holds no secrets."""


def parse_key_set(body: bytes, known: Mapping[str, VerificationKey]) -> dict[str, VerificationKey]:
    """Return the usable keys of a JWK Set (RFC 7517 section 5) by key id.

    Args:
        body: the document.
        known: keys parsed earlier; one that did not change stays the same object, so that it is parsed once
            and whoever holds it can tell that it still stands.

    Raises:
        UnusableKeySet: no JSON object with a list of keys, two keys of one id, or no usable key.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnusableKeySet("it is not JSON") from error
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise UnusableKeySet("it has no list of keys")
    keys: dict[str, VerificationKey] = {}
    for member in members:
        parsed = _parse_key(member) if isinstance(member, dict) else None
        if parsed is None:
            continue  # RFC 7517 section 5: a key that is not understood is ignored
        if parsed.key_id in keys:
            raise UnusableKeySet("two of its keys share one id")
        before = known.get(parsed.key_id)
        keys[parsed.key_id] = before if before is not None and _same(before, parsed) else parsed
    if not keys:
        raise UnusableKeySet("it has no usable key")
    return keys


def _same(one: VerificationKey, other: VerificationKey) -> bool:
    return one.algorithm == other.algorithm and one.key.thumbprint() == other.key.thumbprint()


def _parse_key(jwk: Mapping[str, object]) -> VerificationKey | None:
    """Return a key for signatures that has an id, ``None`` for any other: encryption, symmetric, private."""
    key_id = jwk.get("kid")
    if not isinstance(key_id, str) or not key_id or jwk.get("use", "sig") != "sig" or "d" in jwk:
        return None
    try:
        match jwk.get("kty"):
            case "RSA":
                return _parse_rsa(key_id, jwk)
            case "EC":
                return _parse_ec(key_id, jwk)
    except (JoseError, KeyError, ValueError, TypeError):
        return None
    return None


def _parse_rsa(key_id: str, jwk: Mapping[str, object]) -> VerificationKey | None:
    modulus, exponent = str(jwk["n"]), str(jwk["e"])
    algorithm = jwk.get("alg", _RSA_DEFAULT)
    # RFC 7518 section 3.3: a key of 2048 bits or larger must be used; a base64 character holds six of them.
    if len(modulus) * 6 < _MIN_RSA_BITS or not isinstance(algorithm, str) or algorithm not in _RSA_ALGORITHMS:
        return None
    return VerificationKey(key_id, algorithm, RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent}))


def _parse_ec(key_id: str, jwk: Mapping[str, object]) -> VerificationKey | None:
    key = ECKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x", "y")})
    algorithm = _EC_ALGORITHMS.get(key.curve_name)
    # RFC 7518 section 3.4: the curve decides the algorithm.
    if algorithm is None or jwk.get("alg", algorithm) != algorithm:
        return None
    return VerificationKey(key_id, algorithm, key)
