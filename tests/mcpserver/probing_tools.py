"""Tools for tests: well-behaved ones, ones that wait until a test lets them go, and ones that misbehave.

Served by naming this module in ``tool_modules``, as a deployment would do it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from gevent.event import AsyncResult, Event
from mcp_types import AudioContent, ImageContent, TextContent
from pydantic import BaseModel, Field

from mcpserver.tools import Context, ToolError, tool


@dataclass
class Probe:
    """A test's hold on one call: when it began, when it may go on, how it ended."""

    started: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)
    ended: "AsyncResult[str]" = field(default_factory=AsyncResult)
    sent: int = 0


PROBES: dict[str, Probe] = {}
"""By the name that test and tool agree on."""


def probe(name: str) -> Probe:
    """Return a new probe of that name."""
    PROBES[name] = Probe()
    return PROBES[name]


class Point(BaseModel):
    """A point."""

    x: int
    y: int = 0


class Tree(BaseModel):
    """Contains itself."""

    name: str
    children: list["Tree"] = []


@tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


@tool(title="Add", read_only=True)
def add(
    a: int,
    b: Annotated[int, Field(ge=0, le=10)] = 1,
    mode: Literal["exact", "rough"] = "exact",
) -> int:
    """Add two numbers.

    Nothing else.

    Args:
        a: the first number,
            which may be anything: even negative
        b (int): the second

    Returns:
        The sum.
    """
    return a + b


@tool()
def move(point: Point, steps: list[Point]) -> Point:
    """Return where one arrives."""
    return Point(x=point.x + sum(s.x for s in steps), y=point.y)


@tool()
def grow(tree: Tree) -> Tree:
    """Return a bigger tree."""
    return Tree(name="root", children=[tree])


@tool()
def show() -> list[TextContent | ImageContent]:
    """Return content blocks."""
    return [
        TextContent(type="text", text="one"),
        ImageContent(type="image", data="AAAA", mime_type="image/png"),
    ]


@tool()
def play() -> AudioContent:
    """Return a sound."""
    return AudioContent(type="audio", data="AAAA", mime_type="audio/wav")


@tool()
def report(ctx: Context, times: int = 3) -> str:
    """Report progress and log lines."""
    for number in range(1, times + 1):
        ctx.progress(number, times, f"step {number}")
        ctx.log("info", f"line {number}")
        ctx.log("debug", f"detail {number}")
    return "reported"


@tool()
def wait(ctx: Context, name: str, says: bool = False) -> str:
    """Wait until the test says so; with ``says`` a report comes before and after."""
    return _wait(PROBES[name], ctx if says else None)


@tool()
def wait_silently(name: str) -> str:
    """Wait, without a way to report anything."""
    return _wait(PROBES[name], None)


def _wait(own: Probe, ctx: Context | None) -> str:
    if ctx is not None:
        ctx.progress(1, 2)
    own.started.set()
    try:
        own.released.wait()
    except BaseException:
        own.ended.set("cancelled")
        raise
    if ctx is not None:
        ctx.progress(2, 2)
    own.ended.set("returned")
    return "waited"


@tool()
def flood(ctx: Context, name: str, count: int, size: int = 10) -> str:
    """Send very many log lines without a pause."""
    own = PROBES[name]
    own.started.set()
    try:
        for _ in range(count):
            ctx.log("info", "x" * size)
            own.sent += 1
    except BaseException:
        own.ended.set("cancelled")
        raise
    own.ended.set("returned")
    return "flooded"


@tool()
def refuse() -> str:
    """Tell the model what to do."""
    raise ToolError("Say please")


@tool()
def crash() -> str:
    """Fail in a way that nobody should see."""
    raise RuntimeError("the password is hunter2")


@tool()
def junk(kind: Literal["type", "surrogate", "object", "huge", "leaves"]) -> Any:
    """Return what cannot be sent."""
    if kind == "leaves":
        raise SystemExit(3)
    return {"type": {1: {2, 3}}, "surrogate": "\ud800", "object": object(), "huge": [10**40]}[kind]


@tool()
def broken_promise() -> int:
    """Return something else than promised."""
    return "seven"  # type: ignore[return-value]


@tool(scopes=["mcp:tools", "model:invoke"])
def expensive() -> str:
    """Need a scope that newcomers do not have."""
    return "done"
