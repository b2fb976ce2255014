"""What a person may choose about the local stack, and the addresses that follow from it.

Made by ``devstack.cli`` from the command line, read by everything else in this package. Must not touch the
disk or
the network: it only answers "where is what".
"""

from dataclasses import dataclass, field
from pathlib import Path

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of the stack; every one of them can be changed."""

    gateway: int = 8080
    authserver: int = 8081
    mcpserver: int = 8082
    entra: int = 8083
    entra_back_channel: int = 8443


@dataclass(frozen=True, slots=True)
class Options:
    """One local stack: its ports, its state folder, and whether a gateway stands in front."""

    ports: Ports = field(default_factory=Ports)
    state_folder: Path = Path(".mcpstack")
    with_gateway: bool = True

    @property
    def authserver_url(self) -> str:
        """Where the authorization server itself listens."""
        return f"http://localhost:{self.ports.authserver}"

    @property
    def mcpserver_url(self) -> str:
        """Where the MCP server itself listens."""
        return f"http://localhost:{self.ports.mcpserver}"

    @property
    def gateway_url(self) -> str:
        """Where the gateway listens."""
        return f"http://localhost:{self.ports.gateway}"

    @property
    def entra_url(self) -> str:
        """The emulator's login page: 127.0.0.1, so that it is another site than ``localhost`` for cookies."""
        return f"http://127.0.0.1:{self.ports.entra}"

    @property
    def entra_back_channel_url(self) -> str:
        """The emulator's back channel; msal insists on https."""
        return f"https://localhost:{self.ports.entra_back_channel}"

    @property
    def issuer(self) -> str:
        """The issuer of the tokens: the public root, without a trailing slash."""
        return self.gateway_url if self.with_gateway else self.authserver_url

    @property
    def endpoint_prefix(self) -> str:
        """What stands between the issuer and ``/authorize``, ``/token``, …"""
        return "/oauth" if self.with_gateway else ""

    @property
    def resource_root(self) -> str:
        """The public root of the MCP server."""
        return self.gateway_url if self.with_gateway else self.mcpserver_url

    @property
    def resource(self) -> str:
        """The canonical resource, which is also the URL a client is pointed at."""
        return f"{self.resource_root}/mcp"

    @property
    def resource_aliases(self) -> tuple[str, ...]:
        """The other URLs under which a client may have been pointed at the same resource."""
        ports = [self.ports.gateway] if self.with_gateway else []
        ports.append(self.ports.mcpserver)
        urls = [
            f"http://{host}:{port}{path}"
            for port in ports
            for host in _LOOPBACK_HOSTS
            for path in ("/mcp", "/mcp/sse")
        ]
        return tuple(url for url in urls if url != self.resource)
