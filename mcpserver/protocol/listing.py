"""Pages of a list, and the caching hints of 2026-07-28.

Called by the handlers of every list. A cursor is a place and what stood there: where the list has changed
since, the page goes on after the entry if it is still there, else at its place. Must not know what is listed.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from mcpserver.errors import INVALID_PARAMS, JsonRpcError

PAGE_SIZE: Final = 100
# A client that asks again after this sees a new version of the server at the latest.
_TTL_MILLISECONDS: Final = 300_000


def cacheable(body: dict[str, Any], *, private: bool, is_fresh: bool = True) -> dict[str, Any]:
    """Add the caching hints of 2026-07-28 (MCP Caching).

    Args:
        body: a result.
        private: it may look different for another caller.
        is_fresh: it stays the same while the server runs; else a client does best to ask again each time.
    """
    body["ttlMs"] = _TTL_MILLISECONDS if is_fresh else 0
    body["cacheScope"] = "private" if private else "public"
    return body


def page(member: str, entries: Sequence[dict[str, Any]], key: str, cursor: str | None) -> dict[str, Any]:
    """Return the page of a list that a cursor asks for, and the next cursor where there is more.

    Args:
        member: of the result.
        entries: all of them, in their order.
        key: the member of an entry that tells it from the others.
        cursor: from the page before; None: from the start.

    Raises:
        JsonRpcError: the cursor is none of ours (MCP Pagination, "Error Handling").
    """
    start = _start(entries, key, cursor) if cursor is not None else 0
    shown = list(entries[start : start + PAGE_SIZE])
    body: dict[str, Any] = {member: shown}
    if start + PAGE_SIZE < len(entries):
        place = f"{start + PAGE_SIZE - 1}:{shown[-1][key]}"
        body["nextCursor"] = base64.urlsafe_b64encode(place.encode()).decode()
    return body


def _start(entries: Sequence[dict[str, Any]], key: str, cursor: str) -> int:
    try:
        decoded = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise _unknown() from None
    place, colon, last = decoded.partition(":")
    # More digits than the longest list has would be a number of any size.
    if not colon or not place.isdecimal() or len(place) > 9:
        raise _unknown()
    index = int(place)
    if index < len(entries) and entries[index][key] == last:
        return index + 1
    return next((i + 1 for i, entry in enumerate(entries) if entry[key] == last), index)


def _unknown() -> JsonRpcError:
    return JsonRpcError(INVALID_PARAMS, "Invalid params: unknown cursor")
