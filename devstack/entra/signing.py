"""Signs tokens, well or, when a fault is set, badly; makes their claims wrong likewise.

Called by ``tokens`` alone. Each fault of a token shows in one line of the two functions here. Must not
touch a token when no fault is set.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from devstack.entra.faults import Faults
from devstack.entra.keys import new_key


def sign(claims: Mapping[str, Any], key: RSAKey, kid: str | None = None) -> str:
    """Return a JWT as Entra makes them: RS256, ``typ: JWT``.

    Args:
        claims: the payload.
        key: the private key.
        kid: what the header says; the key's own unless given.
    """
    return jwt.encode({"typ": "JWT", "alg": "RS256", "kid": kid or key.kid}, dict(claims), key)


def sign_unless_faulty(claims: Mapping[str, Any], key: RSAKey, faults: Faults, token: str) -> str:
    """As ``sign``, with the fault of the signature that is set for this kind of token."""
    if faults.take_in("bad_signature", token) is not None:
        return sign(claims, new_key(), key.kid)
    if faults.take_in("unknown_key", token) is not None:
        return sign(claims, new_key())
    if faults.take_in("unsigned", token) is not None:
        return _compact({"typ": "JWT", "alg": "none"}, claims, b"")
    if faults.take_in("symmetric_signature", token) is not None:
        return _compact(
            {"typ": "JWT", "alg": "HS256", "kid": str(key.kid)}, claims, key.as_pem(private=False)
        )
    return sign(claims, key)


def spoil(claims: Mapping[str, Any], faults: Faults, now_seconds: int, token: str) -> dict[str, Any]:
    """Return the claims with the faults that are set for this kind of token."""
    spoiled = dict(claims)
    if faults.take_in("wrong_nonce", token) is not None:
        spoiled["nonce"] = "a-nonce-that-nobody-sent"
    if (options := faults.take_in("wrong_audience", token)) is not None:
        spoiled["aud"] = options["audience"]
    if (options := faults.take_in("wrong_issuer", token)) is not None:
        spoiled["iss"] = options["issuer"]
    if (options := faults.take_in("expired", token)) is not None:
        spoiled |= _moved(claims, now_seconds - options["seconds"] - claims["exp"])
    if (options := faults.take_in("not_yet_valid", token)) is not None:
        spoiled |= _moved(claims, now_seconds + options["seconds"] - claims["nbf"])
    if (options := faults.take_in("claims", token)) is not None:
        spoiled |= options["set"]
        spoiled = {name: value for name, value in spoiled.items() if name not in options["remove"]}
    return spoiled


def _moved(claims: Mapping[str, Any], by_seconds: float) -> dict[str, int]:
    return {name: int(claims[name] + by_seconds) for name in ("iat", "nbf", "exp")}


def _compact(header: Mapping[str, str], claims: Mapping[str, Any], secret: bytes) -> str:
    signed = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{_encode(signature)}"


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
