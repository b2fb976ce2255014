#!/usr/bin/env python3
"""The official Python client, used as its documentation says, from one URL to stored snippets.

Run by ``test_python_sdk.py``, a process of its own: the tests' process is patched for gevent, asyncio is not
for it. Prints one JSON report, the same that the other languages' programs print. Must know nothing of the
product but what tools it has and what scope saving takes.
"""

import argparse
import asyncio
import json
import subprocess
from contextlib import AbstractAsyncContextManager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import mcp_types
from httpx2 import AsyncClient, Timeout
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

_SECONDS: Final = 30
_GRANTS: Final = ["authorization_code", "refresh_token"]
_INFO: Final = mcp_types.Implementation(name="python-sdk", version="2")


class Memory:
    """Keeps what the client is given for as long as the program runs."""

    def __init__(self) -> None:
        self.tokens: list[OAuthToken] = []
        self.client_info: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client_info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client_info = client_info


class Callback:
    """The loopback address where the browser brings the answer."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[AuthorizationCodeResult] = asyncio.Queue()
        self.uri = ""

    async def listen(self) -> None:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def answer(self) -> AuthorizationCodeResult:
        return await asyncio.wait_for(self._answers.get(), _SECONDS)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split()[1].decode()
        answer = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        self._answers.put_nowait(
            AuthorizationCodeResult(
                code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss")
            )
        )


async def report(url: str, mode: str, browser: str, client_metadata_url: str | None) -> dict[str, Any]:
    """Sign in, use every tool that needs no model, refresh, and say how it went."""
    callback, memory = Callback(), Memory()
    await callback.listen()

    async def open_browser(authorization_url: str) -> None:
        await asyncio.to_thread(subprocess.run, [browser, authorization_url], check=True)

    provider = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata.model_validate(
            {"client_name": "Python SDK", "redirect_uris": [callback.uri], "grant_types": _GRANTS}
        ),
        storage=memory,
        redirect_handler=open_browser,
        callback_handler=callback.answer,
        client_metadata_url=client_metadata_url,
    )
    async with create_mcp_http_client(auth=provider, timeout=Timeout(_SECONDS)) as http_client:
        transport: AbstractAsyncContextManager[Any] = (
            sse_client(url, auth=provider)
            if mode == "sse"
            else streamable_http_client(url, http_client=http_client)
        )
        client_mode = "legacy" if mode == "sse" else mode
        async with Client(transport, mode=client_mode, client_info=_INFO) as client:
            found = await use(client)
            found["scope"] = (memory.tokens[0].scope or "").split()
            found["refreshed"] = await _refreshes(client, provider, memory)
            found["stepped_up"] = await _steps_up(client, provider, memory)
    return found


async def _refreshes(client: Client, provider: OAuthClientProvider, memory: Memory) -> bool:
    """An access token that has expired is replaced before the next request, and the request succeeds."""
    provider.context.token_expiry_time = 1
    await client.call_tool("hello_mcp")
    return len({token.refresh_token for token in memory.tokens}) == 2


async def _steps_up(client: Client, provider: OAuthClientProvider, memory: Memory) -> list[str]:
    """With a token for less, a tool that needs more leads to a second sign-in; return what that grants."""
    context = provider.context
    assert context.oauth_metadata is not None
    assert context.client_info is not None
    form = {
        "grant_type": "refresh_token",
        "refresh_token": memory.tokens[-1].refresh_token or "",
        "client_id": context.client_info.client_id or "",
        "scope": "mcp:tools",
    }
    form, headers = context.prepare_token_auth(form, {})
    async with AsyncClient() as plain:
        answer = await plain.post(str(context.oauth_metadata.token_endpoint), data=form, headers=headers)
    context.current_tokens = OAuthToken.model_validate_json(answer.raise_for_status().content)
    await client.call_tool("save_snippet", {"snippetname": "python", "snippet": ""})
    await client.call_tool("delete_snippet", {"snippetname": "python"})
    return (memory.tokens[-1].scope or "").split()


async def use(client: Client) -> dict[str, Any]:
    """Use every tool that needs no model, and say how it went."""
    tools = await client.list_tools()
    saved = await client.call_tool("save_snippet", {"snippetname": "python", "snippet": "print('hello')"})
    assert not saved.is_error, saved
    listed = _text(await client.call_tool("list_snippets", {}))
    return {
        "protocol": client.protocol_version,
        "tools": sorted(tool.name for tool in tools.tools),
        "hello": _text(await client.call_tool("hello_mcp")),
        "snippet": _text(await client.call_tool("get_snippet", {"snippetname": "python"})),
        "listed": "python" in [each["snippetname"] for each in json.loads(listed)["snippets"]],
        "deleted": not (await client.call_tool("delete_snippet", {"snippetname": "python"})).is_error,
        "absent": (await client.call_tool("get_snippet", {"snippetname": "python"})).is_error,
    }


def _text(result: mcp_types.CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, mcp_types.TextContent))


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("browser", help="a program that is given the authorization URL")
    parser.add_argument("--mode", default="auto", help="auto, legacy, a revision, or sse")
    parser.add_argument("--client-metadata-url", help="where this client's metadata is published")
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(report(asked.url, asked.mode, asked.browser, asked.client_metadata_url))))


if __name__ == "__main__":
    main()
