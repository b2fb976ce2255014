"""The features that this server brings along: a greeting, and snippets that belong to whoever saved them.

``app`` asks for them once, with the snippet store to use.
"""

from typing import Final

from mcpserver.snippets.protocol import SnippetStore
from mcpserver.tools.model import tool
from mcpserver.tools.registry import Feature
from mcpserver.tools.snippet_resources import snippet_resources
from mcpserver.tools.snippet_tools import snippet_tools

GREETING: Final = "Hello I am MCPTool!"


@tool(title="Greeting", read_only=True, destructive=False, idempotent=True, open_world=False)
def hello_mcp() -> str:
    """Say hello: shows that sign-in and connection work."""
    return GREETING


def built_in_features(store: SnippetStore, *, shared: bool = False) -> tuple[Feature, ...]:
    """Return the built-in features, in the order in which they are listed.

    Args:
        store: where snippets are kept.
        shared: the store has one set of snippets for everybody.
    """
    return (hello_mcp, *snippet_tools(store, shared=shared), *snippet_resources(store))
