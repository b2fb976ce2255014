"""What functions return, as the wire has it in each revision: content blocks, messages, resource contents.

Called by the method handlers. What a revision does not know is left out, or said in words: an old client
refuses a whole result for one member or kind that is new to it. Must not know requests.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    PromptMessage,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

Block = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource
_BLOCKS: Final = (TextContent, ImageContent, AudioContent, ResourceLink, EmbeddedResource)
_CONTENTS: Final = (TextResourceContents, BlobResourceContents)

SOUNDS_SINCE: Final = "2025-03-26"
LINKS_SINCE: Final = "2025-06-18"
# _meta and title of everything, lastModified of annotations, and structured results.
DETAILS_SINCE: Final = "2025-06-18"
ICONS_SINCE: Final = "2025-11-25"


def blocks(returned: Any, version: str) -> list[dict[str, Any]]:
    """Return content blocks: MCP's own, a list of them, which may have texts too, or the text of anything
    else.
    """
    if returned is None:
        return []
    items = returned if isinstance(returned, list | tuple) else [returned]
    texts = sum(isinstance(item, str) for item in items)
    if texts + sum(isinstance(item, _BLOCKS) for item in items) < len(items) or texts == len(items) > 0:
        return [_text(as_text(returned))]
    return [_text(item) if isinstance(item, str) else _block(item, version) for item in items]


def messages(returned: Any, version: str) -> list[dict[str, Any]]:
    """Return the messages of a prompt; text and blocks are said by the user.

    Raises:
        TypeError: something is neither text, nor a block, nor a message.
    """
    items = returned if isinstance(returned, list | tuple) else [returned]
    return [_message(item, version) for item in items]


def contents(returned: Any, uri: str, mime_type: str | None, version: str) -> list[dict[str, Any]]:
    """Return the contents of a resource, one or several.

    Args:
        returned: text, bytes, MCP's contents or a list of them, or anything else, which becomes JSON.
        uri: that was read.
        mime_type: of it, None for the one that fits what was returned.
        version: the revision.
    """
    items = returned if isinstance(returned, list | tuple) else [returned]
    if items and all(isinstance(item, _CONTENTS) for item in items):
        return [_known(_dumped(item), version) for item in items]
    if isinstance(returned, bytes):
        blob = base64.b64encode(returned).decode()
        return [{"uri": uri, "mimeType": mime_type or "application/octet-stream", "blob": blob}]
    fitting = "text/plain" if isinstance(returned, str) else "application/json"
    return [{"uri": uri, "mimeType": mime_type or fitting, "text": as_text(returned)}]


def as_text(returned: Any) -> str:
    """Return text as it is, anything else as JSON."""
    return returned if isinstance(returned, str) else orjson.dumps(to_jsonable_python(returned)).decode()


def annotations(given: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return MCP's Annotations as a revision knows them."""
    return {k: v for k, v in given.items() if k != "lastModified" or version >= DETAILS_SINCE}


def described(
    version: str,
    body: dict[str, Any],
    *,
    title: str | None,
    icons: Sequence[Mapping[str, Any]] = (),
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Add to a description what later revisions show of it."""
    if title and version >= DETAILS_SINCE:
        body["title"] = title
    if icons and version >= ICONS_SINCE:
        body["icons"] = list(icons)
    if meta and version >= DETAILS_SINCE:
        body["_meta"] = dict(meta)
    return body


def _message(item: Any, version: str) -> dict[str, Any]:
    if isinstance(item, PromptMessage):
        return {"role": item.role, "content": _block(item.content, version)}
    if isinstance(item, str):
        return {"role": "user", "content": _text(item)}
    if isinstance(item, _BLOCKS):
        return {"role": "user", "content": _block(item, version)}
    raise TypeError(f"a message is text, a content block or a PromptMessage, not {type(item).__name__}")


def _block(item: Block, version: str) -> dict[str, Any]:
    if isinstance(item, AudioContent) and version < SOUNDS_SINCE:
        return _text(f"({item.mime_type}: a sound, which this revision of MCP has no way to send)")
    if isinstance(item, ResourceLink) and version < LINKS_SINCE:
        words = (f"{item.title or item.name}: {item.uri}", item.description)
        return _text("\n".join(each for each in words if each))
    body = _known(_dumped(item), version)
    if isinstance(item, EmbeddedResource):
        body["resource"] = _known(body["resource"], version)
    return body


def _dumped(item: BaseModel) -> dict[str, Any]:
    return item.model_dump(mode="json", by_alias=True, exclude_none=True)


def _known(body: dict[str, Any], version: str) -> dict[str, Any]:
    """Remove what the revision does not know of a block, a link or contents."""
    if version < ICONS_SINCE:
        body.pop("icons", None)
    if version < DETAILS_SINCE:
        body.pop("_meta", None)
        if "annotations" in body:
            body["annotations"] = annotations(body["annotations"], version)
    return body


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
