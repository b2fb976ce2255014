"""Snippet names, and the one path that each has below the store's root.

Both backends call ``folder_of``, ``file_of`` and ``name_of``. The encoding maps every legal name to exactly
one path segment and back, also where a file system ignores case, and a segment is never ``.``, ``..``, hidden
or split: lower-case letters, digits, ``.``, ``_`` and ``-`` stand for themselves, a capital is ``~`` and its
small letter, a space is ``~-`` and a leading full stop ``~.``. ``~`` itself is in no name. All of it is
unreserved in URLs (RFC 3986 section 2.3), so that a blob's URL shows the same segment.

A person's snippets are at ``<tenant id>/<object id>/<name>.json``, a program's own ones at
``~-clients/<SHA-256 of its client id>/<name>.json``, shared ones at ``<name>.json``.
"""

import re
from hashlib import sha256
from typing import Final

from mcpserver.snippets.model import InvalidSnippet, Owner

MAX_NAME_CHARACTERS: Final = 80
NAME_PATTERN: Final = r"^[A-Za-z0-9._-](?:[A-Za-z0-9 ._-]*[A-Za-z0-9._-])?$"
"""For JSON Schema too: letters, digits, full stop, underscore, hyphen, and spaces inside."""
NAME_RULE: Final = (
    f"1 to {MAX_NAME_CHARACTERS} characters: letters A-Z and a-z, digits, full stop, underscore, hyphen, "
    "and spaces inside"
)
SUFFIX: Final = ".json"

_NAME: Final = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))
_SEGMENT: Final = re.compile(r"(?:[a-z0-9_-]|~[a-z.])(?:[a-z0-9._-]|~[a-z-])*")
_ESCAPED: Final = re.compile(r"~(.)")


def checked_name(name: str) -> str:
    """Return the name.

    Raises:
        InvalidSnippet: it breaks the rule, which the message states.
    """
    if len(name) > MAX_NAME_CHARACTERS or _NAME.fullmatch(name) is None:
        raise InvalidSnippet(f"Not a snippet name; a name is {NAME_RULE}")
    return name


def folder_of(owner: Owner | None) -> str:
    """Return the owner's part of the path with a slash at its end, "" for shared snippets."""
    if owner is None:
        return ""
    if owner.tenant_id is None:
        # A client id may be any text; and no tenant's segment begins like this.
        return f"~-clients/{sha256(owner.object_id.encode()).hexdigest()}/"
    return f"{_encode(checked_name(owner.tenant_id))}/{_encode(checked_name(owner.object_id))}/"


def file_of(name: str) -> str:
    """Return the last segment of a snippet's path."""
    return _encode(checked_name(name)) + SUFFIX


def name_of(file: str) -> str | None:
    """Return the name that ``file_of`` made this segment from, ``None`` when it made none."""
    segment = file.removesuffix(SUFFIX)
    if segment == file or _SEGMENT.fullmatch(segment) is None:
        return None
    return _ESCAPED.sub(lambda escape: _DECODED.get(escape[1], escape[1].upper()), segment)


def _encode(name: str) -> str:
    segment = "".join(_ENCODED.get(character, character) for character in name)
    return "~" + segment if segment.startswith(".") else segment


_DECODED: Final = {"-": " ", ".": "."}
_ENCODED: Final = {" ": "~-"} | {chr(code): "~" + chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
