"""Which servers make up the stack, and the environment each is started with.

Called by ``devstack.up`` and by tests. Must not start anything, and must set only what has to agree between
the
servers: whatever else a person has in the environment (a token lifetime, REDIS_URL, …) reaches the servers as
it is.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from authserver.resource_values import default_resource
from devstack.entra import directory
from devstack.options import Options
from devstack.processes import Server
from devstack.state import StateFolder

_LOOPBACK_NAMES: Final = "localhost,127.0.0.1,::1"
# Another project's workload identity and CA bundle must not reach servers that talk to the emulator alone.
_DROPPED: Final = frozenset({"AZURE_FEDERATED_TOKEN_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
# What Fabrikam's people and programs may get here; the emulator's directory says who they are.
_FABRIKAM: Final = {
    "name": "Fabrikam",
    "ceiling": ("mcp:tools", "snippets:read", "snippets:write"),
    "clients": (directory.DAEMON_CLIENT_ID, directory.FABRIKAM_CLIENT_ID),
    "app_roles": {
        directory.API_WRITE_ROLE: ("mcp:tools", "snippets:write"),
        directory.API_READ_ROLE: ("mcp:tools", "snippets:read"),
    },
}


def servers(options: Options, state: StateFolder, environment: Mapping[str, str]) -> tuple[Server, ...]:
    """Return the stack's servers in the order in which they are started.

    Args:
        options: ports, and whether there is a gateway.
        state: the prepared state folder (the master secret is read from it).
        environment: what every server starts from; the stack's own variables win over it.
    """
    base = _base(environment)
    stack = [
        _entra(options, state, base),
        _authserver(options, state, base),
        _mcpserver(options, state, base),
    ]
    if options.with_gateway:
        stack.append(_gateway(options, base))
    return tuple(stack)


def _base(environment: Mapping[str, str]) -> dict[str, str]:
    base = {name: value for name, value in environment.items() if name not in _DROPPED}
    for name in ("NO_PROXY", "no_proxy"):
        base[name] = ",".join(filter(None, (base.get(name), _LOOPBACK_NAMES)))
    return {**base, "PYTHONUNBUFFERED": "1"}


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _entra(options: Options, state: StateFolder, base: Mapping[str, str]) -> Server:
    command = _python(
        "devstack.entra",
        f"--port={options.ports.entra}",
        f"--back-channel-port={options.ports.entra_back_channel}",
        f"--state-dir={state.path}",
        f"--redirect-uri={options.issuer}{options.endpoint_prefix}/callback",
        f"--redirect-uri={options.issuer}{options.endpoint_prefix}/account/signed-out",
    )
    return Server("entra", command, base, f"{options.entra_url}/readyz")


def _authserver(options: Options, state: StateFolder, base: Mapping[str, str]) -> Server:
    environment = {
        **base,
        "AUTHSERVER_PUBLIC_URL": options.issuer,
        "AUTHSERVER_ENDPOINT_PREFIX": options.endpoint_prefix,
        "AUTHSERVER_HOST": "localhost",
        "AUTHSERVER_PORT": str(options.ports.authserver),
        "AUTHSERVER_STATE_FILE": str(state.authserver_database),
        "AUTHSERVER_MASTER_SECRET": state.master_secret(),
        "AUTHSERVER_LOG_FORMAT": base.get("AUTHSERVER_LOG_FORMAT", "text"),
        **_resources(options, base),
        "AUTHSERVER_ENTRA_AUTHORITY": options.entra_back_channel_url,
        "AUTHSERVER_ENTRA_CA_FILE": str(state.ca_file),
        "AUTHSERVER_ENTRA_CLIENT_SECRET": directory.LOGIN_CLIENT_SECRET,
        "AUTHSERVER_ALLOWED_TENANTS": json.dumps({directory.FABRIKAM: _FABRIKAM}),
        "AUTHSERVER_GRAPH_URL": options.entra_back_channel_url,
        "AUTHSERVER_API_CLIENT_ID": directory.API_CLIENT_ID,
        "AUTHSERVER_API_SCOPE": directory.API_SCOPE,
        "AZURE_CLIENT_ID": directory.LOGIN_CLIENT_ID,
        "AZURE_TENANT_ID": directory.CONTOSO,
    }
    return Server(
        "authserver", _python("authserver", "serve"), environment, f"{options.authserver_url}/readyz"
    )


def _resources(options: Options, base: Mapping[str, str]) -> dict[str, str]:
    if base.get("AUTHSERVER_RESOURCES_FILE"):
        # Somebody protects servers of their own as well; the file says so of this stack's, too.
        return {}
    return {"AUTHSERVER_RESOURCES": json.dumps([resource(options)])}


def resource(options: Options) -> dict[str, object]:
    """Return this stack's MCP server as an entry of a resources file."""
    return asdict(default_resource(options.resource_root, options.resource_aliases, options.ports.mcpserver))


def _mcpserver(options: Options, state: StateFolder, base: Mapping[str, str]) -> Server:
    environment = {
        **base,
        "MCPSERVER_PUBLIC_URL": options.resource_root,
        "MCPSERVER_RESOURCE_ALIASES": json.dumps(options.resource_aliases),
        "MCPSERVER_HOST": "localhost",
        "MCPSERVER_PORT": str(options.ports.mcpserver),
        "MCPSERVER_ISSUER": options.issuer,
        # Straight to the authserver: the two must be able to start before the gateway does.
        "MCPSERVER_JWKS_URL": f"{options.authserver_url}/jwks",
        "MCPSERVER_REVOCATION_URL": f"{options.authserver_url}/revoked",
        "MCPSERVER_SNIPPETS_FOLDER": str(state.snippets_folder),
        "MCPSERVER_LOG_FORMAT": base.get("MCPSERVER_LOG_FORMAT", "text"),
    }
    return Server("mcpserver", _python("mcpserver", "serve"), environment, f"{options.mcpserver_url}/readyz")


def _gateway(options: Options, base: Mapping[str, str]) -> Server:
    command = _python(
        "devstack.gateway",
        f"--port={options.ports.gateway}",
        f"--public-url={options.gateway_url}",
        f"--authserver-url={options.authserver_url}",
        f"--mcpserver-url={options.mcpserver_url}",
    )
    return Server("gateway", command, base, f"{options.gateway_url}/readyz")
