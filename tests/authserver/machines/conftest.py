"""A server with an API application, an identity provider, two resources, and an operator's clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from authserver.cipher import digest
from authserver.model import Client
from tests.authserver.machines import assertion_factory as made
from tests.authserver.world import ALLOWED_TENANT, RESOURCE, World, make_world

SECRET: Final = "an-operators-client-secret"
REPORTS: Final = "https://reports.example/mcp"
SCOPES: Final = {
    "mcp:tools": "Connect",
    "snippets:read": "Read",
    "snippets:write": "Write",
    "model:invoke": "Ask",
}
FABRIKAM: Final = {
    "name": "Fabrikam",
    "ceiling": ["mcp:tools", "snippets:read", "snippets:write"],
    "roles": {"Writer": ["snippets:write"]},
    "clients": [made.DAEMON],
    "app_roles": {
        "Snippets.Write.All": ["mcp:tools", "snippets:write", "model:invoke"],
        "Snippets.Read.All": ["mcp:tools", "snippets:read"],
        "Admin.All": ["model:invoke"],
    },
}
RESOURCES: Final = (
    {
        "uri": RESOURCE,
        "name": "mcpstack",
        "scopes": SCOPES,
        "default_scopes": ["mcp:tools", "snippets:read", "snippets:write"],
        "aliases": [f"{RESOURCE}/sse"],
    },
    {
        "uri": REPORTS,
        "name": "Reports",
        "scopes": {"reports:read": "Read reports"},
        "default_scopes": ["reports:read"],
        "access_token_lifetime_seconds": 300,
        "allowed_clients": ["reporter"],
    },
)
SETTINGS: Final[dict[str, Any]] = {
    "entra_authority": made.AUTHORITY,
    "api_client_id": made.API,
    "allowed_tenants": {ALLOWED_TENANT: FABRIKAM},
    "resources": RESOURCES,
    "identity_assertion_issuers": [
        {
            "issuer": made.IDP,
            "jwks_uri": made.IDP_KEYS,
            "tid": "acme",
            "clients": ["agent"],
            "scopes": ["mcp:tools", "snippets:read", "snippets:write"],
        }
    ],
}


class Machines:
    """The server, its operator's clients, and the network behind it."""

    def __init__(self, world: World, network: made.Network) -> None:
        self.world = world
        self.network = network

    @property
    def now(self) -> float:
        """The server's time."""
        return self.world.clock.now

    def operator_client(self, client_id: str, *grant_types: str, **members: Any) -> None:
        """Register a client with SECRET, as the operator does."""
        client = Client(
            client_id=client_id,
            token_endpoint_auth_method=members.pop("token_endpoint_auth_method", "client_secret_basic"),
            redirect_uris=members.pop("redirect_uris", ()),
            grant_types=grant_types,
            response_types=(),
            issued_at_seconds=int(self.now),
            source=members.pop("source", "operator"),
            secret_hash=members.pop("secret_hash", digest(SECRET)),
            **members,
        )
        self.world.store.add_client(client)

    def token(self, grant_type: str, **form: Any) -> TestResponse:
        """Ask for a token; a value of None leaves a parameter out, ``auth`` is (name, secret) for Basic."""
        auth = form.pop("auth", None)
        sent = {
            "grant_type": grant_type,
            **{name: value for name, value in form.items() if value is not None},
        }
        return self.world.post("/token", sent, **({"auth": auth} if auth else {}))

    def bearer(self, assertion: str, **form: Any) -> TestResponse:
        """Present an assertion."""
        form = {"resource": RESOURCE, **form}
        return self.token("urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion, **form)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    network = made.Network()
    world = make_world(tmp_path, connect=lambda _url: network, **SETTINGS)
    yield Machines(world, network)
    world.store.close()
