"""A signed JWT of our issuer, of one kind: header, key, signature, issuer and times, each check spelled out
(RFC 8725).

Used by ``access_token`` and ``revocation_list``, which check what is special to their kind. Must not use
anything of a token before its signature was checked, except the header members that choose the key; those
are named ``unverified``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from mcpserver.jwk_set import VerificationKey

MAX_IDENTIFIER_CHARACTERS: Final = 512

# Keys in or behind the token itself: a forger would bring their own (RFC 8725 section 3.10).
_EMBEDDED_KEYS: Final = frozenset({"jwk", "jku", "x5u", "x5c"})


class NotAcceptable(Exception):
    """The token is refused: a public sentence, and a detail for the log."""

    def __init__(self, description: str, private_detail: str | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.private_detail = private_detail


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of JWT is expected.

    Attributes:
        noun: what it is called in refusals.
        type: its ``typ`` (RFC 8725 section 3.11): one kind never passes for another.
        max_bytes: of the payload as it travels.
    """

    noun: str
    type: str
    max_bytes: int


def verified_claims(
    token: bytes,
    kind: Kind,
    algorithms: frozenset[str],
    find_key: Callable[[str], VerificationKey | None],
) -> tuple[dict[str, Any], VerificationKey]:
    """Return the claims of a token and the key that signed it.

    Args:
        token: in JWS compact serialization.
        kind: what it has to be.
        algorithms: signature algorithms accepted.
        find_key: gives a published key by its id.

    Raises:
        NotAcceptable: it is anything else.
    """
    registry = jws.JWSRegistry(algorithms=algorithms)
    registry.max_payload_length = kind.max_bytes
    try:
        unverified = jws.extract_compact(token, None, registry)
    except (JoseError, ValueError, TypeError) as error:
        refuse(f"The {kind.noun} is not a signed JWT", type(error).__name__)
    key = _choose_key(unverified.headers(), kind, algorithms, find_key)
    try:
        verified = jws.validate_compact(unverified, key.key, registry=registry)
    except (JoseError, ValueError, TypeError) as error:
        refuse(f"The {kind.noun}'s header is not acceptable", type(error).__name__)
    if not verified:
        refuse(f"The {kind.noun}'s signature is wrong", f"kid {key.key_id}")
    return _claims(unverified.payload, kind), key


def check_issuer(claims: Mapping[str, object], expected: str, kind: Kind) -> None:
    """Demand exactly this issuer, compared as a string (RFC 9068 section 4)."""
    issuer = claims.get("iss")
    if issuer != expected:
        refuse(f"The {kind.noun} was issued by somebody else", f"iss {issuer!r:.120}")


def check_times(
    claims: Mapping[str, object], now_seconds: float, skew_seconds: float, kind: Kind
) -> tuple[float, float]:
    """Return ``iat`` and ``exp`` after checking them and ``nbf``.

    Args:
        claims: with ``iat`` and ``exp``, maybe ``nbf``.
        now_seconds: seconds since the epoch.
        skew_seconds: how far the issuer's clock may be ahead.
        kind: named in refusals.
    """
    expires_at = _seconds(claims, "exp", kind)
    issued_at = _seconds(claims, "iat", kind)
    not_before = _seconds(claims, "nbf", kind) if "nbf" in claims else issued_at
    # RFC 7519 section 4.1.4: not on or after exp.
    if now_seconds >= expires_at:
        refuse(f"The {kind.noun} has expired", f"exp {expires_at:.0f}")
    # RFC 7519 section 4.1.5 and 4.1.6.
    if max(not_before, issued_at) > now_seconds + skew_seconds:
        refuse(f"The {kind.noun} is not valid yet", f"nbf {not_before:.0f}, iat {issued_at:.0f}")
    if max(not_before, issued_at) >= expires_at:
        refuse(f"The {kind.noun}'s times contradict each other")
    return issued_at, expires_at


def refuse(description: str, private_detail: str | None = None) -> NoReturn:
    """Raise NotAcceptable."""
    raise NotAcceptable(description, private_detail) from None


def _choose_key(
    unverified_header: object,
    kind: Kind,
    algorithms: frozenset[str],
    find_key: Callable[[str], VerificationKey | None],
) -> VerificationKey:
    if not isinstance(unverified_header, dict):
        refuse(f"The {kind.noun}'s header is not an object")
    _check_type(unverified_header.get("typ"), kind)
    _check_no_extensions(unverified_header, kind)
    algorithm = unverified_header.get("alg")
    # RFC 8725 section 3.1: only algorithms on our list; "none" and HMAC never are on it.
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        refuse(
            f"The {kind.noun} is signed with an algorithm that is not accepted here", f"alg {algorithm!r:.40}"
        )
    key_id = unverified_header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_IDENTIFIER_CHARACTERS:
        refuse(f"The {kind.noun} does not name its key")
    key = find_key(key_id)
    if key is None:
        refuse(
            f"The {kind.noun} is signed with a key that its issuer does not publish", f"kid {key_id!r:.80}"
        )
    # RFC 8725 section 3.1: a key is used with its own algorithm, whatever the token says.
    if key.algorithm != algorithm:
        refuse(f"The {kind.noun}'s algorithm is not its key's", f"alg {algorithm}, key's {key.algorithm}")
    return key


def _check_type(unverified_type: object, kind: Kind) -> None:
    # Media types compare without case and may leave out "application/" (RFC 7515 section 4.1.9).
    if (
        not isinstance(unverified_type, str)
        or unverified_type.lower().removeprefix("application/") != kind.type
    ):
        refuse(f"This is no {kind.noun} (typ is not {kind.type})", f"typ {unverified_type!r:.40}")


def _check_no_extensions(unverified_header: Mapping[str, object], kind: Kind) -> None:
    # RFC 7515 section 4.1.11: a critical extension that is not understood refuses the token; none is
    # understood here.
    if "crit" in unverified_header or "b64" in unverified_header:
        refuse(f"The {kind.noun} demands an extension that is not supported")
    if not _EMBEDDED_KEYS.isdisjoint(unverified_header):
        refuse(f"The {kind.noun} brings or refers to a key of its own")


def _claims(payload: bytes, kind: Kind) -> dict[str, Any]:
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError:
        refuse(f"The {kind.noun}'s claims are not JSON")
    if not isinstance(claims, dict):
        refuse(f"The {kind.noun}'s claims are not an object")
    return claims


def _seconds(claims: Mapping[str, object], name: str, kind: Kind) -> float:
    value = claims.get(name)
    # bool is an int to Python, not to JSON; a number too large for a float comes out as infinity.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        refuse(f"The {kind.noun}'s {name} is missing or not a time")
    return float(value)
