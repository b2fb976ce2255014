"""Whether a string is an access token for this server: every check of RFC 9068 section 4 and RFC 8725,
spelled out.

Called by ``auth`` for a token it has not verified before. Must not cache, must not know HTTP beyond the
bearer error it raises, and must not use anything of a token before its signature was checked, except the
header members that choose the key; those are named ``unverified``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from mcpserver.errors import Unauthorized
from mcpserver.jwk_set import VerificationKey
from mcpserver.principal import Principal

CLOCK_SKEW_SECONDS: Final = 30.0
"""How far ``nbf`` and ``iat`` may lie in the future: two machines' clocks differ a little. ``exp`` has no
such allowance: the issuer set it, a client refreshes when told, and the gateway allows none either."""

_INVALID: Final = "invalid_token"
# RFC 9068 section 4: the only values of typ; media types compare without case (RFC 7515 section 4.1.9).
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
# Keys in or behind the token itself: a forger would bring their own (RFC 8725 section 3.10).
_EMBEDDED_KEYS: Final = frozenset({"jwk", "jku", "x5u", "x5c"})
_MAX_IDENTIFIER_CHARACTERS: Final = 512


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token for this server looks like, from the settings."""

    issuer: str
    audience: str
    algorithms: frozenset[str]


def verify(
    token: str, rules: TokenRules, find_key: Callable[[str], VerificationKey | None], now_seconds: float
) -> tuple[Principal, VerificationKey]:
    """Return who the token speaks for and the key that signed it.

    Args:
        token: what stood behind ``Bearer``.
        rules: issuer, audience and algorithms accepted.
        find_key: gives a published key by its id.
        now_seconds: seconds since the epoch.

    Raises:
        Unauthorized: with ``invalid_token`` for whatever is wrong; the description says what.
    """
    try:
        unverified = jws.extract_compact(token.encode("ascii"))
    except (JoseError, ValueError, TypeError) as error:
        _refuse("The access token is not a signed JWT", type(error).__name__)
    key = _choose_key(unverified.headers(), rules, find_key)
    try:
        verified = jws.validate_compact(unverified, key.key, [key.algorithm])
    except (JoseError, ValueError, TypeError) as error:
        _refuse("The access token's header is not acceptable", type(error).__name__)
    if not verified:
        _refuse("The access token's signature is wrong", f"kid {key.key_id}")
    return _principal(_claims(unverified.payload), rules, now_seconds), key


def _choose_key(
    unverified_header: object, rules: TokenRules, find_key: Callable[[str], VerificationKey | None]
) -> VerificationKey:
    if not isinstance(unverified_header, dict):
        _refuse("The access token's header is not an object")
    _check_type(unverified_header.get("typ"))
    _check_no_extensions(unverified_header)
    algorithm = unverified_header.get("alg")
    # RFC 8725 section 3.1: only algorithms on our list; "none" and HMAC never are on it.
    if not isinstance(algorithm, str) or algorithm not in rules.algorithms:
        _refuse(
            "The access token is signed with an algorithm that is not accepted here", f"alg {algorithm!r:.40}"
        )
    key_id = unverified_header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _MAX_IDENTIFIER_CHARACTERS:
        _refuse("The access token does not name its key")
    key = find_key(key_id)
    if key is None:
        _refuse(
            "The access token is signed with a key that its issuer does not publish", f"kid {key_id!r:.80}"
        )
    # RFC 8725 section 3.1: a key is used with its own algorithm, whatever the token says.
    if key.algorithm != algorithm:
        _refuse("The access token's algorithm is not its key's", f"alg {algorithm}, key's {key.algorithm}")
    return key


def _check_type(unverified_type: object) -> None:
    # RFC 9068 section 4, RFC 8725 section 3.11: an id_token or an Entra token has another typ and stops here.
    if not isinstance(unverified_type, str) or unverified_type.lower() not in _TYPES:
        _refuse("The token is not an access token (typ is not at+jwt)", f"typ {unverified_type!r:.40}")


def _check_no_extensions(unverified_header: Mapping[str, object]) -> None:
    # RFC 7515 section 4.1.11: a critical extension that is not understood refuses the token; none is
    # understood here.
    if "crit" in unverified_header or "b64" in unverified_header:
        _refuse("The access token demands an extension that is not supported")
    if not _EMBEDDED_KEYS.isdisjoint(unverified_header):
        _refuse("The access token brings or refers to a key of its own")


def _claims(payload: bytes) -> dict[str, object]:
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError:
        _refuse("The access token's claims are not JSON")
    if not isinstance(claims, dict):
        _refuse("The access token's claims are not an object")
    return claims


def _principal(claims: Mapping[str, object], rules: TokenRules, now_seconds: float) -> Principal:
    _check_issuer(claims.get("iss"), rules.issuer)
    _check_audience(claims.get("aud"), rules.audience)
    expires_at_seconds = _check_times(claims, now_seconds)
    return Principal(
        subject=_identifier(claims, "sub"),
        tenant_id=_identifier(claims, "tid"),
        object_id=_identifier(claims, "oid"),
        client_id=_identifier(claims, "client_id"),
        scopes=_scopes(claims.get("scope", "")),
        expires_at_seconds=expires_at_seconds,
        session_id=_identifier(claims, "sid"),
        roles=_roles(claims.get("roles", [])),
        token_id=_identifier(claims, "jti"),
    )


def _check_issuer(issuer: object, expected: str) -> None:
    # RFC 9068 section 4: exactly the issuer, compared as a string.
    if issuer != expected:
        _refuse("The access token was issued by somebody else", f"iss {issuer!r:.120}")


def _check_audience(audience: object, expected: str) -> None:
    """Demand this resource and no other.

    RFC 9068 section 4 asks that this resource be among the audiences. A list of one is the same as the
    string; a token for several resources is refused, because each of the others could replay it here (RFC
    8707 section 2, MCP "Token Audience Binding"): our authorization server makes none.
    """
    if audience not in (expected, [expected]):
        _refuse("The access token is for another resource", f"aud {audience!r:.120}")


def _check_times(claims: Mapping[str, object], now_seconds: float) -> float:
    expires_at = _seconds(claims, "exp")
    issued_at = _seconds(claims, "iat")
    not_before = _seconds(claims, "nbf") if "nbf" in claims else issued_at
    # RFC 7519 section 4.1.4: not on or after exp.
    if now_seconds >= expires_at:
        _refuse("The access token has expired", f"exp {expires_at:.0f}")
    # RFC 7519 section 4.1.5 and 4.1.6.
    if max(not_before, issued_at) > now_seconds + CLOCK_SKEW_SECONDS:
        _refuse("The access token is not valid yet", f"nbf {not_before:.0f}, iat {issued_at:.0f}")
    if max(not_before, issued_at) >= expires_at:
        _refuse("The access token's times contradict each other")
    return expires_at


def _seconds(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    # bool is an int to Python, not to JSON; a number too large for a float comes out as infinity.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        _refuse(f"The access token's {name} is missing or not a time")
    return float(value)


def _identifier(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= _MAX_IDENTIFIER_CHARACTERS
        or not value.isprintable()
    ):
        _refuse(f"The access token's {name} is missing or malformed")
    return value


def _scopes(scope: object) -> frozenset[str]:
    # RFC 9068 section 2.2.3: a space-separated string; a token without scope may do nothing.
    if not isinstance(scope, str):
        _refuse("The access token's scope is not a string")
    return frozenset(scope.split())


def _roles(roles: object) -> tuple[str, ...]:
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        _refuse("The access token's roles are not a list of strings")
    return tuple(roles)


def _refuse(description: str, private_detail: str | None = None) -> NoReturn:
    raise Unauthorized(_INVALID, description, private_detail=private_detail) from None
