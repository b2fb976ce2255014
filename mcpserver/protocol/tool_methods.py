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
from mcp_types import CallToolResult

from mcpserver import metrics
from mcpserver.errors import INVALID_PARAMS, InsufficientScope, JsonRpcError, MissingCapability, ToolError
from mcpserver.principal import Principal
from mcpserver.protocol import call_spans, content
from mcpserver.protocol.call import Call
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.dispatch import Methods, Row
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.jsonrpc import Request
from mcpserver.protocol.listing import cacheable, page
from mcpserver.protocol.results import modern_result
from mcpserver.protocol.task_results import REQUIRED, offers_tasks
from mcpserver.tools import Tool
from mcpserver.tools.header import Path
from mcpserver.tools.invalid import ArgumentsInvalid
from telemetry import correlation

_ANNOTATIONS_SINCE: Final = "2025-03-26"
_log = logging.getLogger(__name__)


class ToolMethods:
    """Args: tools: by name; contexts: makes what tools are given of a call."""

    def __init__(self, tools: Mapping[str, Tool], contexts: Contexts) -> None:
        self._tools = tools
        self._contexts = contexts
        self._listings: dict[str, list[dict[str, Any]]] = {}
        # The same for all pages and callers (MCP Caching, "Interaction with Pagination").
        self._varies = any(tool.visible is not None for tool in tools.values())

    def methods(self) -> Methods:
        """Return the rows."""
        return {
            "tools/list": Row(self.list),
            "tools/call": Row(
                self.call, admit=self.find, speaks=self.may_notify, headers=self.repeated_in_headers
            ),
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Return one page of the tools that this caller may know of.

        Raises:
            JsonRpcError: the cursor is none of ours.
        """
        listing = self._listings.get(call.version)
        if listing is None:
            listing = self._listings[call.version] = [
                described(tool, call.version) for tool in self._tools.values()
            ]
        if self._varies:
            seen = {name for name, tool in self._tools.items() if _is_seen(tool, call.principal)}
            listing = [entry for entry in listing if entry["name"] in seen]
        body = page("tools", listing, "name", call.request.params.get("cursor"))
        return modern_result(cacheable(body, private=self._varies)) if call.version == MODERN else body

    def call(self, call: Call) -> dict[str, Any]:
        """Run a tool.

        Raises:
            JsonRpcError: there is no such tool, or the request is malformed.
            InsufficientScope: the token lacks a scope.
        """
        tool, arguments = self.find(call)
        call_spans.target("tool", tool.name)
        started = time.perf_counter()
        body = _run(tool, arguments, call, self._contexts)
        metrics.tool_called(tool.name, time.perf_counter() - started, failed="isError" in body)
        return modern_result(body) if call.version == MODERN else body

    def may_notify(self, request: Request) -> bool:
        """Say whether the tool that a tools/call names may send notifications before its result."""
        name = request.params.get("name")
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            return False
        return tool.signature.context_parameter is not None or tool.task != "never"

    def repeated_in_headers(self, request: Request, principal: Principal) -> Mapping[str, Path]:
        """Return which arguments of a tools/call stand in headers as well; none of a tool that is not for the
        caller.
        """
        name = request.params.get("name")
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None or not tool.headers or not _is_seen(tool, principal):
            return {}
        return tool.headers

    def find(self, call: Call) -> tuple[Tool, Mapping[str, Any]]:
        """Return the tool that a call names and its arguments, once the caller may use it."""
        params = call.request.params
        name, arguments = params.get("name"), params.get("arguments")
        if not isinstance(name, str):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: name must be a string")
        if arguments is not None and not isinstance(arguments, dict):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: arguments must be an object")
        tool = self._tools.get(name)
        if tool is None or (tool.visible is not None and not _is_seen(tool, call.principal)):
            raise JsonRpcError(INVALID_PARAMS, f"Unknown tool: {name[:64]}")
        if not tool.scopes <= call.principal.scopes:
            # MCP Authorization, "Runtime Insufficient Scope Errors": name all that the operation needs.
            raise InsufficientScope(tool.scopes)
        if tool.task == "required":
            self._check_knows_tasks(call)
        return tool, arguments or {}

    def _check_knows_tasks(self, call: Call) -> None:
        is_modern = call.version == MODERN
        if self._contexts.keeps_tasks and not (is_modern and offers_tasks(call.capabilities)):
            # SEP-2663, "Capability Negotiation"; revisions before know no such error, and no such tasks.
            raise MissingCapability(REQUIRED, http_status=400 if is_modern else 200)


def _run(tool: Tool, arguments: Mapping[str, Any], call: Call, contexts: Contexts) -> dict[str, Any]:
    signature = tool.signature
    try:
        named = signature.read(arguments)
        if signature.context_parameter is not None:
            named[signature.context_parameter] = contexts.make(call, tool.name, tool=tool)
        elif tool.task != "never":
            # It cannot say from where on: it is a task as a whole.
            contexts.make(call, tool.name, tool=tool).start_task()
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
    if isinstance(returned, CallToolResult):
        return _own_result(returned, version)
    if structured is not None:
        text = orjson.dumps(structured).decode()
        body: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
        if version >= content.DETAILS_SINCE:
            body["structuredContent"] = structured
        return body
    return {"content": content.blocks(returned, version)}


def _own_result(returned: CallToolResult, version: str) -> dict[str, Any]:
    """Return a result that the tool made whole: content beside structure, or an error with more than text."""
    body: dict[str, Any] = {"content": content.blocks(returned.content, version)}
    if returned.structured_content is not None and version >= content.DETAILS_SINCE:
        body["structuredContent"] = returned.structured_content
    if returned.is_error:
        body["isError"] = True
    if returned.meta:
        body["_meta"] = returned.meta
    return body


def _failed(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _is_seen(tool: Tool, principal: Principal) -> bool:
    if tool.visible is None:
        return True
    try:
        return tool.visible(principal)
    except Exception:
        # Unlisted rather than no list for anybody.
        _log.exception("whether tool %s is visible could not be said", tool.name)
        return False


def described(tool: Tool, version: str) -> dict[str, Any]:
    """Return the entry of a tool in the list of a revision."""
    body: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": dict(tool.signature.input_schema),
    }
    # Members that a revision does not know are left out: some clients of its time are strict. So is
    # ``execution`` of 2025-11-25: that revision's own tasks are not served.
    annotations = dict(tool.annotations)
    if tool.title and version < content.DETAILS_SINCE:
        annotations.setdefault("title", tool.title)  # the one place for it then
    if version >= _ANNOTATIONS_SINCE and annotations:
        body["annotations"] = annotations
    if version >= content.DETAILS_SINCE and tool.signature.output_schema is not None:
        body["outputSchema"] = dict(tool.signature.output_schema)
    return content.described(version, body, title=tool.title, icons=tool.icons, meta=tool.meta)
