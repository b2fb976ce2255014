#!/usr/bin/env python3
"""The official Python client, with a token in hand, using everything a server may offer beside plain tools.

Run by ``test_features.py``, a process of its own. Prints one JSON report, the same that the TypeScript
program prints. Must know nothing of the product: it uses the tools of the conformance suite.
"""

import argparse
import asyncio
import json
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import mcp_types as types
from httpx2 import AsyncClient
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

_SECONDS: Final = 20
_WATCHED: Final = "test://watched-resource"
_FILLED_IN: Final = {"name": "Alice", "username": "alice", "email": "a@contoso.example", "ok": True}


class Host:
    """What a client's program does when the server asks it something or tells it something."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.progress: list[float] = []
        self.changed = asyncio.Event()

    async def elicit(self, _context: Any, params: Any) -> types.ElicitResult:
        wanted = params.requested_schema["properties"]
        given: dict[str, Any] = {
            "name": "Alice",
            "username": "alice",
            "email": "a@contoso.example",
            "ok": True,
        }
        content = {name: given[name] for name in wanted if name in given}
        return types.ElicitResult(action="accept", content=content)

    async def sample(self, _context: Any, params: Any) -> types.CreateMessageResult:
        asked = params.messages[0].content
        words = getattr(asked, "text", "?")
        return types.CreateMessageResult(
            role="assistant", content=types.TextContent(type="text", text=f"echo {words}"), model="tests"
        )

    async def roots(self, _context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri="file:///work", name="work")])

    async def log(self, params: Any) -> None:
        self.lines.append(str(params.data))

    async def report(self, progress: float, _total: float | None, _message: str | None) -> None:
        self.progress.append(progress)

    async def hear(self, message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self.changed.set()


async def report(url: str, token: str, mode: str) -> dict[str, Any]:
    """Use it all, and say how it went."""
    headers = {"Authorization": f"Bearer {token}"}
    host = Host()
    async with AsyncClient(headers=headers, timeout=_SECONDS) as http_client:
        transport: AbstractAsyncContextManager[Any] = (
            sse_client(url, headers=headers)
            if mode == "sse"
            else streamable_http_client(url, http_client=http_client)
        )
        client = Client(
            transport,
            mode="legacy" if mode == "sse" else mode,
            elicitation_callback=host.elicit,
            sampling_callback=host.sample,
            list_roots_callback=host.roots,
            logging_callback=host.log,
            message_handler=host.hear,
            log_level="debug" if mode == "auto" else None,
        )
        async with client:
            return await _use(client, host, modern=mode == "auto")


async def _use(client: Client, host: Host, *, modern: bool) -> dict[str, Any]:
    if not modern:
        await client.set_logging_level("debug")
    await client.call_tool("test_tool_with_progress", progress_callback=host.report)
    await client.call_tool("test_tool_with_logging")
    mixed = await client.call_tool("test_multiple_content_types")
    return {
        "protocol": client.protocol_version,
        "progress": host.progress,
        "lines": len(host.lines),
        "kinds": [block.type for block in mixed.content],
        "elicited": _text(await client.call_tool("test_elicitation", {"message": "Who are you?"})),
        "sampled": _text(await client.call_tool("test_sampling", {"prompt": "hello"})),
        "roots": _text(await client.call_tool("test_input_required_result_list_roots")),
        "several": _text(await client.call_tool("test_input_required_result_multiple_inputs")),
        "resource": _contents(await client.read_resource("test://static-text")),
        "blob": _contents(await client.read_resource("test://static-binary"))[:6],
        "template": json.loads(_contents(await client.read_resource("test://template/123/data")))["id"],
        "resources": _WATCHED in [str(each.uri) for each in (await client.list_resources()).resources],
        "templates": "test://template/{id}/data"
        in [each.uri_template for each in (await client.list_resource_templates()).resource_templates],
        "prompt": await _prompt(client),
        "prompts": "test_simple_prompt" in [each.name for each in (await client.list_prompts()).prompts],
        "completed": await _completed(client),
        "changed": await _hears_a_change(client, host, modern=modern),
    }


async def _prompt(client: Client) -> str:
    result = await client.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
    content = result.messages[0].content
    assert isinstance(content, types.TextContent)
    return content.text


async def _completed(client: Client) -> list[str]:
    reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    return (await client.complete(reference, {"name": "arg1", "value": "par"})).completion.values


async def _hears_a_change(client: Client, host: Host, *, modern: bool) -> bool:
    if not modern:
        await client.call_tool("test_trigger_tool_change")
        await asyncio.wait_for(host.changed.wait(), _SECONDS)
        return True
    async with client.listen(tools_list_changed=True) as subscription:
        await client.call_tool("test_trigger_tool_change")
        async for event in subscription:
            return "ools" in type(event).__name__
    return False


def _text(result: types.CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, types.TextContent))


def _contents(result: types.ReadResourceResult) -> str:
    (contents,) = result.contents
    return contents.text if isinstance(contents, types.TextResourceContents) else contents.blob


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("mode", help="auto, legacy or sse")
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(report(asked.url, asked.token, asked.mode))))


if __name__ == "__main__":
    main()
