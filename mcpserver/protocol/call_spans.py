"""The span of one JSON-RPC request (OpenTelemetry semantic conventions for MCP, server).

Opened by ``dispatch`` where somebody receives spans. Must not take names from a request: a tool that does not
exist is no name for a span, and arguments are nobody's business.
"""

from collections.abc import Container
from typing import Any, Final

from mcpserver.errors import InsufficientScope, JsonRpcError, McpServerError
from mcpserver.protocol.call import Call
from telemetry import correlation, tracing
from telemetry.trace_context import TraceContext

_OTHER: Final = "_OTHER"


def span_of(call: Call, methods: Container[str]) -> tracing.Span:
    """Return the request's span, part of what ``_meta`` says or else of what the HTTP request says.

    ``_meta`` is the client's own word about this request (MCP 2026-07-28, Overview, "_meta"); the header may
    be a proxy's, and on one connection of WebSocket is the same for all: it becomes a link.

    Args:
        call: what is asked.
        methods: those that there are: another one's name is the client's.
    """
    meta = call.request.params.get("_meta")
    said = meta if isinstance(meta, dict) else {}
    method = call.request.method if call.request.method in methods else _OTHER
    return tracing.span(
        method,
        "server",
        {
            "mcp.method.name": method,
            "mcp.protocol.version": call.version,
            "correlation_id": correlation.current(),
        },
        parent=TraceContext.parse(said.get("traceparent"), said.get("tracestate")),
    )


def target(kind: str, name: str) -> None:
    """Say what the request is for, once that is known to exist.

    Args:
        kind: ``tool`` or ``prompt``.
        name: as it was registered.
    """
    if tracing.is_on():
        span = tracing.running()
        span.name(f"{'tools/call' if kind == 'tool' else 'prompts/get'} {name}")
        span.set({f"gen_ai.{kind}.name": name})
        if kind == "tool":
            span.set({"gen_ai.operation.name": "execute_tool"})


def refused(span: tracing.Span, error: McpServerError) -> None:
    """Say how the request was refused."""
    match error:
        case JsonRpcError():
            span.set({"rpc.response.status_code": str(error.code)})
            span.fail(str(error.code))
        case InsufficientScope():
            span.fail("insufficient_scope")
        case _:
            span.fail(type(error).__name__)


def answered(span: tracing.Span, result: dict[str, Any]) -> None:
    """Say that the tool failed, where it did (the conventions' own word)."""
    if result.get("isError") is True:
        span.fail("tool_error")
