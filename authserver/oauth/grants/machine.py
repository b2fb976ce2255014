"""What the grants without a person in a browser have in common: a resource, scopes, a token on its own.

``client_credentials`` and ``jwt_bearer`` derive from ``MachineGrant``. There is no session and no
refresh token: whoever was allowed once asks again. The token's sid is fresh, so that revoking it ends that
token and nothing else. Must not know how the caller was proven.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from authserver.errors import OAuthError
from authserver.model import Client, Resource, TokenSubject
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.grants.grant import Grant
from authserver.oauth.requests import TokenRequest, TokenResponse
from authserver.oauth.resource_directory import ResourceDirectory, UnknownTarget, check_client
from authserver.oauth.scopes import asked_scopes
from authserver.tokens import new_sid
from telemetry.audit import audit

_PUBLIC: Final = "none"


@dataclass(frozen=True, slots=True)
class Issue:
    """What a token is issued for.

    Attributes:
        client_id: who asked; for whom the resource must be open.
        scopes: what it may do.
        expires_at_most_seconds: of the assertion; None: the resource's own lifetime.
        evidence: what the audit line says about what was presented.
    """

    subject: TokenSubject
    client_id: str
    resource: Resource
    scopes: tuple[str, ...]
    expires_at_most_seconds: float | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


class MachineGrant(Grant):
    """A grant whose token stands alone."""

    def issue(self, wish: Issue) -> TokenResponse:
        """Return the token (RFC 6749 4.4.3: without a refresh token)."""
        sid = new_sid()
        access = self.services.minter.access_token(
            subject=wish.subject,
            client_id=wish.client_id,
            scopes=wish.scopes,
            resource=wish.resource,
            sid=sid,
            expires_at_most_seconds=wish.expires_at_most_seconds,
        )
        audit(
            "token.issued",
            grant=self.GRANT_TYPE,
            client_id=wish.client_id,
            sub=wish.subject.sub,
            sid=sid,
            jti=access.jti,
            **wish.evidence,
        )
        return TokenResponse(access.value, access.expires_in_seconds, wish.scopes)


def operators_client(clients: ClientDirectory, request: TokenRequest) -> Client:
    """Return the client, authenticated, registered by the operator for this grant.

    Raises:
        OAuthError: invalid_client, unauthorized_client.
    """
    client = clients.authenticate(request.credentials)
    check_operators(client, request.grant_type)
    return client


def check_operators(client: Client, grant_type: str) -> None:
    """Refuse a client that nobody vouched for, or that cannot prove that it is itself (RFC 6749 4.4).

    Raises:
        OAuthError: unauthorized_client.
    """
    is_confidential = client.token_endpoint_auth_method != _PUBLIC
    if client.source != "operator" or not is_confidential or grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "the operator has not registered this client for that grant")


def requested_resource(
    resources: ResourceDirectory, request: TokenRequest, client_id: str, otherwise: tuple[str, ...] = ()
) -> Resource:
    """Return the resource that the request names, or the only one there is (RFC 8707 2.2).

    Args:
        resources: those that there are.
        request: what was asked for.
        client_id: for whom it must be open.
        otherwise: names to go by when the request has none.

    Raises:
        OAuthError: invalid_target.
    """
    try:
        resource = resources.resolve(request.resources or otherwise)
        check_client(resource, client_id)
    except UnknownTarget as error:
        raise OAuthError("invalid_target", str(error)) from None
    return resource


def client_scopes(client: Client, resource: Resource) -> tuple[str, ...]:
    """Return the resource's scopes that the operator gave the client, in the configured order."""
    given = (client.scope or "").split()
    return tuple(scope for scope in resource.scopes if scope in given)


def narrowed_to(scope: str | None, held: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the request asks for of what is held; what it asks beyond that is left out.

    Args:
        scope: the parameter.
        held: not empty.
        default: what a request without scope means.

    Raises:
        OAuthError: invalid_scope: nothing is left.
    """
    asked = asked_scopes(scope) or set(default)
    granted = tuple(each for each in held if each in asked)
    if not granted:
        raise OAuthError("invalid_scope", "none of the requested scopes can be granted")
    return granted
