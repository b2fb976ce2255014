"""An Entra access token for our API application becomes one of ours (RFC 7523): the way in for other tenants.

Called by ``oauth.grants.jwt_bearer``. The tenant's entry is the registration of the calling application
(``azp``): it may come without authenticating itself, because Entra's token is the proof that it could. Where
the operator registered that same id as a client here as well, it must authenticate like any client. Must not
give a token to anybody whom the entry of their own tenant does not name.
"""

from authserver.errors import OAuthError
from authserver.model import Client, Resource, TokenSubject
from authserver.oauth.grants.grant import Services
from authserver.oauth.grants.machine import (
    Issue,
    client_scopes,
    narrowed_to,
    operators_client,
    requested_resource,
)
from authserver.oauth.requests import TokenRequest
from authserver.upstream.api_token import ApiCaller
from authserver.upstream.entitlements import program_scopes
from authserver.upstream.errors import AssertionUnproven
from authserver.upstream.tenants import TenantRefused


class ApiTokenExchange:
    """Args: services: what grants work with."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def evaluate(self, request: TokenRequest, assertion: str) -> Issue:
        """Return what the token is worth.

        Raises:
            AssertionUnproven: nothing.
            OAuthError: invalid_client, unauthorized_client, invalid_target, invalid_scope.
            UpstreamUnavailable: Entra's keys cannot be fetched.
        """
        client = self._authenticated(request)
        api_tokens = self._services.assertions.api_tokens
        if api_tokens is None:
            raise AssertionUnproven("there is no API application")
        caller = api_tokens.verify(assertion)
        self._check_client(request, client, caller.azp)
        resource = requested_resource(self._services.resources, request, caller.azp)
        held = self._held(caller, resource)
        if client is not None and client.scope is not None:
            held = tuple(scope for scope in held if scope in client_scopes(client, resource))
        if not held:
            raise AssertionUnproven(f"{caller.azp} of {caller.identity.tid}: no scope is held")
        default = held if caller.is_app else resource.default_scopes
        who = caller.identity
        return Issue(
            # Roles of the API application are not those of the login application: they end here.
            subject=TokenSubject(who.subject, who.tid, who.oid),
            client_id=caller.azp,
            resource=resource,
            scopes=narrowed_to(request.scope, held, default),
            expires_at_most_seconds=caller.expires_at_seconds,
            evidence={
                "tid": who.tid,
                "oid": who.oid,
                "assertion": "app" if caller.is_app else "delegated",
                "uti": caller.uti,
            },
        )

    def _authenticated(self, request: TokenRequest) -> Client | None:
        # RFC 7523 2.1: optional; RFC 7521 4.1.1: when it is tried, it must succeed.
        credentials = request.credentials
        if credentials.method == "none" and self._services.clients.get(credentials.client_id) is None:
            return None
        return operators_client(self._services.clients, request)

    def _check_client(self, request: TokenRequest, client: Client | None, azp: str) -> None:
        if client is not None and client.client_id == azp:
            return
        if self._services.clients.is_registered(azp):
            raise OAuthError("invalid_client", "client authentication is required", private_detail=azp)
        named = request.credentials.client_id
        if client is None and named not in ("", azp):
            # Nobody of that name is registered, and the assertion is not theirs (RFC 7521 4.1).
            raise OAuthError("invalid_client", "client authentication failed", private_detail="not azp")

    def _held(self, caller: ApiCaller, resource: Resource) -> tuple[str, ...]:
        tenants, who = self._services.tenants, caller.identity
        try:
            entry = tenants.entry(who.tid)
            if caller.azp not in entry.clients:
                raise AssertionUnproven(f"azp {caller.azp} is not on the list of tenant {who.tid}")
            if caller.is_app:
                return program_scopes(tuple(resource.scopes), entry, who.roles)
            return tenants.admitted(who, tuple(resource.scopes))
        except TenantRefused as error:
            raise AssertionUnproven(str(error)) from None
