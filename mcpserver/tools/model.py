"""A tool: a typed function with its name, schemas, annotations and the scopes that a call needs.

Made by the decorator ``tool``, kept by ``registry``, called by ``protocol.tool_calls``. Everything that can
be worked out from the function is worked out here, once, when it is decorated.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mcpserver.tools.schema import Signature, read_signature


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
    annotations: Mapping[str, bool]
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
        read_only: it changes nothing (MCP ToolAnnotations.readOnlyHint).
        destructive: it may destroy something (destructiveHint); means something only if not read-only.
        idempotent: the same call again changes nothing further (idempotentHint).
        open_world: it reaches beyond this server (openWorldHint).

    Raises:
        TypeError: a parameter has no type, or the name or a type cannot be served.
    """
    hints = {
        "readOnlyHint": read_only,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": open_world,
    }

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
            annotations={key: value for key, value in hints.items() if value is not None},
            signature=signature,
            function=function,
        )

    return decorate


def _is_tool_name(name: str) -> bool:
    return name.isascii() and all(c.isalnum() or c in "_./-" for c in name)
