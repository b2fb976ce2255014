"""tools/list and tools/call in every revision.

Rows of the dispatcher's table. Lists are rendered once per revision, when the server starts; a call is a
dictionary look-up, a scope check, pydantic, and the function. Must not know how results travel.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import gevent
import orjson
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from mcpserver import metrics
from mcpserver.errors import INVALID_PARAMS, InsufficientScope, JsonRpcError, ToolError
from mcpserver.protocol.call import Call
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.jsonrpc import Request
from mcpserver.protocol.server import cacheable, modern_result
from mcpserver.tools import Tool
from mcpserver.tools.registry import Registry
from mcpserver.tools.schema import ArgumentsInvalid
from telemetry import correlation

PAGE_SIZE: Final = 100
_log = logging.getLogger(__name__)


class ToolMethods:
    """Args: registry: all tools; fixed from here on; contexts: makes what tools are given of a call."""

    def __init__(self, registry: Registry, contexts: Contexts) -> None:
        self._registry = registry
        self._contexts = contexts
        self._listings: dict[str, list[dict[str, Any]]] = {}

    def methods(self) -> Methods:
        """Return the rows."""
        return {
            "tools/list": Row(self.list),
            "tools/call": Row(self.call, admit=self.find, speaks=self.may_notify),
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Return one page of the tools; the cursor is the name of the last tool of the page before."""
        listing = self._listings.get(call.version)
        if listing is None:
            listing = self._listings[call.version] = [_described(t, call.version) for t in self._registry]
        start = _start(listing, call.request.params.get("cursor"))
        page = listing[start : start + PAGE_SIZE]
        body: dict[str, Any] = {"tools": page}
        if start + PAGE_SIZE < len(listing):
            body["nextCursor"] = page[-1]["name"]
        if call.version == MODERN:
            return modern_result(cacheable(body, private=False))
        return body

    def call(self, call: Call) -> dict[str, Any]:
        """Run a tool.

        Raises:
            JsonRpcError: there is no such tool, or the request is malformed.
            InsufficientScope: the token lacks a scope.
        """
        tool, arguments = self.find(call)
        started = time.perf_counter()
        body = _run(tool, arguments, call, self._contexts)
        metrics.tool_called(tool.name, time.perf_counter() - started, failed="isError" in body)
        return modern_result(body) if call.version == MODERN else body

    def may_notify(self, request: Request) -> bool:
        """Say whether the tool that a tools/call names may send notifications before its result."""
        name = request.params.get("name")
        tool = self._registry.get(name) if isinstance(name, str) else None
        return tool is not None and tool.signature.context_parameter is not None

    def find(self, call: Call) -> tuple[Tool, Mapping[str, Any]]:
        """Return the tool that a call names and its arguments, once the caller may use it."""
        params = call.request.params
        name, arguments = params.get("name"), params.get("arguments")
        if not isinstance(name, str):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: name must be a string")
        if arguments is not None and not isinstance(arguments, dict):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: arguments must be an object")
        tool = self._registry.get(name)
        if tool is None:
            raise JsonRpcError(INVALID_PARAMS, f"Unknown tool: {name[:64]}")
        if not tool.scopes <= call.principal.scopes:
            # MCP Authorization, "Runtime Insufficient Scope Errors": name all that the operation needs.
            raise InsufficientScope(tool.scopes)
        return tool, arguments or {}


def _run(tool: Tool, arguments: Mapping[str, Any], call: Call, contexts: Contexts) -> dict[str, Any]:
    signature = tool.signature
    try:
        named = signature.read(arguments)
        if signature.context_parameter is not None:
            named[signature.context_parameter] = contexts.make(call, tool.name)
        returned = tool.function(**named)
        return _result(returned, signature.structured(returned), call.version)
    except (ToolError, ArgumentsInvalid) as error:
        # MCP 2025-11-25 Tools, "Error Handling": what the model can mend is a result, not a protocol error.
        return _failed(str(error))
    except JsonRpcError:
        raise
    except (Exception, SystemExit, gevent.Timeout):
        # SystemExit too: it would end the process, and everybody's calls with it. A time-out of gevent is no
        # Exception either, and nobody below here would answer the call.
        _log.exception("tool %s failed", tool.name)
        return _failed(f"The tool failed (reference {correlation.current()})")


def _result(returned: Any, structured: Any, version: str) -> dict[str, Any]:
    if isinstance(returned, str):
        return {"content": [{"type": "text", "text": returned}]}
    if structured is not None:
        text = orjson.dumps(structured).decode()
        body: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
        if version >= "2025-06-18":
            body["structuredContent"] = structured
        return body
    return {"content": _content(returned)}


def _content(returned: Any) -> list[dict[str, Any]]:
    """Return content blocks: mcp-types' own, a list of them, or the text of anything else."""
    if returned is None:
        return []
    items = returned if isinstance(returned, list | tuple) else [returned]
    if all(isinstance(item, BaseModel) and hasattr(item, "type") for item in items):
        return [item.model_dump(mode="json", by_alias=True, exclude_none=True) for item in items]
    return [{"type": "text", "text": orjson.dumps(to_jsonable_python(returned)).decode()}]


def _failed(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _start(listing: list[dict[str, Any]], cursor: str | None) -> int:
    if cursor is None:
        return 0
    for index, described in enumerate(listing):
        if described["name"] == cursor:
            return index + 1
    # MCP Pagination, "Error Handling".
    raise JsonRpcError(INVALID_PARAMS, "Invalid params: unknown cursor")


def _described(tool: Tool, version: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": dict(tool.signature.input_schema),
    }
    # Members that a revision does not know are left out: some clients of its time are strict.
    if version >= "2025-03-26" and tool.annotations:
        body["annotations"] = dict(tool.annotations)
    if version >= "2025-06-18":
        if tool.title:
            body["title"] = tool.title
        if tool.signature.output_schema is not None:
            body["outputSchema"] = dict(tool.signature.output_schema)
    return body
