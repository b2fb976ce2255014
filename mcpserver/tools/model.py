"""A tool: a typed function with its name, schemas, annotations and the scopes that a call needs.

Made by the decorator ``tool``, kept by ``registry``, called by ``protocol.tool_calls``. Everything that can
be worked out from the function is worked out here, once, when it is decorated.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp_types import ToolAnnotations
from pydantic import ValidationError

from mcpserver.tools.schema import Signature, read_signature

_ANNOTATIONS: Final = frozenset(str(each.alias) for each in ToolAnnotations.model_fields.values())


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that clients may call.

    Attributes:
        name: 1 to 64 characters of ``[A-Za-z0-9_./-]``.
        title: for people; None: clients show the name.
        description: for the model.
        scopes: every scope that a call needs.
        annotations: the hints of MCP's ToolAnnotations that were given, in wire names.
        signature: how arguments are read and results are described.
        function: the function itself.
    """

    name: str
    title: str | None
    description: str
    scopes: frozenset[str]
    annotations: Mapping[str, Any]
    signature: Signature
    function: Callable[..., Any]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function as if it had not been decorated."""
        return self.function(*arguments, **named)


def tool(
    *,
    scopes: Collection[str] = ("mcp:tools",),
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    annotations: ToolAnnotations | Mapping[str, Any] | None = None,
    read_only: bool | None = None,
    destructive: bool | None = None,
    idempotent: bool | None = None,
    open_world: bool | None = None,
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function.

    Args:
        scopes: what a caller's token must have; all of them.
        name: default: the function's.
        title: for people.
        description: default: the docstring up to its first section.
        annotations: MCP's ToolAnnotations, or a mapping of its wire names; the four hints below are shorter
            and win.
        read_only: it changes nothing (MCP ToolAnnotations.readOnlyHint).
        destructive: it may destroy something (destructiveHint); means something only if not read-only.
        idempotent: the same call again changes nothing further (idempotentHint).
        open_world: it reaches beyond this server (openWorldHint).

    Raises:
        TypeError: a parameter has no type, or the name, a type or an annotation cannot be served.
    """
    hints = {
        "readOnlyHint": read_only,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": open_world,
    }

    all_annotations = _annotations(annotations) | {k: v for k, v in hints.items() if v is not None}

    def decorate(function: Callable[..., Any]) -> Tool:
        signature = read_signature(function)
        own_name = name or function.__name__
        if not 1 <= len(own_name) <= 64 or not _is_tool_name(own_name):
            raise TypeError(f"{own_name!r}: a tool's name is 1 to 64 of the characters A-Z a-z 0-9 _ . / -")
        return Tool(
            name=own_name,
            title=title,
            description=description or signature.description,
            scopes=frozenset(scopes),
            annotations=all_annotations,
            signature=signature,
            function=function,
        )

    return decorate


def _annotations(given: ToolAnnotations | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return annotations in wire names."""
    if given is None:
        return {}
    if not isinstance(given, ToolAnnotations):
        unknown = given.keys() - _ANNOTATIONS
        if unknown:
            raise TypeError(f"no annotations of a tool: {', '.join(sorted(unknown))}")
        try:
            given = ToolAnnotations.model_validate(given)
        except ValidationError as error:
            raise TypeError(f"annotations: {error}") from None
    return given.model_dump(by_alias=True, exclude_none=True)


def _is_tool_name(name: str) -> bool:
    return name.isascii() and all(c.isalnum() or c in "_./-" for c in name)
