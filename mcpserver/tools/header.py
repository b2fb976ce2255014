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
_MAPS: Final = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"))
# What they hold is data, where the keyword means nothing.
_DATA: Final = frozenset(("default", "examples", "const", "enum"))

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
    for path, marked in _positions(schema, ()):
        if _KEYWORD not in marked:
            continue
        name, kind = marked[_KEYWORD], marked.get("type")
        if not path:
            raise TypeError(f"header {name}: only a parameter, or a property of one, can stand in a header")
        where = ".".join(path)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise TypeError(f"{where}: {name!r} is not a name that a header can have here")
        if not isinstance(kind, str) or kind not in _PRIMITIVE:
            raise TypeError(
                f"{where}: only a string, an integer or a boolean can stand in a header; "
                "give it a default to make it optional"
            )
        if name.lower() in found:
            raise TypeError(f"{where}: another parameter has the header {name}")
        found[name.lower()] = path
    return found


def _positions(
    schema: Mapping[str, Any], path: Path | None
) -> Iterator[tuple[Path | None, Mapping[str, Any]]]:
    """Yield each schema within a schema; its path is None where not only properties lead to it."""
    yield path, schema
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, dict):
            reachable = path is not None and keyword == "properties"
            for name, inner in value.items():
                if isinstance(inner, dict):
                    yield from _positions(inner, (*(path or ()), name) if reachable else None)
        elif keyword not in _DATA:
            for each in value if isinstance(value, list | tuple) else (value,):
                if isinstance(each, dict):
                    yield from _positions(each, None)
