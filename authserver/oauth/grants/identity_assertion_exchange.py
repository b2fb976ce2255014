"""A company's identity assertion grant (ID-JAG) becomes an access token: enterprise-managed authorization.

Called by ``oauth.grants.jwt_bearer``. The identity provider decided that this person may use this client with
this MCP server; what is left to decide is whether the operator trusts it with that (settings) and whether the
assertion came from the client that it names. It is spent by its first use. Must not serve public clients.
"""

from typing import Final

from authserver.cipher import digest
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
from authserver.oauth.resource_directory import UnknownTarget
from authserver.upstream.errors import AssertionUnproven
from authserver.upstream.identity_assertion import IdentityAssertion
from telemetry.audit import audit

_ONCE: Final = "id-jag"


class IdentityAssertionExchange:
    """Args: services: what grants work with."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def evaluate(self, request: TokenRequest, assertion: str) -> Issue:
        """Return what the assertion is worth, and spend it.

        Raises:
            AssertionUnproven: nothing.
            OAuthError: invalid_client, unauthorized_client, invalid_target, invalid_scope.
            UnavailableError: its issuer's keys cannot be fetched, or the store does not answer.
        """
        client = operators_client(self._services.clients, request)
        said = self._services.assertions.identity.verify(assertion)
        # Draft 4.4.1: the same client as the client authentication in the request.
        if said.client_id != client.client_id:
            raise AssertionUnproven(f"made for another client than {client.client_id}")
        if client.client_id not in said.issuer.clients:
            raise AssertionUnproven(
                f"{said.issuer.issuer} does not speak for clients like {client.client_id}"
            )
        resource = self._resource(request, client, said)
        scopes = narrowed_to(request.scope, *_held(said, client, resource))
        self._spend(said, client)
        return Issue(
            subject=TokenSubject(f"{said.issuer.tid}.{said.subject}", said.issuer.tid, said.subject),
            client_id=client.client_id,
            resource=resource,
            scopes=scopes,
            expires_at_most_seconds=said.expires_at_seconds,
            evidence={"assertion": "id-jag", "issuer": said.issuer.issuer, "assertion_jti": said.jti},
        )

    def _resource(self, request: TokenRequest, client: Client, said: IdentityAssertion) -> Resource:
        granted = None
        if said.resources:
            # MCP enterprise-managed authorization 7.6.2: aud and resource belong together.
            try:
                granted = self._services.resources.resolve(said.resources)
            except UnknownTarget as error:
                raise AssertionUnproven(f"resource: {error}") from None
        asked = requested_resource(self._services.resources, request, client.client_id, said.resources)
        if granted is not None and asked is not granted:
            raise OAuthError("invalid_target", "the resource is not the one that was granted")
        return asked

    def _spend(self, said: IdentityAssertion, client: Client) -> None:
        # Hashed, because names of strangers are no keys of ours; the issuer's jti is unique with its issuer.
        name = digest(f"{said.issuer.issuer}\n{said.jti}")
        lifetime_seconds = int(said.expires_at_seconds - self._services.clock()) + 1
        if not self._services.assertions.once.add_once(_ONCE, name, lifetime_seconds):
            audit("assertion.replayed", client_id=client.client_id, issuer=said.issuer.issuer, jti=said.jti)
            raise AssertionUnproven("used before")


def _held(
    said: IdentityAssertion, client: Client, resource: Resource
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what may be granted at most, and what a request without scope means."""
    ceiling = [scope for scope in resource.scopes if scope in said.issuer.scopes]
    if client.scope is not None:
        ceiling = [scope for scope in ceiling if scope in client_scopes(client, resource)]
    held = tuple(scope for scope in ceiling if said.scopes is None or scope in said.scopes)
    if not held:
        raise AssertionUnproven("it grants none of the scopes that it may")
    return held, resource.default_scopes if said.scopes is None else held
