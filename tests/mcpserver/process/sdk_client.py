"""Calls a server through the published Python client; run in a process of its own, without gevent.

``python sdk_client.py URL TOKEN MODE``; prints one JSON object.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, token: str, mode: str) -> None:
    """Connect, list, call."""
    progress: list[float] = []

    async def on_progress(value: float, _total: float | None, _message: str | None) -> None:
        progress.append(value)

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        listed = await client.list_tools()
        greeting = await client.call_tool("hello_mcp", {})
        counted = await client.call_tool("count_to", {"limit": 3}, progress_callback=on_progress)
        added = await client.call_tool("add", {"a": 2, "b": 3})
        print(
            json.dumps(
                {
                    "version": client.protocol_version,
                    "tools": [tool.name for tool in listed.tools],
                    "greeting": greeting.content[0].text,
                    "counted": counted.content[0].text,
                    "progress": progress,
                    "added": added.structured_content,
                }
            )
        )


asyncio.run(main(*sys.argv[1:]))
