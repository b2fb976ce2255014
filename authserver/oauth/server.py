"""authlib's side of the token endpoint: one AuthorizationServer per application, with the grants that are
built.

Made in ``app``, called by ``web.token``. authlib finds the grant and walks its template (validate, then
respond); parsing stays at the edge and consuming stays in the store, because authlib's own grants read the
form as they go and delete a code after its tokens are saved. Must not be shared between applications.
"""

from typing import Any, Never

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload  # type: ignore[import-untyped]

from authserver.errors import OAuthError
from authserver.oauth.grants.client_credentials import ClientCredentialsGrant
from authserver.oauth.grants.code import AuthorizationCodeGrant
from authserver.oauth.grants.device import DeviceCodeGrant
from authserver.oauth.grants.grant import Services
from authserver.oauth.grants.jwt_bearer import JwtBearerGrant
from authserver.oauth.grants.refresh import RefreshTokenGrant
from authserver.oauth.requests import TokenRequest, TokenResponse


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Args: services: what the grants work with."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.register_grant(AuthorizationCodeGrant)
        self.register_grant(RefreshTokenGrant)
        self.register_grant(DeviceCodeGrant)
        self.register_grant(ClientCredentialsGrant)
        if services.assertions.are_accepted:
            self.register_grant(JwtBearerGrant)

    def exchange(self, request: TokenRequest) -> TokenResponse:
        """Answer a token request.

        Raises:
            OAuthError: refused.
            UnavailableError: the store does not answer.
        """
        response: TokenResponse = self.create_token_response(request)
        return response

    def create_oauth2_request(self, request: TokenRequest) -> OAuth2Request:
        """Wrap the parsed request for authlib; nothing is read from the HTTP request again."""
        return _Exchange(request)

    def handle_response(self, _status: int, body: TokenResponse, _headers: list[Any]) -> TokenResponse:
        """Hand the answer on; ``web`` makes HTTP of it."""
        return body

    def handle_error_response(self, _request: OAuth2Request, error: OAuth2Error) -> Never:
        """Raise authlib's own refusal (an unknown grant_type) as ours; its description repeats input, so it
        stays here.
        """
        raise OAuthError(str(error.error), "this server does not support that grant_type")

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""


class _Exchange(OAuth2Request):  # type: ignore[misc]
    def __init__(self, parsed: TokenRequest) -> None:
        # Not authlib's constructor: it refuses the plain http that a request has behind TLS termination.
        self.parsed = parsed
        self.method = "POST"
        self.payload = BasicOAuth2Payload({"grant_type": parsed.grant_type})
