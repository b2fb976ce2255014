"""Entra's access tokens for our API application, verified: what callers in any tenant bring (RFC 7523 3).

Called by ``oauth.grants.jwt_bearer``. Every check is spelled out here, because Entra gives id_tokens, access
tokens for other applications and app-only tokens all the same ``typ``. Says who called and with what; must
not decide whether that tenant, client or role is on anybody's list.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import requests

from authserver.errors import UpstreamUnavailable
from authserver.model import Clock, Identity
from authserver.upstream import assertions
from authserver.upstream.assertions import require
from authserver.upstream.errors import AssertionUnproven
from authserver.upstream.http import get_json
from authserver.upstream.published_keys import PublishedKeys

ALGORITHMS: Final = ("RS256",)
TYP: Final = "JWT"
_TENANT_PLACEHOLDER: Final = "{tenantid}"
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Any tenant's tokens: which of them counts is the tenant list's business.
_DISCOVERY_PATH: Final = "/organizations/v2.0/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """Who called, as Entra says.

    Attributes:
        identity: the person (delegated), or the calling program's service principal (app-only).
        is_app: no person took part; ``identity.roles`` are application permissions.
        azp: the calling application's id.
        uti: Entra's name of this token, for its sign-in log; empty when it has none.
        expires_at_seconds: of the token.
    """

    identity: Identity
    is_app: bool
    azp: str
    uti: str
    expires_at_seconds: float


class ApiTokens(Protocol):
    """Who verifies access tokens for the API application; ``EntraApiTokens`` for Entra ID."""

    def verify(self, token: str) -> ApiCaller:
        """Return the caller.

        Raises:
            AssertionUnproven: any check fails.
            UpstreamUnavailable: Entra's keys are needed and cannot be fetched.
        """


@dataclass(frozen=True, slots=True)
class ApiApplication:
    """The API application at Entra: its id is the audience of its v2.0 tokens.

    Attributes:
        client_id: a GUID.
        scope: what a delegated token must hold in ``scp``.
        authority: Entra's base URL, https.
    """

    client_id: str
    scope: str
    authority: str


class EntraApiTokens:
    """Args: application; session: HTTP to its authority; clock: seconds since 1970."""

    def __init__(self, application: ApiApplication, session: requests.Session, clock: Clock) -> None:
        self._application = application
        self._session = session
        self._clock = clock
        self._keys = PublishedKeys(self._fetch, ALGORITHMS)
        self._issuer_template = ""

    def verify(self, token: str) -> ApiCaller:
        """Return the caller.

        Raises:
            AssertionUnproven: any check fails.
            UpstreamUnavailable: Entra's keys are needed and cannot be fetched.
        """
        header = assertions.unverified_header(token)
        # Not at+jwt, not an ID-JAG: each kind has a verifier of its own.
        require(header.get("typ") == TYP, "typ")
        claims = assertions.verified_claims(token, self._keys, ALGORITHMS)
        tid = _guid(claims, "tid")
        issuer = self._issuer_template.replace(_TENANT_PLACEHOLDER, tid)
        require(claims.get("iss") == issuer, "iss")
        self._check_key(str(header["kid"]), tid, issuer)
        require(claims.get("aud") == self._application.client_id, "aud")
        require(claims.get("ver") == "2.0", "ver")
        # An id_token of the same application: nothing that may be spent by whoever holds it.
        require("nonce" not in claims, "nonce")
        expires_at_seconds = assertions.check_times(claims, self._clock(), needs_nbf=True)
        is_app = self._is_app(claims)
        return ApiCaller(
            identity=_identity(claims, tid, int(self._clock())),
            is_app=is_app,
            azp=_guid(claims, "azp"),
            uti=assertions.name(claims, "uti") if "uti" in claims else "",
            expires_at_seconds=expires_at_seconds,
        )

    def _is_app(self, claims: Mapping[str, Any]) -> bool:
        scopes = assertions.words(claims, "scp")
        if scopes is not None:
            require(claims.get("idtyp", "user") == "user", "idtyp beside scp")
            require(self._application.scope in scopes, "scp")
            return False
        # Without this optional claim nothing tells an app-only token from a person's (see the docs).
        require(claims.get("idtyp") == "app", "neither scp nor idtyp app")
        return True

    def _check_key(self, kid: str, tid: str, issuer: str) -> None:
        # Entra says of each key whose tokens it signs: those of any tenant, or of one.
        stated = self._keys.member(kid, "issuer")
        if stated is not None:
            require(
                isinstance(stated, str) and stated.replace(_TENANT_PLACEHOLDER, tid) == issuer,
                "a key of another issuer",
            )

    def _fetch(self) -> Mapping[str, Any]:
        document = get_json(self._session, self._application.authority + _DISCOVERY_PATH)
        issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
        if not isinstance(issuer, str) or not isinstance(jwks_uri, str) or _TENANT_PLACEHOLDER not in issuer:
            raise UpstreamUnavailable("Entra discovery: incomplete")
        keys = get_json(self._session, jwks_uri)
        self._issuer_template = issuer
        return keys


def _identity(claims: Mapping[str, Any], tid: str, now_seconds: int) -> Identity:
    return Identity(
        tid=tid.lower(),
        oid=_guid(claims, "oid").lower(),
        username=_text(claims, "preferred_username"),
        name=_text(claims, "name"),
        auth_time_seconds=now_seconds,
        roles=assertions.names(claims, "roles"),
        groups=assertions.names(claims, "groups"),
        has_group_overage=_has_group_overage(claims),
    )


def _has_group_overage(claims: Mapping[str, Any]) -> bool:
    # More groups than fit are named in another place, or said to be many (hasgroups, implicit flows).
    elsewhere = claims.get("_claim_names")
    return "hasgroups" in claims or (isinstance(elsewhere, dict) and "groups" in elsewhere)


def _guid(claims: Mapping[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        raise AssertionUnproven(claim)
    return value


def _text(claims: Mapping[str, Any], claim: str) -> str:
    value = claims.get(claim)
    return value if isinstance(value, str) else ""
