"""Whether a string is an access token for this server: every check of RFC 9068 section 4 and RFC 8725,
spelled out.

Called by ``auth`` for a token it has not verified before. What every JWT of the issuer must be stands in
``signed_jwt``. Must not cache, and must not know HTTP beyond the bearer error it raises.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mcpserver.errors import Unauthorized
from mcpserver.jwk_set import VerificationKey
from mcpserver.principal import Principal
from mcpserver.signed_jwt import (
    MAX_IDENTIFIER_CHARACTERS,
    Kind,
    NotAcceptable,
    check_issuer,
    check_times,
    refuse,
    verified_claims,
)

CLOCK_SKEW_SECONDS: Final = 30.0
"""How far ``nbf`` and ``iat`` may lie in the future: two machines' clocks differ a little. ``exp`` has no
such allowance: the issuer set it, a client refreshes when told, and the gateway allows none either."""

_INVALID: Final = "invalid_token"
# RFC 9068 section 4: the only value of typ; an id_token or an Entra token has another one.
_KIND: Final = Kind("access token", "at+jwt", max_bytes=8192)


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
        claims, key = verified_claims(token.encode("ascii"), _KIND, rules.algorithms, find_key)
        return _principal(claims, key, rules, now_seconds), key
    except NotAcceptable as error:
        raise Unauthorized(_INVALID, error.description, private_detail=error.private_detail) from None


def _principal(
    claims: Mapping[str, object], key: VerificationKey, rules: TokenRules, now_seconds: float
) -> Principal:
    check_issuer(claims, rules.issuer, _KIND)
    _check_audience(claims.get("aud"), rules.audience)
    _, expires_at_seconds = check_times(claims, now_seconds, CLOCK_SKEW_SECONDS, _KIND)
    is_person = "tid" in claims or "oid" in claims
    return Principal(
        subject=_identifier(claims, "sub"),
        # A program for itself has neither (RFC 6749 section 4.4); one without the other names nobody.
        tenant_id=_identifier(claims, "tid") if is_person else None,
        object_id=_identifier(claims, "oid") if is_person else None,
        client_id=_identifier(claims, "client_id"),
        scopes=_scopes(claims.get("scope", "")),
        expires_at_seconds=expires_at_seconds,
        session_id=_identifier(claims, "sid"),
        roles=_roles(claims.get("roles", [])),
        token_id=_identifier(claims, "jti"),
        key_id=key.key_id,
    )


def _check_audience(audience: object, expected: str) -> None:
    """Demand this resource and no other.

    RFC 9068 section 4 asks that this resource be among the audiences. A list of one is the same as the
    string; a token for several resources is refused, because each of the others could replay it here (RFC
    8707 section 2, MCP "Token Audience Binding"): our authorization server makes none.
    """
    if audience not in (expected, [expected]):
        refuse("The access token is for another resource", f"aud {audience!r:.120}")


def _identifier(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= MAX_IDENTIFIER_CHARACTERS
        or not value.isprintable()
    ):
        refuse(f"The access token's {name} is missing or malformed")
    return value


def _scopes(scope: object) -> frozenset[str]:
    # RFC 9068 section 2.2.3: a space-separated string; a token without scope may do nothing.
    if not isinstance(scope, str):
        refuse("The access token's scope is not a string")
    return frozenset(scope.split())


def _roles(roles: object) -> tuple[str, ...]:
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        refuse("The access token's roles are not a list of strings")
    return tuple(roles)
