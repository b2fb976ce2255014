"""What the grants have in common: how authlib calls them, what they work with, and how tokens are made for
a session.

``oauth.server`` registers each grant with authlib and passes the request through; ``code``, ``refresh`` and
the others derive from ``Grant``. A grant consumes first (one atomic verb of the store) and mints afterwards,
never the other way round: two presentations at the same moment must not both find the thing unspent.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin  # type: ignore[import-untyped]

from authserver.errors import OAuthError
from authserver.model import Client, Clock, Identity, Resource, Session, TokenSubject
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.clients.sessions import ClientSessions
from authserver.oauth.device.requests import DeviceRequests
from authserver.oauth.requests import TokenRequest, TokenResponse
from authserver.oauth.resource_directory import ResourceDirectory, UnknownTarget, check_client
from authserver.oauth.upstream_check import UpstreamCheck
from authserver.oauth.vault import Vault
from authserver.store.protocols import CodeStore, OnceStore, SessionStore
from authserver.tokens import AccessToken, RefreshTokens, TokenMinter
from authserver.upstream.api_token import ApiTokens
from authserver.upstream.identity_assertion import IdentityAssertions
from authserver.upstream.tenants import TenantPolicy, TenantRefused
from telemetry.audit import audit


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Of a session: it ends when idle for so long, and after so long whatever happens."""

    idle_seconds: int
    absolute_seconds: int


@dataclass(frozen=True, slots=True)
class Assertions:
    """What assertions of others are verified with (RFC 7523).

    Attributes:
        api_tokens: Entra's access tokens; None: there is no API application.
        identity: identity assertion grants.
        once: remembers what was spent.
    """

    api_tokens: ApiTokens | None
    identity: IdentityAssertions
    once: OnceStore

    @property
    def are_accepted(self) -> bool:
        """Whether there is any kind that is accepted."""
        return self.api_tokens is not None or self.identity.are_accepted


@dataclass(frozen=True, slots=True)
class Services:
    """What grants work with; made once in ``app``."""

    clients: ClientDirectory
    client_sessions: ClientSessions
    resources: ResourceDirectory
    tenants: TenantPolicy
    codes: CodeStore
    device_requests: DeviceRequests
    sessions: SessionStore
    minter: TokenMinter
    refresh_tokens: RefreshTokens
    assertions: Assertions
    vault: Vault
    upstream: UpstreamCheck
    lifetimes: Lifetimes
    clock: Clock


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new session is opened with. ``client``: the metadata document as it was consented to."""

    sid: str
    identity: Identity
    scopes: tuple[str, ...]
    resource: str
    client: Client | None = None


class Grant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """A grant type of the token endpoint, as authlib calls it: ``validate_token_request``,
    ``create_token_response``.

    authlib keeps one instance per request; between its two calls the authenticated client is all that is
    remembered.
    """

    GRANT_TYPE: ClassVar[str]
    _client: Client

    def validate_token_request(self) -> None:
        """Authenticate the client and check that it may use this grant (RFC 6749 3.2.1, 5.2).

        Raises:
            OAuthError: invalid_client, unauthorized_client.
        """
        clients, credentials = self.services.clients, self.parsed.credentials
        # Looked at before anybody is authenticated: it says whose keys, if any, have to prove the client.
        snapshot = self.snapshot(self.parsed) if clients.is_document(credentials.client_id) else None
        client = clients.authenticate(credentials, snapshot)
        if self.GRANT_TYPE not in client.grant_types:
            raise OAuthError("unauthorized_client", "this client is not registered for this grant_type")
        self._client = client

    def create_token_response(self) -> tuple[int, TokenResponse, list[Any]]:
        """Spend what was presented and mint; authlib wants status and headers beside the answer, ``web``
        sets both.
        """
        response = self.exchange(self.parsed, self._client)
        self.services.clients.touch(self._client)
        return 200, response, []

    def snapshot(self, _request: TokenRequest) -> Client | None:
        """Return the metadata document that a person agreed to, as it is kept with what is presented; nothing
        is spent. None: this grant is not for clients that introduce themselves so.

        Raises:
            OAuthError: what is presented is worth nothing to that client.
        """
        return None

    def exchange(self, request: TokenRequest, client: Client) -> TokenResponse:
        """Return the tokens.

        Raises:
            OAuthError: what was presented is worth nothing.
        """
        raise NotImplementedError

    @property
    def parsed(self) -> TokenRequest:
        """The request."""
        parsed: TokenRequest = self.request.parsed
        return parsed

    @property
    def services(self) -> Services:
        """What ``app`` made the server with."""
        services: Services = self.server.services
        return services

    def check_resource(self, request: TokenRequest, bound_to: str) -> None:
        """Refuse a resource other than the one that was granted (RFC 8707 2.2).

        Raises:
            OAuthError: invalid_target.
        """
        resource = self.known_resource(bound_to)
        if not request.resources:
            return
        try:
            asked = self.services.resources.resolve(request.resources)
        except UnknownTarget as error:
            raise OAuthError("invalid_target", str(error)) from None
        if asked is not resource:
            raise OAuthError("invalid_target", "the resource is not the one that was granted")

    def known_resource(self, uri: str) -> Resource:
        """Return the resource; one that is configured no longer is served no longer, nor to this client.

        Raises:
            OAuthError: invalid_target.
        """
        resource = self.services.resources.by_uri(uri)
        if resource is None:
            raise OAuthError("invalid_target", "this server issues no tokens for that resource any more")
        try:
            check_client(resource, self._client.client_id)
        except UnknownTarget as error:
            raise OAuthError("invalid_target", str(error)) from None
        return resource

    def check_tenant(self, identity: Identity) -> None:
        """Refuse somebody whose tenant was taken off the list since they signed in.

        Raises:
            OAuthError: invalid_grant.
        """
        try:
            self.services.tenants.check(identity.tid)
        except TenantRefused as error:
            raise OAuthError(
                "invalid_grant", "the sign-in is no longer valid", private_detail=str(error)
            ) from None

    def open_session(self, client: Client, opening: Opening) -> TokenResponse:
        """Open the session that somebody agreed to, and return its first tokens.

        Raises:
            OAuthError: invalid_grant, when the session was ended before it began.
        """
        is_refreshable = "refresh_token" in client.grant_types
        refresh = self.services.refresh_tokens.new(opening.sid) if is_refreshable else None
        session = self._new_session(client, opening, None if refresh is None else refresh.token_hash)
        # Signed before the session is durable: when there is no key, nothing was acknowledged.
        access = self.mint(opening.identity, client, opening.scopes, opening.resource, opening.sid)
        self.services.client_sessions.note(client, session)
        if is_refreshable:
            self.services.vault.keep(session)
        is_open = self.services.sessions.open_session(session)
        if not is_open or not is_refreshable:
            self.services.vault.forget(opening.sid)
        if not is_open:
            raise OAuthError(
                "invalid_grant",
                "what was presented is no longer valid",
                private_detail=f"session {opening.sid} was ended before it began",
            )
        audit(
            "token.issued",
            grant=self.GRANT_TYPE,
            client_id=client.client_id,
            sid=opening.sid,
            jti=access.jti,
            tid=opening.identity.tid,
            oid=opening.identity.oid,
        )
        return TokenResponse(
            access.value,
            access.expires_in_seconds,
            opening.scopes,
            None if refresh is None else refresh.value,
        )

    def _new_session(self, client: Client, opening: Opening, refresh_hash: str | None) -> Session:
        now_seconds = int(self.services.clock())
        lifetimes = self.services.lifetimes
        return Session(
            sid=opening.sid,
            client_id=client.client_id,
            identity=opening.identity,
            scopes=opening.scopes,
            resource=opening.resource,
            created_at_seconds=now_seconds,
            absolute_expiry_seconds=now_seconds + lifetimes.absolute_seconds,
            idle_expiry_seconds=now_seconds + min(lifetimes.idle_seconds, lifetimes.absolute_seconds),
            idle_lifetime_seconds=lifetimes.idle_seconds,
            current_hash=refresh_hash,
            last_used_at_seconds=now_seconds,
            client=opening.client,
        )

    def mint(
        self, identity: Identity, client: Client, scopes: tuple[str, ...], resource: str, sid: str
    ) -> AccessToken:
        """Return a person's signed access token."""
        return self.services.minter.access_token(
            subject=TokenSubject.of(identity),
            client_id=client.client_id,
            scopes=scopes,
            resource=self.known_resource(resource),
            sid=sid,
        )
