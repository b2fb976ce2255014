"""grant_type=authorization_code: a code, once, with the verifier of its challenge (RFC 6749 4.1.3, RFC 7636
4.5).

Registered by ``oauth.server``. The code is taken before anything about it is checked: its first
presentation burns it, right verifier or wrong, and a later one ends the session that the first one opened.
"""

from authserver.cipher import digest
from authserver.errors import OAuthError
from authserver.model import AuthorizationCode, Client
from authserver.oauth import pkce
from authserver.oauth.grants.grant import Grant, Opening
from authserver.oauth.requests import TokenRequest, TokenResponse
from authserver.store.protocols import CodeReplay
from telemetry import tracing
from telemetry.audit import audit

_REFUSED = "the code is not valid"


class AuthorizationCodeGrant(Grant):
    """Redeems codes."""

    GRANT_TYPE = "authorization_code"

    def snapshot(self, request: TokenRequest) -> Client | None:
        """Return the document that the code, or the session it opened, was made with."""
        if request.code is None:
            raise OAuthError("invalid_request", "code is required")
        code = self.services.codes.look_at_code(digest(request.code))
        if isinstance(code, CodeReplay):
            session = self.services.sessions.get_session(code.sid)
            found = None if session is None else session.client
        else:
            found = None if code is None else code.request.client
        if found is None or found.client_id != request.credentials.client_id:
            raise OAuthError("invalid_grant", _REFUSED, private_detail="no code of that document client")
        return found

    def exchange(self, request: TokenRequest, client: Client) -> TokenResponse:
        """Take the code, check what it is bound to, open its session, mint.

        Raises:
            OAuthError: invalid_request, invalid_grant, invalid_target.
        """
        if request.code is None:
            raise OAuthError("invalid_request", "code is required")
        code = self._take(request.code, client)
        tracing.continue_from(code.request.trace)
        _check_bindings(code, request, client)
        granted = code.request
        self.check_resource(request, granted.resource)
        self.check_tenant(code.identity)
        # A replay may arrive between take and here; what it ended does not begin (RFC 6749 4.1.2).
        return self.open_session(
            client, Opening(code.sid, code.identity, granted.scopes, granted.resource, granted.client)
        )

    def _take(self, value: str, client: Client) -> AuthorizationCode:
        taken = self.services.codes.take_code(digest(value))
        if taken is None:
            raise OAuthError("invalid_grant", _REFUSED, private_detail="unknown or expired code")
        if isinstance(taken, CodeReplay):
            # RFC 6749 4.1.2: used twice, so what the first use issued is revoked.
            self.services.sessions.end_session(taken.sid, "code_replayed")
            audit("code.replayed", client_id=client.client_id, sid=taken.sid)
            raise OAuthError(
                "invalid_grant", _REFUSED, private_detail=f"code replayed, session {taken.sid} ended"
            )
        return taken


def _check_bindings(code: AuthorizationCode, request: TokenRequest, client: Client) -> None:
    if code.client_id != client.client_id:
        raise OAuthError("invalid_grant", _REFUSED, private_detail="the code is another client's")
    # RFC 6749 4.1.3: identical when sent. OAuth 2.1 clients leave it out, their codes are bound by PKCE.
    if request.redirect_uri is not None and request.redirect_uri != code.request.redirect_uri:
        raise OAuthError("invalid_grant", _REFUSED, private_detail="redirect_uri differs from the request's")
    if request.code_verifier is None:
        raise OAuthError("invalid_request", "code_verifier is required")  # RFC 7636 4.5
    if not pkce.verifier_matches(request.code_verifier, code.request.code_challenge):
        raise OAuthError("invalid_grant", _REFUSED, private_detail="wrong code_verifier")  # RFC 7636 4.6
