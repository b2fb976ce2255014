#!/usr/bin/env python3
"""The official Python client without a person: client credentials and identity assertion, from one URL.

Run by ``test_machine_clients.py``, a process of its own: asyncio is not for the tests' process. Prints one
JSON report. The identity assertion comes as an argument, as it would from the company's identity provider.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any, Final

import mcp_types
from httpx2 import Auth, Timeout
from mcp import Client
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

_SECONDS: Final = 30
_INFO: Final = mcp_types.Implementation(name="python-machine", version="2")
_SCOPE: Final = "mcp:tools snippets:read snippets:write"


class Memory:
    """Keeps what the client is given for as long as the program runs."""

    def __init__(self) -> None:
        self.tokens: list[OAuthToken] = []

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError("an operator's client registers nowhere")


async def report(provider: Auth, url: str, memory: Memory) -> dict[str, Any]:
    """Connect, save and read a snippet, and say how it went."""
    async with create_mcp_http_client(auth=provider, timeout=Timeout(_SECONDS)) as http_client:
        transport = streamable_http_client(url, http_client=http_client)
        async with Client(transport, client_info=_INFO) as client:
            tools = await client.list_tools()
            saved = await client.call_tool("save_snippet", {"snippetname": "machine", "snippet": "beep"})
            read = await client.call_tool("get_snippet", {"snippetname": "machine"})
            return {
                "tools": sorted(tool.name for tool in tools.tools),
                "saved": not saved.is_error,
                "snippet": "".join(b.text for b in read.content if isinstance(b, mcp_types.TextContent)),
                "scope": (memory.tokens[0].scope or "").split(),
                "refresh_token": memory.tokens[0].refresh_token,
            }


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["secret", "key", "assertion"])
    parser.add_argument("url")
    parser.add_argument("issuer")
    parser.add_argument("client_id")
    parser.add_argument("proof", help="the secret, the file of the private key")
    parser.add_argument("--assertion", help="what the identity provider answers")
    arguments = parser.parse_args()
    memory = Memory()
    provider = _provider(arguments, memory)
    print(json.dumps(asyncio.run(report(provider, arguments.url, memory))))


def _provider(arguments: argparse.Namespace, memory: Memory) -> Auth:
    if arguments.kind == "secret":
        return ClientCredentialsOAuthProvider(
            server_url=arguments.url,
            storage=memory,
            client_id=arguments.client_id,
            client_secret=arguments.proof,
            scope=_SCOPE,
            issuer=arguments.issuer,
        )
    if arguments.kind == "key":
        signing = SignedJWTParameters(
            issuer=arguments.client_id,
            subject=arguments.client_id,
            signing_key=Path(arguments.proof).read_text("ascii"),
        )
        return PrivateKeyJWTOAuthProvider(
            server_url=arguments.url,
            storage=memory,
            client_id=arguments.client_id,
            assertion_provider=signing.create_assertion_provider(),
            scope=_SCOPE,
            issuer=arguments.issuer,
        )

    async def from_the_identity_provider(audience: str, resource: str) -> str:
        assert (audience, resource) == (arguments.issuer, arguments.url)
        return str(arguments.assertion)

    return IdentityAssertionOAuthProvider(
        server_url=arguments.url,
        storage=memory,
        client_id=arguments.client_id,
        client_secret=arguments.proof,
        issuer=arguments.issuer,
        assertion_provider=from_the_identity_provider,
        scope=_SCOPE,
    )


if __name__ == "__main__":
    main()
