"""Snippets as tools: save, read, list and delete, each person their own.

Made by ``builtin``. They turn arguments into calls of the store and its errors into words that a model can
act on, and say what changed; they must not know where snippets are kept or how a call came in.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import Field

from mcpserver.errors import ToolError
from mcpserver.principal import Principal
from mcpserver.snippets.model import MAX_SNIPPET_BYTES, Expected, Owner, SnippetError, SnippetStoreUnavailable
from mcpserver.snippets.names import MAX_NAME_CHARACTERS, NAME_PATTERN, NAME_RULE
from mcpserver.snippets.protocol import SnippetStore
from mcpserver.tools.context import Context
from mcpserver.tools.model import Tool, tool

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

Version = Annotated[
    str | None,
    Field(
        max_length=200,
        description="Save only if the snippet still has this version (list_snippets tells it); "
        "an empty text: only if there is no snippet of that name yet. Left out: replace whatever is there",
    ),
]
DeletedVersion = Annotated[
    str | None,
    Field(max_length=200, description="Delete only if the snippet still has this version"),
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedSnippet:
    """A line of the list."""

    snippetname: str
    saved_at: datetime
    version: str


@dataclass(frozen=True, slots=True)
class SavedSnippets:
    """What ``list_snippets`` answers."""

    snippets: list[SavedSnippet]


def snippet_tools(store: SnippetStore, *, shared: bool) -> tuple[Tool, ...]:
    """Return the tools, in the order in which they are listed.

    Args:
        store: where snippets are kept.
        shared: one set of snippets for everybody: everybody is told what changed.
    """

    def changed(ctx: Context, name: str) -> None:
        ctx.resource_updated(uri_of(name), everybody=shared)
        # The list says when each was saved last.
        ctx.resources_changed(everybody=shared)

    @tool(
        scopes=WRITE_SCOPES,
        title="Save a snippet",
        read_only=False,
        destructive=True,
        idempotent=True,
        open_world=False,
    )
    def save_snippet(
        ctx: Context, snippetname: SnippetName, snippet: SnippetText, expected_version: Version = None
    ) -> str:
        """Keep a text under a name. A snippet of that name that was saved before is replaced."""
        expected = None if expected_version is None else Expected(expected_version or None)
        with explained():
            store.save(owner_of(ctx.principal), snippetname, snippet, expected)
        changed(ctx, snippetname)
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
        with explained():
            return store.get(owner_of(ctx.principal), snippetname).text

    @tool(
        scopes=READ_SCOPES,
        title="List snippets",
        read_only=True,
        destructive=False,
        idempotent=True,
        open_world=False,
    )
    def list_snippets(ctx: Context) -> SavedSnippets:
        """List the names under which snippets are saved, when each was saved last, and its version."""
        with explained():
            infos = store.list(owner_of(ctx.principal))
        return SavedSnippets(
            [
                SavedSnippet(info.name, datetime.fromtimestamp(info.saved_at_seconds, UTC), info.etag)
                for info in infos
            ]
        )

    @tool(
        scopes=WRITE_SCOPES,
        title="Delete a snippet",
        read_only=False,
        destructive=True,
        idempotent=True,
        open_world=False,
    )
    def delete_snippet(
        ctx: Context, snippetname: SnippetName, expected_version: DeletedVersion = None
    ) -> str:
        """Remove the snippet of a name for good."""
        with explained():
            store.delete(owner_of(ctx.principal), snippetname, expected_version)
        changed(ctx, snippetname)
        return f"Snippet deleted: '{snippetname}'"

    return (save_snippet, get_snippet, list_snippets, delete_snippet)


def uri_of(name: str) -> str:
    """Return the URI of the resource that a snippet is."""
    return f"snippet://{quote(name, safe='')}"


def owner_of(principal: Principal) -> Owner:
    """Return whose snippets a caller means."""
    if principal.object_id is None:
        return Owner(None, principal.client_id)
    return Owner(principal.tenant_id, principal.object_id)


@contextmanager
def explained() -> Iterator[None]:
    """Turn the store's errors into words for the model."""
    try:
        yield
    except SnippetStoreUnavailable as error:
        _log.warning("the snippet store is unavailable", extra={"reason": error.private_detail})
        raise ToolError(str(error)) from None
    except SnippetError as error:
        raise ToolError(str(error)) from None
