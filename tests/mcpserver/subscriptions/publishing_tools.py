"""Tools that say what changed, and resources that may."""

from typing import Literal

from mcpserver.tools import Context, prompt, resource, tool


@tool()
def change_list(ctx: Context, kind: Literal["tools", "prompts", "resources"], everybody: bool = False) -> str:
    """Say that a list changed."""
    match kind:
        case "tools":
            ctx.tools_changed()
        case "prompts":
            ctx.prompts_changed()
        case "resources":
            ctx.resources_changed(everybody=everybody)
    return "said"


@tool()
def update(ctx: Context, uri: str, everybody: bool = False, times: int = 1) -> str:
    """Say that a resource changed; with ``{}`` in the URI, that fifty of them did."""
    for number in range(times):
        ctx.resource_updated(uri.replace("{}", str(number % 50)), everybody=everybody)
    return "said"


@resource("test://one")
def one() -> str:
    """One."""
    return "1"


@resource("test://many/{name}")
def many(name: str) -> str:
    """Many."""
    return name


@resource("test://secret", scopes=["mcp:tools", "model:invoke"])
def secret() -> str:
    """What newcomers cannot read."""
    return "secret"


@prompt()
def words() -> str:
    """Say something."""
    return "words"
