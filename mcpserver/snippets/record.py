"""The JSON document that holds one snippet, the same in a file and in a blob: ``{"snippetname": …, "snippet":
…}``.

Called by both backends. A document of another shape is never taken for an empty snippet.
"""

from typing import Final

import orjson

from mcpserver.snippets.model import SnippetStoreUnavailable, checked_text

CONTENT_TYPE: Final = "application/json"
MAX_RECORD_BYTES: Final = 8 * 1024 * 1024
"""More than the longest snippet takes with every character escaped; what is larger was not written here."""


def encode(name: str, text: str) -> bytes:
    """Return the document.

    Raises:
        InvalidSnippet: the text is too long or not Unicode.
    """
    checked_text(text)
    return orjson.dumps({"snippetname": name, "snippet": text})


def decode(data: bytes) -> str:
    """Return the text of a document.

    Raises:
        SnippetStoreUnavailable: the document is damaged or foreign.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        document = None
    text = document.get("snippet") if isinstance(document, dict) else None
    if not isinstance(text, str):
        raise SnippetStoreUnavailable("a stored snippet is not a snippet document")
    return text
