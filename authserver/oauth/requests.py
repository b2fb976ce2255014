"""Requests to the endpoints that clients call themselves, parsed once: token (RFC 6749 3.2),
revocation (RFC 7009), introspection (RFC 7662).

Made in ``authserver.web`` from what came over HTTP; read by the grants, ``oauth.revocation`` and
``oauth.introspection``. Nothing below looks at a header or a form again. Representations leave secrets out,
because exceptions and logs show them.
"""

from dataclasses import dataclass, field
from typing import Final

from authserver.errors import OAuthError
from authserver.oauth.clients.directory import Credentials, parse_credentials
from authserver.oauth.parameters import Parameters

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_PARAMETERS: Final = ("client_id", "client_secret", "client_assertion", "client_assertion_type")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the token endpoint; absent and empty parameters are None (RFC 6749 3.2). A client_id of no
    characters: nobody said who they are, which is for assertions alone.
    """

    grant_type: str
    credentials: Credentials
    resources: tuple[str, ...]
    scope: str | None
    redirect_uri: str | None
    code: str | None = field(repr=False)
    code_verifier: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    assertion: str | None = field(default=None, repr=False)
    device_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A request about a token, to revoke it (RFC 7009 2.1) or to look at it (RFC 7662 2.1); the hint is not
    needed, tokens say what they are.
    """

    credentials: Credentials
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What the token endpoint answers (RFC 6749 5.1); ``scope`` is always said."""

    access_token: str = field(repr=False)
    expires_in_seconds: int
    scopes: tuple[str, ...]
    refresh_token: str | None = field(default=None, repr=False)

    def body(self) -> dict[str, object]:
        """Return the members of the JSON answer."""
        body: dict[str, object] = {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in_seconds,
            "scope": " ".join(self.scopes),
        }
        if self.refresh_token is not None:
            body["refresh_token"] = self.refresh_token
        return body


def parse_token_request(authorization: str | None, form: Parameters) -> TokenRequest:
    """Return the token request.

    Raises:
        OAuthError: invalid_request or invalid_client.
    """
    refuse_doubled(form)
    grant_type = form.one("grant_type")
    if grant_type is None:
        raise OAuthError("invalid_request", "grant_type is required")
    return TokenRequest(
        grant_type=grant_type,
        credentials=_token_credentials(authorization, form, grant_type),
        resources=form.all("resource"),
        scope=form.one("scope"),
        redirect_uri=form.one("redirect_uri"),
        code=form.one("code"),
        code_verifier=form.one("code_verifier"),
        refresh_token=form.one("refresh_token"),
        assertion=form.one("assertion"),
        device_code=form.one("device_code"),
    )


def _token_credentials(authorization: str | None, form: Parameters, grant_type: str) -> Credentials:
    # RFC 7523 2.1: client authentication is optional with an assertion, which names its client.
    nobody = authorization is None and not any(map(form.one, _CLIENT_PARAMETERS))
    if grant_type == JWT_BEARER and nobody:
        return Credentials("", "none")
    return parse_credentials(authorization, form)


def parse_presented_token(authorization: str | None, form: Parameters) -> PresentedToken:
    """Return the request about a token.

    Raises:
        OAuthError: invalid_request or invalid_client.
    """
    refuse_doubled(form)
    credentials = parse_credentials(authorization, form)
    token = form.one("token")
    if token is None:
        raise OAuthError("invalid_request", "token is required")
    return PresentedToken(credentials, token)


def refuse_doubled(form: Parameters) -> None:
    """Refuse parameters sent twice (RFC 6749 3.2); RFC 8707 2 excepts resource."""
    if form.doubled and form.doubled.keys() != {"resource"}:
        raise OAuthError("invalid_request", "a parameter was sent more than once")
