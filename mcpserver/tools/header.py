"""Parameters that a client repeats in an HTTP header, so that what stands between can route by them
(MCP 2026-07-28 Streamable HTTP, "Custom Headers from Tool Parameters").

Made with ``Annotated[str, Header("Region")]``; read from a tool's input schema once, when it is decorated;
compared by ``protocol.parameter_headers``. Must not know requests.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

_KEYWORD: Final = "x-mcp-header"
# Less than a token of RFC 9110 section 5.6.2: what every proxy and server on the way passes on.
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_PRIMITIVE: Final = frozenset(("string", "integer", "boolean"))

Path = tuple[str, ...]
"""Names of properties from the root of the arguments."""


@dataclass(frozen=True, slots=True)
class Header:
    """Marks a parameter.

    Args:
        name: of the header, after ``Mcp-Param-``.
    """

    name: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the mark to the parameter's schema."""
        return {**handler(core_schema), _KEYWORD: self.name}


def headers_of(schema: Mapping[str, Any]) -> Mapping[str, Path]:
    """Return the marked parameters of an input schema, by the header's name in small letters.

    Raises:
        TypeError: a mark breaks a rule of "Schema Extension": clients would leave the whole tool out.
    """
    found: dict[str, Path] = {}
    for path, marked in _marked(schema, ()):
        name = marked[_KEYWORD]
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise TypeError(f"{name!r} is not a name that a header can have here")
        if marked.get("type") not in _PRIMITIVE:
            raise TypeError(f"header {name}: only a string, an integer or a boolean can stand in a header")
        if name.lower() in found:
            raise TypeError(f"two parameters have the header {name}")
        found[name.lower()] = path
    if len(found) != _count(schema):
        raise TypeError(f"{_KEYWORD} may stand at properties of objects only")
    return found


def _marked(schema: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    properties = schema.get("properties")
    for name, inner in (properties if isinstance(properties, dict) else {}).items():
        if isinstance(inner, dict):
            if _KEYWORD in inner:
                yield (*path, name), inner
            yield from _marked(inner, (*path, name))


def _count(value: Any) -> int:
    """Return how many marks there are anywhere; a property may be called like the keyword."""
    if isinstance(value, dict):
        own = isinstance(value.get(_KEYWORD), str)
        return own + sum(_count(each) for each in value.values())
    return sum(_count(each) for each in value) if isinstance(value, list | tuple) else 0
