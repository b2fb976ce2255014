"""Token revocation (RFC 7009): a refresh token or an access token of this server ends the session it
belongs to.

Called by ``web.revoke``. Access tokens of machines belong to a session that is stored nowhere: its end alone
is, which puts it on the list of what was revoked. Unknown, foreign and expired tokens change nothing and are
answered like a success (RFC 7009 2.2). Must not end another client's session.
"""

from dataclasses import dataclass

from authserver.errors import OAuthError
from authserver.model import Client, Clock, Session
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.own_tokens import OwnAccessTokens
from authserver.oauth.requests import PresentedToken
from authserver.store.protocols import SessionStore
from authserver.tokens import RefreshTokens
from telemetry.audit import audit


@dataclass(frozen=True, slots=True)
class _Revocable:
    """What a token of ours stands for: its session's id, and whose it is."""

    sid: str
    client_id: str
    client: Client | None


class Revoker:
    """Args: clients, sessions, refresh_tokens, access_tokens: what tokens are recognised with; clock: seconds
    since 1970.
    """

    def __init__(
        self,
        clients: ClientDirectory,
        sessions: SessionStore,
        refresh_tokens: RefreshTokens,
        access_tokens: OwnAccessTokens,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._sessions = sessions
        self._refresh_tokens = refresh_tokens
        self._access_tokens = access_tokens
        self._clock = clock

    def revoke(self, request: PresentedToken) -> None:
        """End the token's session, if it is this client's.

        Raises:
            OAuthError: invalid_client (RFC 7009 2.1: credentials are validated first).
        """
        found = self._recognise(request.token)
        if found is None and self._clients.is_document(request.credentials.client_id):
            return  # nothing is kept by which to authenticate it, and nothing to be revoked either
        client = self._clients.authenticate(request.credentials, None if found is None else found.client)
        if found is None:
            return
        if found.client_id != client.client_id:
            raise OAuthError(
                "invalid_grant",
                "the token was not issued to this client",  # RFC 7009 2.1
                private_detail=f"client {client.client_id} wanted to revoke session {found.sid}",
            )
        if self._sessions.end_session(found.sid, "revoked"):
            audit("session.revoked", client_id=client.client_id, sid=found.sid)

    def _recognise(self, token: str) -> _Revocable | None:
        refresh = self._refresh_tokens.parse(token)
        if refresh is not None:
            return _of(self._sessions.get_session(refresh.sid))
        claims = self._access_tokens.claims(token)
        if claims is None:
            return None
        # An expired token may still end its session.
        found = _of(self._sessions.get_session(claims["sid"]))
        if found is None and claims["exp"] > self._clock():
            return _Revocable(claims["sid"], claims["client_id"], None)
        return found


def _of(session: Session | None) -> _Revocable | None:
    return None if session is None else _Revocable(session.sid, session.client_id, session.client)
