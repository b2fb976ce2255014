"""The narrow protocol between the tools and a snippet store. Every verb is atomic: it happens whole or not at
all."""

from typing import Protocol

from mcpserver.snippets.model import Expected, Owner, Snippet, SnippetInfo


class SnippetStore(Protocol):
    """Keeps texts by owner and name.

    Every verb may raise ``SnippetStoreUnavailable`` (within seconds, never after a long hang) and, for an
    illegal name, ``InvalidSnippet``. A store that was configured as shared has one set of snippets and
    ignores the owner.
    """

    def save(self, owner: Owner, name: str, text: str, expected: Expected | None = None) -> str:
        """Keep the text, replacing what was there, and return the new etag. Acknowledged means durable.

        Raises:
            SnippetConflict: what is stored is not what was expected; without an expectation never.
        """

    def get(self, owner: Owner, name: str) -> Snippet:
        """Return the snippet.

        Raises:
            SnippetNotFound: there is none of that name.
        """

    def list(self, owner: Owner) -> tuple[SnippetInfo, ...]:
        """Return all of the owner's snippets without their texts, sorted by name."""

    def delete(self, owner: Owner, name: str, expected_etag: str | None = None) -> None:
        """Remove the snippet.

        Raises:
            SnippetNotFound: there is none of that name.
            SnippetConflict: a version was expected and is not the one that is there.
        """

    def check(self) -> None:
        """Return when the store answers; for ``/readyz``."""
