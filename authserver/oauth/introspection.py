"""Token introspection (RFC 7662): a resource server asks whether a token that it was shown is good now.

Called by ``web.introspect``. For resource servers that cannot follow the revocation list. Answers only an
operator's client that proves itself, and only about tokens of the resources that it serves; about everything
else, refresh tokens too, it says no more than "not active" (RFC 7662 2.2).
"""

from collections.abc import Mapping
from typing import Any, Final

from authserver.errors import OAuthError
from authserver.model import Client, Clock, Session
from authserver.oauth.clients.directory import ClientDirectory, Credentials
from authserver.oauth.own_tokens import OwnAccessTokens
from authserver.oauth.requests import PresentedToken
from authserver.oauth.resource_directory import ResourceDirectory
from authserver.store.protocols import SessionStore

_INACTIVE: Final[Mapping[str, object]] = {"active": False}
# RFC 7662 2.2, and of ours what a resource server goes by (RFC 9068 2.2.3.1, sid).
_TOLD: Final = (
    *("scope", "client_id", "exp", "iat", "nbf", "sub", "aud", "iss", "jti"),
    *("sid", "tid", "oid", "roles"),
)


class Introspector:
    """Args: clients, resources: who may ask about what; tokens: recognises them; sessions: what has ended;
    clock: seconds since 1970.
    """

    def __init__(
        self,
        clients: ClientDirectory,
        resources: ResourceDirectory,
        tokens: OwnAccessTokens,
        sessions: SessionStore,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._resources = resources
        self._tokens = tokens
        self._sessions = sessions
        self._clock = clock

    def introspect(self, request: PresentedToken) -> Mapping[str, object]:
        """Return the members of the answer (RFC 7662 2.2).

        Raises:
            OAuthError: invalid_client.
        """
        client = self._authenticated(request.credentials)
        claims = self._tokens.claims(request.token)
        if claims is None or not self._serves(client, claims.get("aud")):
            return _INACTIVE
        if not claims["nbf"] <= self._clock() < claims["exp"]:
            return _INACTIVE
        session = self._sessions.get_session(claims["sid"])
        if self._has_ended(claims, session) or self._is_disabled(claims["client_id"]):
            return _INACTIVE
        told = {name: claims[name] for name in _TOLD if name in claims}
        username = {} if session is None else {"username": session.identity.username}
        return {"active": True, "token_type": "Bearer", **username, **told}

    def _has_ended(self, claims: Mapping[str, Any], session: Session | None) -> bool:
        if session is not None:
            return session.state != "active"
        # A program's token has no session, and a session may be forgotten before its last token expires.
        return any(sid == claims["sid"] for sid, _ in self._sessions.ended_since(claims["iat"]))

    def _is_disabled(self, client_id: str) -> bool:
        return self._clients.is_registered(client_id) and self._clients.get(client_id) is None

    def _authenticated(self, credentials: Credentials) -> Client:
        client = self._clients.authenticate(credentials)
        if credentials.method == "none":
            # RFC 7662 2.1: who asks must prove itself, so that nobody can try tokens out here.
            raise OAuthError("invalid_client", "client authentication is required")
        return client

    def _serves(self, client: Client, audience: Any) -> bool:
        if client.source != "operator":
            return False
        served = map(self._resources.by_uri, client.introspects)
        return any(resource is not None and resource.uri == audience for resource in served)
