"""grant_type=jwt-bearer: an assertion instead of a sign-in (RFC 7523 2.1); its ``typ`` says which kind.

Registered by ``oauth.server``. A JWT of typ ``oauth-id-jag+jwt`` goes to ``identity_assertion_exchange``,
any other to ``api_token_exchange``; each refuses what belongs to the other. Whatever is wrong with an
assertion is answered with the same words. Must not read a claim that was not verified.
"""

from typing import Any, Final, Protocol

from authserver.errors import OAuthError
from authserver.oauth.grants.api_token_exchange import ApiTokenExchange
from authserver.oauth.grants.identity_assertion_exchange import IdentityAssertionExchange
from authserver.oauth.grants.machine import Issue, MachineGrant
from authserver.oauth.requests import JWT_BEARER, TokenRequest, TokenResponse
from authserver.upstream.assertions import unverified_header
from authserver.upstream.errors import AssertionUnproven
from authserver.upstream.identity_assertion import TYP

_REFUSED: Final = "the assertion is not valid"


class _Exchange(Protocol):
    def evaluate(self, request: TokenRequest, assertion: str) -> Issue: ...


class JwtBearerGrant(MachineGrant):
    """Exchanges assertions."""

    GRANT_TYPE = JWT_BEARER

    def validate_token_request(self) -> None:
        """Nothing yet: whether a client must authenticate depends on the kind of assertion."""

    def create_token_response(self) -> tuple[int, TokenResponse, list[Any]]:
        """Verify and mint.

        Raises:
            OAuthError: invalid_request, invalid_client, unauthorized_client, invalid_grant, invalid_target,
                invalid_scope.
            UnavailableError: the issuer's keys cannot be fetched.
        """
        assertion = self.parsed.assertion
        if assertion is None:
            raise OAuthError("invalid_request", "assertion is required")  # RFC 7523 2.1
        try:
            wish = self._exchange(assertion).evaluate(self.parsed, assertion)
        except AssertionUnproven as error:
            raise OAuthError("invalid_grant", _REFUSED, private_detail=f"assertion: {error}") from None
        return 200, self.issue(wish), []

    def _exchange(self, assertion: str) -> _Exchange:
        # RFC 8725 3.11: explicit typing keeps the kinds apart; each verifier demands its own typ again.
        if unverified_header(assertion).get("typ") == TYP:
            return IdentityAssertionExchange(self.services)
        return ApiTokenExchange(self.services)
