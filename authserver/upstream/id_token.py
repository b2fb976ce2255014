"""Entra's id_token, verified: signature, algorithm, audience, times, issuer, nonce, kind. MSAL checks the
nonce alone.

Called by ``upstream.entra`` when a person comes back. Every check is spelled out here; what fails one proves
nobody's identity (LoginUnproven). Must not decide who may sign in: that is ``upstream.tenants``.
"""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError

from authserver.model import Clock, Identity
from authserver.upstream.errors import LoginUnproven
from authserver.upstream.published_keys import PublishedKeys

ALGORITHMS: Final = ("RS256",)
LEEWAY_SECONDS: Final = 60
# An id_token is made while the person comes back; one that is older was kept by somebody.
MAX_AGE_SECONDS: Final = 600
_TENANT_PLACEHOLDER: Final = "{tenantid}"
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class EntraKeys(PublishedKeys):
    """Entra's public keys.

    Args:
        fetch: returns the JWKS document; raises UpstreamUnavailable.
        monotonic: seconds that only grow.
    """

    def __init__(
        self, fetch: Callable[[], Mapping[str, Any]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(fetch, ALGORITHMS, monotonic)


@dataclass(frozen=True, slots=True)
class Expected:
    """What an id_token must say.

    Attributes:
        client_id: the login application's; the only audience.
        issuer_template: of the discovery document; may hold ``{tenantid}``.
        nonce: as it was sent to the authorization endpoint; None: the token answers a refresh token, where
            there is none (OpenID Connect Core 12.2).
        auth_not_before_seconds: when the person must have signed in at the earliest (``max_age``); None: it
            does not matter.
    """

    client_id: str
    issuer_template: str
    nonce: str | None
    auth_not_before_seconds: int | None = None


def verify_id_token(id_token: str, keys: EntraKeys, expected: Expected, clock: Clock) -> Identity:
    """Return who the token says has signed in.

    Raises:
        LoginUnproven: any check fails.
        UpstreamUnavailable: the keys cannot be fetched.
    """
    claims = _signed_claims(id_token, keys)
    _check_times(claims, clock())
    tid, oid = claims.get("tid"), claims.get("oid")
    if (
        not isinstance(tid, str)
        or not _GUID.fullmatch(tid)
        or not isinstance(oid, str)
        or not _GUID.fullmatch(oid)
    ):
        raise LoginUnproven("id_token without tid or oid")
    _require(claims.get("aud") == expected.client_id, "aud")
    _require(claims.get("iss") == expected.issuer_template.replace(_TENANT_PLACEHOLDER, tid), "iss")
    _require(claims.get("ver") == "2.0", "ver")
    if expected.nonce is not None:
        nonce = str(claims.get("nonce"))
        _require(hmac.compare_digest(nonce.encode(), expected.nonce.encode()), "nonce")
    return Identity(
        tid=tid.lower(),
        oid=oid.lower(),
        username=_text(claims, "preferred_username"),
        name=_text(claims, "name"),
        auth_time_seconds=_auth_time(claims, expected.auth_not_before_seconds, int(clock())),
        roles=_names(claims, "roles"),
        groups=_names(claims, "groups"),
        has_group_overage=_has_group_overage(claims),
    )


def _signed_claims(id_token: str, keys: EntraKeys) -> Mapping[str, Any]:
    try:
        unverified_header = jws.extract_compact(id_token.encode()).headers()
        unverified_kid = unverified_header.get("kid")
        if unverified_header.get("alg") not in ALGORITHMS or not isinstance(unverified_kid, str):
            raise LoginUnproven("id_token: alg or kid")
        # Keys come from Entra's JWKS alone: jwk, jku and x5u in the header are never looked at.
        return jwt.decode(id_token, keys.for_kid(unverified_kid), algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise LoginUnproven(f"id_token: {type(error).__name__}") from None


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    exp, nbf, iat = claims.get("exp"), claims.get("nbf"), claims.get("iat")
    for value in (exp, nbf, iat):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LoginUnproven("id_token: exp, nbf or iat")
    _require(now < exp + LEEWAY_SECONDS, "exp")  # type: ignore[operator]
    _require(nbf <= now + LEEWAY_SECONDS, "nbf")  # type: ignore[operator]
    _require(now - MAX_AGE_SECONDS <= iat <= now + LEEWAY_SECONDS, "iat")  # type: ignore[operator]


def _auth_time(claims: Mapping[str, Any], not_before_seconds: int | None, now_seconds: int) -> int:
    auth_time = claims.get("auth_time")
    if isinstance(auth_time, bool) or not isinstance(auth_time, int):
        # OpenID Connect Core 2: there must be one when max_age was asked for.
        _require(not_before_seconds is None, "auth_time")
        return now_seconds
    _require(auth_time <= now_seconds + LEEWAY_SECONDS, "auth_time")
    _require(not_before_seconds is None or auth_time >= not_before_seconds - LEEWAY_SECONDS, "auth_time")
    return min(auth_time, now_seconds)


def _names(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    names = claims.get(claim, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise LoginUnproven(f"id_token: {claim}")
    return tuple(names)


def _has_group_overage(claims: Mapping[str, Any]) -> bool:
    # More groups than fit: the claim is elsewhere (OpenID Connect Core 5.6.2), and there are groups.
    elsewhere = claims.get("_claim_names")
    return (isinstance(elsewhere, dict) and "groups" in elsewhere) or claims.get("hasgroups") is True


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise LoginUnproven(f"id_token: {what}")
