"""A client's public keys (RFC 7517): which sets may be registered, and which keys can verify what.

Called where metadata is validated and by ``oauth.clients.assertions``. Must not take a symmetric or a private
key from anybody: what somebody published by mistake is no proof of anything.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import orjson
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

# RFC 8725 3.1: a list of our own; asymmetric algorithms alone.
_KINDS: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    **dict.fromkeys(("EdDSA", "Ed25519"), "Ed25519"),
}
ALGORITHMS: Final = tuple(_KINDS)
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_RSA_BITS: Final = range(2048, 8193)
_MAX_KEYS: Final = 20
_MAX_SET_BYTES: Final = 16_384


class KeysRefused(ValueError):
    """No set of public keys; the message is public and repeats nothing of it."""


def checked_key_set(value: Any) -> dict[str, Any]:
    """Return a JWK set of which at least one key can be used.

    Raises:
        KeysRefused: it is something else, or holds a key that is private or shared.
    """
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise KeysRefused("jwks must be an object with a list of keys")
    if len(keys) > _MAX_KEYS or len(orjson.dumps(value)) > _MAX_SET_BYTES:
        raise KeysRefused(f"jwks must have at most {_MAX_KEYS} keys")
    if any(_PRIVATE_MEMBERS.intersection(key) for key in keys):
        raise KeysRefused("jwks must hold public keys only")
    if not any(map(_public_key, keys)):
        raise KeysRefused("jwks must have a key that can verify signatures")
    return {"keys": keys}


def verifying_keys(key_set: Mapping[str, Any], algorithm: str, kid: str | None) -> list[Key]:
    """Return the keys of a set that may have made a signature.

    Args:
        key_set: as checked.
        algorithm: one of ``ALGORITHMS``.
        kid: what the signature's header names (RFC 7515 4.1.4); None: any.
    """
    found = []
    for member in key_set["keys"]:
        is_named = kid is None or member.get("kid") in (None, kid)
        if is_named and member.get("alg") in (None, algorithm):
            key = _public_key(member)
            if key is not None and _kind(key) == _KINDS[algorithm]:
                found.append(key)
    return found


@contextmanager
def quietly() -> Iterator[None]:
    """Keep joserfc from warning: what is too weak is refused here, and EdDSA, which RFC 9864 renames, is what
    clients send.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        yield


def _public_key(member: Mapping[str, Any]) -> Key | None:
    # RFC 7517 5: what is not understood is ignored.
    operations = member.get("key_ops", ["verify"])
    if member.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if member.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    try:
        with quietly():
            key = JWKRegistry.import_key(dict(member))
            # Only now are the numbers looked at.
            return key if _kind(key) in _KINDS.values() else None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _kind(key: Key) -> str | None:
    if isinstance(key, RSAKey):
        return "RSA" if key.raw_value.key_size in _RSA_BITS else None
    if isinstance(key, ECKey | OKPKey):
        return str(key.curve_name)
    return None
