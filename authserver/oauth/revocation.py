"""Token revocation (RFC 7009): a refresh token or an access token of this server ends the session it
belongs to.

Called by ``web.revoke``. Unknown, foreign and expired tokens change nothing and are answered like a success
(RFC 7009 2.2). Must not end another client's session.
"""

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from authserver.errors import OAuthError
from authserver.keys import KeyRing
from authserver.oauth.clients import ClientDirectory
from authserver.oauth.requests import RevocationRequest
from authserver.store.protocols import SessionStore
from authserver.tokens import RefreshTokens
from telemetry.audit import audit


class Revoker:
    """Args: clients, sessions, refresh_tokens, keyring: what tokens are recognised with; issuer: of our own
    tokens.
    """

    def __init__(
        self,
        clients: ClientDirectory,
        sessions: SessionStore,
        refresh_tokens: RefreshTokens,
        keyring: KeyRing,
        issuer: str,
    ) -> None:
        self._clients = clients
        self._sessions = sessions
        self._refresh_tokens = refresh_tokens
        self._keyring = keyring
        self._issuer = issuer

    def revoke(self, request: RevocationRequest) -> None:
        """End the token's session, if there is one and it is this client's.

        Raises:
            OAuthError: invalid_client (RFC 7009 2.1: credentials are validated first).
        """
        sid = self._sid(request.token)
        session = None if sid is None else self._sessions.get_session(sid)
        if session is None and self._clients.is_document(request.credentials.client_id):
            return  # nothing is kept by which to authenticate it, and nothing to be revoked either
        client = self._clients.authenticate(request.credentials, None if session is None else session.client)
        if sid is None or session is None:
            return
        if session.client_id != client.client_id:
            raise OAuthError(
                "invalid_grant",
                "the token was not issued to this client",  # RFC 7009 2.1
                private_detail=f"client {client.client_id} wanted to revoke session {sid}",
            )
        if self._sessions.end_session(sid, "revoked"):
            audit("session.revoked", client_id=client.client_id, sid=sid)

    def _sid(self, token: str) -> str | None:
        refresh = self._refresh_tokens.parse(token)
        return refresh.sid if refresh is not None else self._sid_of_access_token(token)

    def _sid_of_access_token(self, token: str) -> str | None:
        if token.count(".") != 2:
            return None
        try:
            keys = KeySet.import_key_set(self._keyring.jwks())  # type: ignore[arg-type]
            verified = jwt.decode(token, keys, algorithms=["RS256", "ES256"])
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        claims: dict[str, Any] = verified.claims
        sid = claims.get("sid")
        # Only what this server issued as an access token; an expired one may still be revoked.
        if verified.header.get("typ") != "at+jwt" or claims.get("iss") != self._issuer:
            return None
        return sid if isinstance(sid, str) else None
