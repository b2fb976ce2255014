#!/usr/bin/env python3
"""The official Python client, used as its documentation says, from one URL to stored snippets.

Run by ``test_python_sdk.py``, a process of its own: the tests' process is patched for gevent, asyncio is not
for it. Prints one JSON report, the same that the other languages' programs print. Must know nothing of the
product but what tools it has.
"""

import argparse
import asyncio
import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import mcp_types
from httpx2 import Timeout
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
        self._answer: asyncio.Future[AuthorizationCodeResult] = asyncio.get_running_loop().create_future()
        self.uri = ""

    async def listen(self) -> None:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def answer(self) -> AuthorizationCodeResult:
        return await asyncio.wait_for(self._answer, _SECONDS)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split()[1].decode()
        answer = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        self._answer.set_result(
            AuthorizationCodeResult(
                code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss")
            )
        )


async def report(url: str, mode: str, browser: str) -> dict[str, Any]:
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
    )
    async with create_mcp_http_client(auth=provider, timeout=Timeout(_SECONDS)) as http_client:
        transport: AbstractAsyncContextManager[Any] = (
            sse_client(url, auth=provider)
            if mode == "sse"
            else streamable_http_client(url, http_client=http_client)
        )
        client_mode = "legacy" if mode == "sse" else mode
        async with Client(transport, mode=client_mode, client_info=_INFO) as client:
            found = await _use(client)
            provider.context.token_expiry_time = 1
            await client.list_tools(cache_mode="bypass")
    assert memory.client_info is not None
    return found | {
        "scope": (memory.tokens[0].scope or "").split(),
        "refreshed": len({token.refresh_token for token in memory.tokens}) == 2,
    }


async def _use(client: Client) -> dict[str, Any]:
    tools = await client.list_tools()
    saved = await client.call_tool("save_snippet", {"snippetname": "python", "snippet": "print('hello')"})
    assert not saved.is_error, saved
    return {
        "protocol": client.protocol_version,
        "server": client.server_info.name if client.server_info else None,
        "tools": sorted(tool.name for tool in tools.tools),
        "hello": _text(await client.call_tool("hello_mcp")),
        "snippet": _text(await client.call_tool("get_snippet", {"snippetname": "python"})),
        "listed": _text(await client.call_tool("list_snippets", {})),
        "deleted": not (await client.call_tool("delete_snippet", {"snippetname": "python"})).is_error,
        "absent": (await client.call_tool("get_snippet", {"snippetname": "python"})).is_error,
    }


def _text(result: mcp_types.CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, mcp_types.TextContent))


_GRANTS: Final = ["authorization_code", "refresh_token"]
_INFO: Final = mcp_types.Implementation(name="python-sdk", version="2")
_Main = Callable[[], None]


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("browser", help="a program that is given the authorization URL")
    parser.add_argument("--mode", default="auto", help="auto, legacy, a revision, or sse")
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(report(arguments.url, arguments.mode, arguments.browser))))


if __name__ == "__main__":
    main()
