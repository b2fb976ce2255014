"""What the snippet stores take, return and raise. Knows no backend."""

from dataclasses import dataclass
from typing import Final

MAX_SNIPPET_BYTES: Final = 1024 * 1024
"""The longest text of one snippet, in UTF-8."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose snippets are meant.

    A person is a pair, because an object id alone names nobody across tenants. A program that acts for itself
    has no tenant, and its client id in the object id's place.
    """

    tenant_id: str | None
    object_id: str


@dataclass(frozen=True, slots=True)
class SnippetInfo:
    """A snippet without its text."""

    name: str
    saved_at_seconds: float
    etag: str
    """Changes with every save; opaque."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A snippet as it was read."""

    name: str
    text: str
    saved_at_seconds: float
    etag: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A condition on what is stored at the moment of writing: optimistic concurrency.

    ``etag`` is the version that must still be there; ``None`` means that nothing may be there yet.
    """

    etag: str | None


class SnippetError(Exception):
    """What a caller of the stores must expect. The message is public, the detail is for the log alone."""

    def __init__(self, message: str, private_detail: str | None = None) -> None:
        super().__init__(message)
        self.private_detail = private_detail


class InvalidSnippet(SnippetError):
    """The name or the text is not acceptable; the message says what is."""


class SnippetNotFound(SnippetError):
    """This owner has no snippet of that name."""


class SnippetConflict(SnippetError):
    """The snippet changed since it was read, or is there although it should not be."""


class SnippetStoreUnavailable(SnippetError):
    """The backend cannot be reached, is full or refuses; nothing was written. Worth trying again later."""

    def __init__(self, private_detail: str) -> None:
        super().__init__("The snippet store is not available at the moment; please try again", private_detail)


def checked_text(text: str) -> bytes:
    """Return the text in UTF-8.

    Raises:
        InvalidSnippet: it is too long or no Unicode text (a lone surrogate).
    """
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InvalidSnippet("The snippet is not valid Unicode text") from None
    if len(data) > MAX_SNIPPET_BYTES:
        raise InvalidSnippet(
            f"The snippet is too long: {len(data)} bytes, at most {MAX_SNIPPET_BYTES} are kept"
        )
    return data
