"""Listens to a server through the published Python client; run in a process of its own, without gevent.

``python sdk_subscriber.py URL TOKEN MODE``; prints what it hears as it hears it, one JSON value a line, and
``"over"`` when the server closes the subscription.
"""

import asyncio
import json
import sys
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URI = "snippet://watched"


def say(value: Any) -> None:
    """Print one value."""
    print(json.dumps(value), flush=True)


async def save(client: Client, name: str) -> None:
    """Save a snippet."""
    result = await client.call_tool("save_snippet", {"snippetname": name, "snippet": "text"})
    assert not result.is_error


async def modern(client: Client) -> None:
    """Listen as 2026-07-28 does."""
    async with client.listen(resources_list_changed=True, resource_subscriptions=[URI, "none://"]) as events:
        say(events.honored.model_dump(by_alias=True, exclude_none=True))
        await save(client, "other")
        await save(client, "watched")
        async for event in events:
            say(event.uri if hasattr(event, "uri") else type(event).__name__)
    say("over")


async def legacy(client: Client, heard: "asyncio.Queue[Any]") -> None:
    """Listen as a session does."""
    await client.session.subscribe_resource(URI)
    await save(client, "other")
    await save(client, "watched")
    while True:
        say(await heard.get())


async def main(url: str, token: str, mode: str) -> None:
    """Connect and listen."""
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def on_message(message: Any) -> None:
        params = getattr(message, "params", None)
        await heard.put(str(params.uri) if hasattr(params, "uri") else type(message).__name__)

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http,
        Client(
            streamable_http_client(url, http_client=http), mode=mode, message_handler=on_message
        ) as client,
    ):
        if client.protocol_version >= "2026":
            await modern(client)
        else:
            await legacy(client, heard)


asyncio.run(main(*sys.argv[1:]))
