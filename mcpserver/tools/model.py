"""A tool: a typed function with its name, schemas, annotations and the scopes that a call needs.

Made by the decorator ``tool``, kept by ``registry``, called by ``protocol.tool_methods``. Everything that can
be worked out from the function is worked out here, once, when it is decorated.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mcp_types import ToolAnnotations

from mcpserver.principal import Principal
from mcpserver.tools.header import Path, headers_of
from mcpserver.tools.hints import IconLike, Icons, icons_of, wire_form
from mcpserver.tools.schema import Signature, read_signature

TaskUse = Literal["never", "optional", "required"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that clients may call.

    Attributes:
        name: 1 to 64 characters of ``[A-Za-z0-9_./-]``.
        title: for people; None: clients show the name.
        description: for the model.
        scopes: every scope that a call needs.
        annotations: the hints of MCP's ToolAnnotations that were given, in wire names.
        icons: in wire names.
        meta: ``_meta`` of the tool's description.
        task: whether a call may, or has to, go on as a task.
        visible: says who may know of the tool; None: everybody.
        headers: parameters that are repeated in headers: paths by the header's name in small letters.
        signature: how arguments are read and results are described.
        function: the function itself.
    """

    name: str
    title: str | None
    description: str
    scopes: frozenset[str]
    annotations: Mapping[str, Any]
    icons: Icons
    meta: Mapping[str, Any] | None
    task: TaskUse
    visible: Callable[[Principal], bool] | None
    headers: Mapping[str, Path]
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
    icons: Sequence[IconLike] = (),
    meta: Mapping[str, Any] | None = None,
    task: TaskUse = "never",
    visible: Callable[[Principal], bool] | None = None,
    input_schema: Mapping[str, Any] | None = None,
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
        icons: MCP's Icon, or mappings of its wire names; since 2025-11-25.
        meta: ``_meta`` of the description, for extensions; since 2025-06-18.
        task: a call may (``optional``) or has to (``required``) go on as a task, by ``Context.start_task``.
        visible: says for each caller whether the tool is listed and can be called; unlike a scope that is
            missing, which a client can ask for. Default: for everybody.
        input_schema: a JSON Schema that is shown as it stands, instead of what the parameters say; the
            function then takes all arguments as one dictionary.

    Raises:
        TypeError: a parameter has no type, or the name, a type, a schema or an annotation cannot be served.
    """
    hints = {
        "readOnlyHint": read_only,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": open_world,
    }
    all_annotations = wire_form(ToolAnnotations, annotations if annotations is not None else {})
    all_annotations |= {k: v for k, v in hints.items() if v is not None}
    all_icons = icons_of(icons)

    def decorate(function: Callable[..., Any]) -> Tool:
        signature = read_signature(function, input_schema=input_schema)
        return Tool(
            name=checked_name(name or function.__name__),
            title=title,
            description=description or signature.description,
            scopes=frozenset(scopes),
            annotations=all_annotations,
            icons=all_icons,
            meta=meta,
            task=task,
            visible=visible,
            headers=headers_of(signature.input_schema),
            signature=signature,
            function=function,
        )

    return decorate


def checked_name(name: str) -> str:
    """Return the name of a tool or prompt.

    Raises:
        TypeError: clients may refuse it (MCP Tools, "Tool Names").
    """
    if not 1 <= len(name) <= 64 or not all(c.isascii() and (c.isalnum() or c in "_./-") for c in name):
        raise TypeError(f"{name!r}: a name is 1 to 64 of the characters A-Z a-z 0-9 _ . / -")
    return name
