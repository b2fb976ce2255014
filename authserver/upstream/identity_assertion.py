"""Identity assertion grants (ID-JAG): what a company's identity provider vouches for, verified.

Called by ``grants.identity_assertion_exchange`` (draft-ietf-oauth-identity-assertion-authz-grant 4.4.1, MCP
enterprise-managed authorization 7.4 to 7.6). Issuers are configured; one that is not is never asked for its
keys. Must not decide which client or resource is right: it says what the assertion names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests

from authserver.model import Clock, IdentityAssertionIssuer
from authserver.upstream import assertions
from authserver.upstream.assertions import require
from authserver.upstream.errors import AssertionUnproven
from authserver.upstream.http import get_json
from authserver.upstream.published_keys import PublishedKeys

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
TYP: Final = "oauth-id-jag+jwt"
# They are meant for the next request; whoever makes one that lasts longer made something else.
MAX_LIFETIME_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class IdentityAssertion:
    """What an identity provider vouches for.

    Attributes:
        issuer: who, as it is configured.
        subject: its name for the person, unique there.
        client_id: the client, as it is registered here.
        resources: the MCP server it is for, by any of its names; empty: whichever the request names.
        scopes: what it grants; None: it leaves that to this server.
        jti: its name, good once.
    """

    issuer: IdentityAssertionIssuer
    subject: str
    client_id: str
    resources: tuple[str, ...]
    scopes: tuple[str, ...] | None
    jti: str
    expires_at_seconds: float


class IdentityAssertions:
    """Verifies assertions of the configured issuers.

    Args:
        issuers: each with its keys' URL.
        audience: our issuer, the only audience.
        connect: returns the HTTP session for a URL.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        issuers: Sequence[IdentityAssertionIssuer],
        audience: str,
        connect: Callable[[str], requests.Session],
        clock: Clock,
    ) -> None:
        self._audience = audience
        self._clock = clock
        self._issuers = {each.issuer: each for each in issuers}
        self._keys = {each.issuer: _keys(each, connect(each.jwks_uri)) for each in issuers}

    @property
    def are_accepted(self) -> bool:
        """Whether any issuer is configured."""
        return bool(self._issuers)

    def verify(self, assertion: str) -> IdentityAssertion:
        """Return what is vouched for.

        Raises:
            AssertionUnproven: any check fails.
            UpstreamUnavailable: the issuer's keys are needed and cannot be fetched.
        """
        require(assertions.unverified_header(assertion).get("typ") == TYP, "typ")
        # Chooses the keys; the same claim is compared again once they have verified it.
        unverified_issuer = assertions.unverified_claims(assertion).get("iss")
        issuer = self._issuers.get(unverified_issuer) if isinstance(unverified_issuer, str) else None
        if issuer is None:
            raise AssertionUnproven("iss")
        claims = assertions.verified_claims(assertion, self._keys[issuer.issuer], ALGORITHMS)
        require(claims.get("iss") == issuer.issuer, "iss")
        # A list of one is the same as the string; more audiences could each replay it at the others.
        require(claims.get("aud") in (self._audience, [self._audience]), "aud")
        expires_at_seconds = assertions.check_times(claims, self._clock(), needs_nbf=False)
        require(expires_at_seconds - float(claims["iat"]) <= MAX_LIFETIME_SECONDS, "exp too long after iat")
        # What is not understood here would be ignored, and each would change what is granted to whom: a key
        # that nobody asks the client to prove (draft 8.6.1), details that narrow it (4.4.1), a tenant within
        # which alone the subject is unique (3.1).
        for claim in ("cnf", "authorization_details", "tenant"):
            require(claim not in claims, claim)
        return IdentityAssertion(
            issuer=issuer,
            subject=assertions.name(claims, "sub"),
            client_id=assertions.name(claims, "client_id"),
            resources=_resources(claims),
            scopes=assertions.words(claims, "scope"),
            jti=assertions.name(claims, "jti"),
            expires_at_seconds=expires_at_seconds,
        )


def _keys(issuer: IdentityAssertionIssuer, session: requests.Session) -> PublishedKeys:
    return PublishedKeys(lambda: get_json(session, issuer.jwks_uri), ALGORITHMS)


def _resources(claims: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(claims.get("resource"), list):
        return assertions.names(claims, "resource")
    return (assertions.name(claims, "resource"),) if "resource" in claims else ()
