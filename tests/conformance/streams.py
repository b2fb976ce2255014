"""Tools that report while they run, hang up, or say that a list changed."""

import time
from typing import Final

from mcpserver.tools import Context, tool

_PAUSE_SECONDS: Final = 0.05


@tool()
def test_tool_with_progress(ctx: Context) -> str:
    """Report progress."""
    ctx.progress(0, 100)
    time.sleep(_PAUSE_SECONDS)
    ctx.progress(50, 100)
    time.sleep(_PAUSE_SECONDS)
    ctx.progress(100, 100)
    # Some clients stop listening the moment the result is there.
    time.sleep(_PAUSE_SECONDS)
    return "Progress reported"


@tool()
def test_tool_with_logging(ctx: Context) -> str:
    """Write log lines."""
    ctx.log("info", "Tool execution started")
    time.sleep(_PAUSE_SECONDS)
    ctx.log("info", "Tool processing data")
    time.sleep(_PAUSE_SECONDS)
    ctx.log("info", "Tool execution completed")
    return "Lines written"


@tool()
def test_logging_tool(ctx: Context) -> str:
    """Write a log line of each severity that matters here."""
    ctx.log("debug", "a detail")
    ctx.log("error", "a problem")
    return "Lines written"


@tool()
def test_reconnection(ctx: Context) -> str:
    """Close the stream before the result is there."""
    ctx.hang_up()
    time.sleep(_PAUSE_SECONDS)
    return "The result came after the stream was closed"


@tool()
def test_trigger_tool_change(ctx: Context) -> str:
    """Say that the list of tools changed."""
    ctx.tools_changed()
    return "Said so"


@tool()
def test_trigger_prompt_change(ctx: Context) -> str:
    """Say that the list of prompts changed."""
    ctx.prompts_changed()
    return "Said so"
