"""Tools that give up on themselves: a time-out of gevent, which is no Exception, leaves the function."""

import gevent
from gevent.event import Event

from mcpserver.tools import Context, tool


@tool()
def give_up() -> str:
    """Wait for what never comes."""
    with gevent.Timeout(0.01):
        Event().wait()
    return "it came"


@tool()
def give_up_with_context(ctx: Context) -> str:
    """Wait for what never comes, ready to report it."""
    ctx.progress(1)
    return give_up()
