"""grant_type=refresh_token: rotation on every use, a short grace for repetitions, an end for reuse (RFC
6749 6).

Registered by ``oauth.server``; the states of a session are moved by ``store/family.py`` alone. This is the
path that is walked most: one read, one signature, one write.
"""

from typing import Never

from authserver.errors import OAuthError
from authserver.model import Client, Identity, Session
from authserver.oauth.grants.grant import Grant
from authserver.oauth.requests import TokenRequest, TokenResponse
from authserver.oauth.scopes import narrowed
from authserver.oauth.upstream_check import PersonGone
from authserver.store.family import Graced, Reused, Rotated, Rotation
from authserver.tokens import RefreshToken, seal_successor, unseal_successor
from authserver.upstream.tenants import TenantRefused
from telemetry.audit import audit

_REFUSED = "the refresh token is not valid"


class RefreshTokenGrant(Grant):
    """Refreshes sessions."""

    GRANT_TYPE = "refresh_token"

    def snapshot(self, request: TokenRequest) -> Client | None:
        """Return the document that the session was opened with."""
        if request.refresh_token is None:
            raise OAuthError("invalid_request", "refresh_token is required")
        presented = self.services.refresh_tokens.parse(request.refresh_token)
        session = None if presented is None else self.services.sessions.get_session(presented.sid)
        found = None if session is None else session.client
        if found is None or found.client_id != request.credentials.client_id:
            _refuse("no session of that document client")
        return found

    def exchange(self, request: TokenRequest, client: Client) -> TokenResponse:
        """Check what the session is bound to, mint, rotate.

        Raises:
            OAuthError: invalid_request, invalid_grant, invalid_target, invalid_scope; all but a reuse leave
                the token unspent.
        """
        if request.refresh_token is None:
            raise OAuthError("invalid_request", "refresh_token is required")
        presented = self.services.refresh_tokens.parse(request.refresh_token)
        if presented is None:
            _refuse("no refresh token of this server")
        session = self.services.sessions.get_session(presented.sid)
        if session is None or session.client_id != client.client_id or session.state != "active":
            _refuse(f"session {presented.sid}: none of this client that is active")
        self.check_resource(request, session.resource)
        self.check_tenant(session.identity)
        asked = narrowed(request.scope, session.scopes)
        if asked is None:
            raise OAuthError("invalid_scope", "more scopes than were granted")  # RFC 6749 6
        # A spent token is for the rotation to judge: nobody is asked about it.
        is_current = presented.token_hash == session.current_hash
        verified = self._verified(session) if is_current else None
        identity = session.identity if verified is None else verified[0]
        scopes = self._held(session, identity, asked)
        # Signed before the token is spent: when there is no key, the client keeps what it has.
        access = self.mint(identity, client, scopes, session.resource, session.sid)
        # The grace compares what was asked for: what is held may differ between two answers.
        refresh_token, outcome = self._rotate(session, presented, asked, verified)
        audit(
            "token.issued",
            grant=self.GRANT_TYPE,
            outcome=outcome,
            client_id=client.client_id,
            sid=session.sid,
            jti=access.jti,
            tid=identity.tid,
            oid=identity.oid,
        )
        return TokenResponse(access.value, access.expires_in_seconds, scopes, refresh_token)

    def _verified(self, session: Session) -> tuple[Identity, int] | None:
        try:
            return self.services.upstream.verified(session)
        except PersonGone as error:
            self._end(session, error.reason, error.private_detail)

    def _held(self, session: Session, identity: Identity, asked: tuple[str, ...]) -> tuple[str, ...]:
        try:
            held = self.services.tenants.admitted(identity, session.scopes)
        except TenantRefused as error:
            self._end(session, error.reason, str(error))
        if not held:
            self._end(session, "scopes", "none of the granted scopes is held any more")
        scopes = tuple(scope for scope in asked if scope in held)
        if not scopes:
            raise OAuthError("invalid_scope", "none of these scopes is held any more")
        return scopes

    def _end(self, session: Session, reason: str, private_detail: str) -> Never:
        self.services.sessions.end_session(session.sid, reason)
        audit(
            "session.ended",
            reason=reason,
            client_id=session.client_id,
            sid=session.sid,
            tid=session.identity.tid,
            oid=session.identity.oid,
        )
        _refuse(f"session {session.sid} was ended: {private_detail}")

    def _rotate(
        self,
        session: Session,
        presented: RefreshToken,
        asked: tuple[str, ...],
        verified: tuple[Identity, int] | None,
    ) -> tuple[str, str]:
        successor = self.services.refresh_tokens.new(session.sid)
        outcome = self.services.sessions.rotate(
            Rotation(
                sid=session.sid,
                client_id=session.client_id,
                resource=session.resource,
                scopes=asked,
                presented_hash=presented.token_hash,
                successor_hash=successor.token_hash,
                sealed_successor=seal_successor(successor, presented),
                verified=verified,
            )
        )
        if isinstance(outcome, Rotated):
            return successor.value, "rotated"
        if isinstance(outcome, Graced):
            return unseal_successor(outcome.sealed_successor, presented), "graced"
        if isinstance(outcome, Reused):
            audit(
                "refresh_token.reused",
                client_id=session.client_id,
                sid=session.sid,
                tid=session.identity.tid,
                oid=session.identity.oid,
            )
            _refuse(f"session {session.sid}: a spent token came back, the session was ended")
        _refuse(f"session {session.sid}: expired")


def _refuse(private_detail: str) -> Never:
    raise OAuthError("invalid_grant", _REFUSED, private_detail=private_detail)
