"""Tools that go on as tasks, held and let go by the tests through probes."""

from typing import Any

import gevent
from pydantic import BaseModel

from mcpserver.changes.model import TaskChanged
from mcpserver.tools import Context, Elicit, JsonRpcError, ToolError, tool
from tests.mcpserver.probing_tools import PROBES


class Name(BaseModel):
    """A name."""

    name: str


@tool(task="optional")
def job(ctx: Context, name: str) -> str:
    """Wait for the probe of that name, as a task."""
    probe = PROBES[name]
    how = "a call"
    try:
        if ctx.start_task(f"Waiting for {name}"):
            how = "a task"
        probe.started.set()
        probe.released.wait()
        if not probe.ended.ready():
            probe.ended.set("done")
        return f"{name} was {how}"
    except BaseException as error:
        probe.ended.set(type(error).__name__)
        raise


@tool(task="required", scopes=("mcp:tools", "snippets:read"))
def guarded_job(ctx: Context) -> str:
    """Return something that needs a scope."""
    ctx.start_task()
    return "secret"


@tool(task="optional")
def failing(ctx: Context, how: str) -> str:
    """Fail as a tool, as a request or by mistake."""
    ctx.start_task()
    gevent.sleep(0)
    match how:
        case "tool":
            raise ToolError("in words")
        case "request":
            raise JsonRpcError(-32603, "by code", {"why": "so"})
        case "json":
            return "no text: \ud800"
        case "asks":
            ctx.sample("what this client cannot be asked")
    raise ZeroDivisionError("a secret")


@tool(task="optional")
def asking(ctx: Context) -> dict[str, Any]:
    """Ask two things at once, then the first again."""
    ctx.start_task()
    both = ctx.ask({"first": Elicit("First?", Name), "second": Elicit("Second?", Name)})
    again = ctx.ask({"first": Elicit("First, again?", Name)})
    every = {**both, "again": again["first"]}
    return {key: each.data.name if each.accepted else each.action for key, each in every.items()}


@tool(task="required")
def ask_before(ctx: Context) -> str:
    """Ask before the task begins, and within it."""
    before = ctx.elicit("Before?", Name, key="name")
    ctx.start_task()
    within = ctx.elicit("Within?", Name, key="name")
    return f"{before.data.name} and {within.data.name}"


@tool(task="optional")
def reporting(ctx: Context, name: str) -> str:
    """Report progress and lines before and within the task."""
    probe = PROBES[name]
    ctx.progress(1, 3, "before")
    ctx.start_task("begun")
    ctx.progress(2, 3, "two of three")
    ctx.log("info", "a line that has nowhere to go")
    probe.started.set()
    probe.released.wait()
    return "reported"


@tool(task="optional")
def plain(name: str) -> str:
    """Take long, and know nothing of it."""
    PROBES[name].started.set()
    PROBES[name].released.wait()
    return "plainly done"


@tool()
def at_once(ctx: Context) -> str:
    """Be no task, whatever it tries."""
    return f"a task: {ctx.start_task()}"


@tool(task="optional")
def chatty(ctx: Context) -> str:
    """Report a thousand times, and return how often that was seen."""
    ctx.start_task()
    seen = 0

    def count(_position: str, change: object) -> None:
        nonlocal seen
        seen += isinstance(change, TaskChanged)

    unwatch = ctx._link._changes.watch(count)  # type: ignore[attr-defined]
    for number in range(1000):
        ctx.progress(number, message=f"report {number}")
    unwatch()
    return str(seen)
