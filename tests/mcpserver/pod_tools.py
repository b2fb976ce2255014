"""Tools for servers of several processes: what they do shows in files that a test can see."""

from pathlib import Path

from pydantic import BaseModel

from mcpserver.tools import Context, resource, tool
from tests.support.waiting import wait_until


class Name(BaseModel):
    """What a person is called."""

    name: str


@tool()
def greet(ctx: Context) -> str:
    """Ask for a name and greet it."""
    answer = ctx.elicit("What is your name?", Name)
    return f"Hello {answer.data.name}" if answer.data is not None else "Hello whoever"


@tool()
def wait_for_file(path: str, ctx: Context) -> str:
    """Say that it has begun, then wait until a file is there; leave a trace when it is stopped."""
    ctx.progress(1)
    try:
        wait_until(Path(path).exists, "the file", deadline_seconds=60)
    except BaseException:
        Path(path + ".stopped").touch()
        raise
    return "there"


@tool()
def flood(path: str, times: int, size: int, ctx: Context) -> str:
    """Send log lines without a pause; a file says how far it is."""
    with Path(path).open("ab", buffering=0) as so_far:
        for number in range(times):
            ctx.log("info", f"{number} {'x' * size}")
            so_far.write(b".")
    return "flooded"


@tool()
def change(ctx: Context) -> str:
    """Say that a list and a resource changed."""
    ctx.tools_changed()
    ctx.resource_updated("test://one", everybody=True)
    return "said"


@resource("test://one")
def one() -> str:
    """One."""
    return "1"
