"""Tools that go on as tasks."""

import time

from pydantic import BaseModel

from mcpserver.tools import Context, Elicit, JsonRpcError, ToolError, tool


class Confirmation(BaseModel):
    """A yes or no."""

    confirm: bool


class Name(BaseModel):
    """A name."""

    name: str


@tool()
def greet(name: str) -> str:
    """Say hello at once.

    Args:
        name: to whom.
    """
    return f"Hello, {name}!"


@tool(task="optional")
def slow_compute(ctx: Context, seconds: float, label: str = "") -> str:
    """Take a while.

    Args:
        seconds: how long.
        label: what to call it.
    """
    ctx.start_task(f"Computing {label}")
    time.sleep(seconds)
    return f"Computed {label} in {seconds} s"


@tool(task="required")
def failing_job(ctx: Context) -> str:
    """Fail after a while, in words that a model can read."""
    ctx.start_task()
    time.sleep(1)
    raise ToolError("This job intentionally fails")


@tool(task="optional")
def protocol_error_job(ctx: Context) -> str:
    """Fail as a request, not as a tool."""
    ctx.start_task()
    time.sleep(0.05)
    raise JsonRpcError(-32603, "This job intentionally breaks")


@tool(task="optional")
def confirm_delete(ctx: Context, filename: str) -> str:
    """Ask before something is deleted.

    Args:
        filename: of what.
    """
    ctx.start_task()
    answer = ctx.elicit(f"Delete {filename}?", Confirmation)
    return f"Deleted {filename}" if answer.accepted and answer.data.confirm else f"Kept {filename}"


@tool(task="optional")
def multi_input(ctx: Context) -> str:
    """Ask two things at once."""
    ctx.start_task()
    answers = ctx.ask({"first": Elicit("First name?", Name), "second": Elicit("Second name?", Name)})
    return ", ".join(f"{key}: {answer.action}" for key, answer in answers.items())


@tool(task="required")
def test_tool_with_task(ctx: Context) -> str:
    """Ask first, then go on as a task."""
    answer = ctx.elicit("What is your name?", Name, key="user_name")
    ctx.start_task()
    return f"Hello, {answer.data.name}!" if answer.accepted else "Hello!"
