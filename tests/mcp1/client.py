#!/usr/bin/env python3
"""The official Python client of the first generation, with a token in hand, over each of its transports.

Run by ``tests/e2e/test_features.py`` with an environment of its own. Prints one JSON report, the same that
the newer clients' programs print. Must know nothing of the product: it uses the conformance suite's tools.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from mcp import ClientSession, types
from mcp.client import websocket
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamablehttp_client
from pydantic import AnyUrl

_SECONDS: Final = 20
_FILLED_IN: Final = {"name": "Alice", "username": "alice", "email": "a@contoso.example", "ok": True}


class Host:
    """What a client's program does when the server asks it something or tells it something."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.progress: list[float] = []
        self.changed = asyncio.Event()

    async def elicit(self, _context: Any, params: Any) -> types.ElicitResult:
        wanted = params.requestedSchema["properties"]
        content = {name: _FILLED_IN[name] for name in wanted if name in _FILLED_IN}
        return types.ElicitResult(action="accept", content=content)

    async def sample(self, _context: Any, params: Any) -> types.CreateMessageResult:
        content = types.TextContent(type="text", text=f"echo {params.messages[0].content.text}")
        return types.CreateMessageResult(role="assistant", content=content, model="tests")

    async def roots(self, _context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri="file:///work", name="work")])

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.lines.append(str(params.data))

    async def report(self, progress: float, _total: float | None, _message: str | None) -> None:
        self.progress.append(progress)

    async def hear(self, message: Any) -> None:
        if isinstance(getattr(message, "root", None), types.ToolListChangedNotification):
            self.changed.set()


@asynccontextmanager
async def streams(mode: str, url: str, token: str) -> AsyncIterator[tuple[Any, Any]]:
    """Connect."""
    headers = {"Authorization": f"Bearer {token}"}
    if mode == "ws":
        # Its transport has no way to send a header: only the library below it has.
        websocket.ws_connect = partial(websocket.ws_connect, additional_headers=headers)
        async with websocket.websocket_client(url.replace("http", "ws", 1)) as both:
            yield both
    elif mode == "sse":
        async with sse_client(url, headers=headers) as both:
            yield both
    else:
        async with streamablehttp_client(url, headers=headers) as (read, write, _):
            yield read, write


async def report(url: str, token: str, mode: str) -> dict[str, Any]:
    """Use it all, and say how it went."""
    host = Host()
    async with (
        streams(mode, url, token) as (read, write),
        ClientSession(
            read,
            write,
            elicitation_callback=host.elicit,
            sampling_callback=host.sample,
            list_roots_callback=host.roots,
            logging_callback=host.log,
            message_handler=host.hear,
        ) as session,
    ):
        opened = await session.initialize()
        return {"protocol": opened.protocolVersion, **await _use(session, host)}


async def _use(session: ClientSession, host: Host) -> dict[str, Any]:
    await session.set_logging_level("debug")
    await session.call_tool("test_tool_with_progress", progress_callback=host.report)
    await session.call_tool("test_tool_with_logging")
    mixed = await session.call_tool("test_multiple_content_types")
    resources = (await session.list_resources()).resources
    templates = (await session.list_resource_templates()).resourceTemplates
    prompt = await session.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
    reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    completed = await session.complete(reference, {"name": "arg1", "value": "par"})
    found = {
        "progress": host.progress,
        "lines": len(host.lines),
        "kinds": [block.type for block in mixed.content],
        "elicited": await _text(session, "test_elicitation", {"message": "Who are you?"}),
        "sampled": await _text(session, "test_sampling", {"prompt": "hello"}),
        "roots": await _text(session, "test_input_required_result_list_roots"),
        "several": await _text(session, "test_input_required_result_multiple_inputs"),
        "resource": (await _read(session, "test://static-text")).text,
        "blob": (await _read(session, "test://static-binary")).blob[:6],
        "template": json.loads((await _read(session, "test://template/123/data")).text)["id"],
        "resources": "test://watched-resource" in [str(each.uri) for each in resources],
        "templates": "test://template/{id}/data" in [each.uriTemplate for each in templates],
        "prompt": prompt.messages[0].content.text,
        "prompts": "test_simple_prompt" in [each.name for each in (await session.list_prompts()).prompts],
        "completed": completed.completion.values,
    }
    await session.call_tool("test_trigger_tool_change")
    await asyncio.wait_for(host.changed.wait(), _SECONDS)
    return found | {"changed": True}


async def _read(session: ClientSession, uri: str) -> Any:
    return (await session.read_resource(AnyUrl(uri))).contents[0]


async def _text(session: ClientSession, tool: str, arguments: dict[str, Any] | None = None) -> str:
    result = await session.call_tool(tool, arguments)
    return "".join(block.text for block in result.content if block.type == "text")


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("mode", choices=("http", "sse", "ws"))
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(report(asked.url, asked.token, asked.mode))))


if __name__ == "__main__":
    main()
