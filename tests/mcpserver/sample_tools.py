"""Tools that behave well and badly, written with the public API alone; served by the transports' tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from mcpserver.tools import Context, ToolError, tool
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Sum:
    """A structured result."""

    total: int


@tool(read_only=True)
def add(a: int, b: Annotated[int, Field(ge=0)] = 1, mode: Literal["plain", "loud"] = "plain") -> Sum:
    """Add two numbers.

    Args:
        a: the first one.
        mode: how.
    """
    return Sum(a + b)


@tool()
def count_to(limit: int, ctx: Context) -> str:
    """Report progress and log lines on the way."""
    for number in range(1, limit + 1):
        ctx.progress(number, limit, f"at {number}")
        ctx.log("info", f"line {number}")
    return f"counted to {limit}"


@tool()
def wait_for_file(path: str, ctx: Context) -> str:
    """Say that it has begun, then wait until a file is there; leave a trace when it is stopped."""
    ctx.progress(1)
    try:
        wait_until(Path(path).exists, "the file")
    except BaseException:
        Path(path + ".stopped").touch()
        raise
    return "there"


@tool()
def refuse() -> str:
    """Fail in a way that the model may read."""
    raise ToolError("the cupboard is bare")


@tool()
def break_down() -> str:
    """Fail by mistake."""
    raise RuntimeError("a private detail")


@tool()
def junk() -> Any:
    """Return what no JSON can hold."""
    return object()


@tool(scopes=["mcp:tools", "model:invoke"])
def needs_more() -> str:
    """Need a scope that nobody is given."""
    return "never"
