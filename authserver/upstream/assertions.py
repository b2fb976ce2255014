"""What all assertions have in common: a JWT that its issuer signed, for a while (RFC 7523 3).

Called by ``upstream.api_token`` and ``upstream.identity_assertion``, which know what each kind must say.
Every check is spelled out; what fails one is AssertionUnproven, whose message goes to the log and never holds
the assertion. Must not decide who may do what.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError

from authserver.upstream.errors import AssertionUnproven
from authserver.upstream.published_keys import PublishedKeys

LEEWAY_SECONDS: Final = 60
_MAX_CHARACTERS: Final = 16_384
_MAX_NAME_CHARACTERS: Final = 255
# What may stand in a claim that becomes part of ours, of an audit line or of a store's key.
_NAME: Final = re.compile(r"[\x21-\x7e]+")


def unverified_header(assertion: str) -> Mapping[str, Any]:
    """Return the JOSE header, which nobody has vouched for: good for choosing how to verify, nothing else.

    Raises:
        AssertionUnproven: this is no compact JWS.
    """
    header = _unverified(assertion).headers()
    if not isinstance(header, dict):
        raise AssertionUnproven("its header is no object")
    return header


def unverified_claims(assertion: str) -> Mapping[str, Any]:
    """Return the claims, which nobody has vouched for: good for choosing whose keys to verify them with.

    Raises:
        AssertionUnproven: this is no JWT.
    """
    try:
        claims = json.loads(_unverified(assertion).payload)
    except (ValueError, RecursionError):
        raise AssertionUnproven("its claims are no JSON") from None
    if not isinstance(claims, dict):
        raise AssertionUnproven("its claims are no object")
    return claims


def verified_claims(assertion: str, keys: PublishedKeys, algorithms: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the claims, whose signature one of the issuer's published keys verifies.

    Raises:
        AssertionUnproven: it does not.
        UpstreamUnavailable: the keys cannot be fetched.
    """
    header = unverified_header(assertion)
    algorithm, kid = header.get("alg"), header.get("kid")
    # RFC 8725 3.1: from a list, never what the token proposes.
    require(isinstance(algorithm, str) and algorithm in algorithms, "alg")
    if not isinstance(kid, str):
        raise AssertionUnproven("kid")
    # Keys come from the issuer's JWKS alone: jwk, jku, x5c and x5u in the header are never looked at.
    found = keys.for_kid(kid)
    require(keys.member(kid, "alg") in (None, algorithm), "the key is for another alg")
    try:
        return jwt.decode(assertion, found, algorithms=[str(algorithm)]).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AssertionUnproven(f"signature: {type(error).__name__}") from None


def check_times(
    claims: Mapping[str, Any], now: float, *, needs_nbf: bool = False, needs_iat: bool = True
) -> float:
    """Return when the assertion expires, once it is known to be valid now (RFC 7523 3, 4. to 6.).

    Raises:
        AssertionUnproven: it has expired, is of the future, or does not say.
    """
    exp = _seconds(claims, "exp")
    # No leeway for exp: a token that ends with the assertion would have ended already.
    require(now < exp, "exp")
    if needs_iat or "iat" in claims:
        require(_seconds(claims, "iat") <= now + LEEWAY_SECONDS, "iat")
    if needs_nbf or "nbf" in claims:
        require(_seconds(claims, "nbf") <= now + LEEWAY_SECONDS, "nbf")
    return exp


def name(claims: Mapping[str, Any], claim: str) -> str:
    """Return a claim that names something: printable ASCII without spaces, not too long.

    Raises:
        AssertionUnproven: it is missing or something else.
    """
    value = claims.get(claim)
    if not isinstance(value, str) or len(value) > _MAX_NAME_CHARACTERS or not _NAME.fullmatch(value):
        raise AssertionUnproven(claim)
    return value


def names(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """Return a claim that lists names; one that is absent lists none.

    Raises:
        AssertionUnproven: it is something else.
    """
    value = claims.get(claim, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise AssertionUnproven(claim)
    return tuple(value)


def words(claims: Mapping[str, Any], claim: str) -> tuple[str, ...] | None:
    """Return a claim of words with spaces between them (RFC 8693 4.2); None when it is absent.

    Raises:
        AssertionUnproven: it is something else.
    """
    if claim not in claims:
        return None
    value = claims[claim]
    if not isinstance(value, str):
        raise AssertionUnproven(claim)
    return tuple(value.split())


def require(holds: bool, what: str) -> None:
    """Refuse the assertion unless the check holds.

    Raises:
        AssertionUnproven: naming the check.
    """
    if not holds:
        raise AssertionUnproven(what)


def _unverified(assertion: str) -> jws.CompactSignature:
    if len(assertion) > _MAX_CHARACTERS or not assertion.isascii():
        raise AssertionUnproven("too long, or not ASCII")
    try:
        return jws.extract_compact(assertion.encode())
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AssertionUnproven(f"no JWS: {type(error).__name__}") from None


def _seconds(claims: Mapping[str, Any], claim: str) -> float:
    value = claims.get(claim)
    # A bool is an int to Python, and 1e400 is infinite.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise AssertionUnproven(claim)
    return value
