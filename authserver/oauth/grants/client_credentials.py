"""grant_type=client_credentials: a daemon that the operator registered, for itself (RFC 6749 4.4).

Registered by ``oauth.server``. What it may do is what the operator wrote down; no person is behind the token:
``sub`` is the client_id, and there is no tid or oid (RFC 9068 2.2).
"""

from authserver.errors import OAuthError
from authserver.model import Client, TokenSubject
from authserver.oauth.grants.machine import (
    Issue,
    MachineGrant,
    check_operators,
    client_scopes,
    requested_resource,
)
from authserver.oauth.requests import TokenRequest, TokenResponse
from authserver.oauth.scopes import narrowed


class ClientCredentialsGrant(MachineGrant):
    """Issues tokens to programs."""

    GRANT_TYPE = "client_credentials"

    def exchange(self, request: TokenRequest, client: Client) -> TokenResponse:
        """Mint what the operator allowed, narrowed to what was asked for.

        Raises:
            OAuthError: unauthorized_client, invalid_target, invalid_scope.
        """
        check_operators(client, self.GRANT_TYPE)
        resource = requested_resource(self.services.resources, request, client.client_id)
        held = client_scopes(client, resource)
        scopes = narrowed(request.scope, held) if held else None
        if scopes is None:
            # RFC 6749 5.2: a program's scopes are configured, so asking for others is a mistake to be told.
            raise OAuthError("invalid_scope", "this client may not have the requested scopes")
        return self.issue(Issue(TokenSubject(client.client_id), client.client_id, resource, scopes))
