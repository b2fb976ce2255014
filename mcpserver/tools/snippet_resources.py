"""Snippets as resources, ``snippet://<name>``, and a prompt that has one explained.

Made by ``builtin``. Each person reads and lists their own; names are suggested as they are typed. Must not
know where snippets are kept or how a request came in.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from mcp_types import EmbeddedResource, TextContent, TextResourceContents
from pydantic import Field

from mcpserver.errors import ResourceNotFound, ToolError
from mcpserver.snippets.model import InvalidSnippet, SnippetNotFound
from mcpserver.snippets.names import MAX_NAME_CHARACTERS
from mcpserver.snippets.protocol import SnippetStore
from mcpserver.tools.context import Context
from mcpserver.tools.prompt import Prompt, prompt
from mcpserver.tools.resource import ListedResource, Resource, resource
from mcpserver.tools.snippet_tools import READ_SCOPES, explained, owner_of, uri_of

_MIME_TYPE: Final = "text/plain"
_ASKED: Final = {
    "short": "Explain this snippet in a few sentences.",
    "thorough": "Explain this snippet line by line, and say what could go wrong with it.",
}


def snippet_resources(store: SnippetStore) -> tuple[Resource, Prompt]:
    """Return the template and the prompt.

    Args:
        store: where snippets are kept.
    """

    def read(ctx: Context, name: str) -> str:
        with explained():
            try:
                return store.get(owner_of(ctx.principal), name).text
            except (SnippetNotFound, InvalidSnippet):
                raise ResourceNotFound from None

    def names(value: str, ctx: Context) -> Iterable[str]:
        typed = value.lower()
        with explained():
            known = [info.name for info in store.list(owner_of(ctx.principal))]
        begin = [name for name in known if name.lower().startswith(typed)]
        return begin + [name for name in known if typed in name.lower() and name not in begin]

    def listed(ctx: Context) -> Iterable[ListedResource]:
        with explained():
            infos = store.list(owner_of(ctx.principal))
        for info in infos:
            saved_at = datetime.fromtimestamp(info.saved_at_seconds, UTC)
            yield ListedResource(uri_of(info.name), info.name, last_modified=saved_at.isoformat())

    @resource(
        "snippet://{snippetname}",
        name="snippet",
        title="Snippet",
        mime_type=_MIME_TYPE,
        scopes=READ_SCOPES,
        lists=listed,
        completions={"snippetname": names},
    )
    def snippet(ctx: Context, snippetname: str) -> str:
        """A text that you have saved under a name."""
        return read(ctx, snippetname)

    @prompt(title="Explain a snippet", scopes=READ_SCOPES, completions={"snippetname": names})
    def explain_snippet(
        ctx: Context,
        snippetname: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)],
        detail: Literal["short", "thorough"] = "short",
    ) -> list[TextContent | EmbeddedResource]:
        """Have a saved snippet explained.

        Args:
            snippetname: the name under which it was saved.
            detail: how much is to be said.
        """
        try:
            text = read(ctx, snippetname)
        except ResourceNotFound:
            raise ToolError("There is no snippet of that name") from None
        contents = TextResourceContents(uri=uri_of(snippetname), mime_type=_MIME_TYPE, text=text)
        return [
            TextContent(type="text", text=_ASKED[detail]),
            EmbeddedResource(type="resource", resource=contents),
        ]

    return snippet, explain_snippet
