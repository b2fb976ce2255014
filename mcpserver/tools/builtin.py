"""The tools that this server brings along: a greeting, and snippets that belong to whoever saved them.

``app`` asks for them once, with the snippet store to use. They turn arguments into calls of the store and its
errors into words that a model can act on; they must not know where snippets are kept or how a call came in.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field

from mcpserver.principal import Principal
from mcpserver.snippets.model import MAX_SNIPPET_BYTES, Owner, SnippetError, SnippetStoreUnavailable
from mcpserver.snippets.names import MAX_NAME_CHARACTERS, NAME_PATTERN, NAME_RULE
from mcpserver.snippets.protocol import SnippetStore
from mcpserver.tools import Context, Tool, ToolError, tool

GREETING: Final = "Hello I am MCPTool!"
# A caller needs mcp:tools for whatever it does here, so a challenge that named the second scope alone would
# send clients off for a token that cannot even connect.
READ_SCOPES: Final = ("mcp:tools", "snippets:read")
WRITE_SCOPES: Final = ("mcp:tools", "snippets:write")

SnippetName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME_CHARACTERS,
        pattern=NAME_PATTERN,
        description=f"The snippet's name: {NAME_RULE}",
    ),
]
SnippetText = Annotated[
    str, Field(max_length=MAX_SNIPPET_BYTES, description="The text to keep, exactly as it is to be read back")
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedSnippet:
    """A line of the list."""

    snippetname: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class SavedSnippets:
    """What ``list_snippets`` answers."""

    snippets: list[SavedSnippet]


@tool(title="Greeting", read_only=True, destructive=False, idempotent=True, open_world=False)
def hello_mcp() -> str:
    """Say hello: shows that sign-in and connection work."""
    return GREETING


def built_in_tools(store: SnippetStore) -> tuple[Tool, ...]:
    """Return the built-in tools, in the order in which they are listed.

    Args:
        store: where snippets are kept.
    """

    @tool(
        scopes=WRITE_SCOPES,
        title="Save a snippet",
        read_only=False,
        destructive=True,
        idempotent=True,
        open_world=False,
    )
    def save_snippet(ctx: Context, snippetname: SnippetName, snippet: SnippetText) -> str:
        """Keep a text under a name. A snippet of that name that was saved before is replaced."""
        with _explained():
            store.save(_owner(ctx.principal), snippetname, snippet)
        return f"Snippet saved successfully as '{snippetname}'"

    @tool(
        scopes=READ_SCOPES,
        title="Read a snippet",
        read_only=True,
        destructive=False,
        idempotent=True,
        open_world=False,
    )
    def get_snippet(ctx: Context, snippetname: SnippetName) -> str:
        """Return the text that was saved under a name."""
        with _explained():
            return store.get(_owner(ctx.principal), snippetname).text

    @tool(
        scopes=READ_SCOPES,
        title="List snippets",
        read_only=True,
        destructive=False,
        idempotent=True,
        open_world=False,
    )
    def list_snippets(ctx: Context) -> SavedSnippets:
        """List the names under which snippets are saved, and when each was saved last."""
        with _explained():
            infos = store.list(_owner(ctx.principal))
        return SavedSnippets(
            [SavedSnippet(info.name, datetime.fromtimestamp(info.saved_at_seconds, UTC)) for info in infos]
        )

    @tool(
        scopes=WRITE_SCOPES,
        title="Delete a snippet",
        read_only=False,
        destructive=True,
        idempotent=True,
        open_world=False,
    )
    def delete_snippet(ctx: Context, snippetname: SnippetName) -> str:
        """Remove the snippet of a name for good."""
        with _explained():
            store.delete(_owner(ctx.principal), snippetname)
        return f"Snippet deleted: '{snippetname}'"

    return (hello_mcp, save_snippet, get_snippet, list_snippets, delete_snippet)


def _owner(principal: Principal) -> Owner:
    if principal.object_id is None:
        return Owner(None, principal.client_id)
    return Owner(principal.tenant_id, principal.object_id)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except SnippetStoreUnavailable as error:
        _log.warning("the snippet store is unavailable", extra={"reason": error.private_detail})
        raise ToolError(str(error)) from None
    except SnippetError as error:
        raise ToolError(str(error)) from None
