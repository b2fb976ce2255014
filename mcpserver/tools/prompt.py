"""A prompt: messages that a person can put before a model, with arguments filled in.

Made by the decorator ``prompt``, kept by ``registry``, got by ``protocol.prompt_methods``. Arguments arrive
as text (MCP Prompts), and are read as the types that the function names. Must not know revisions.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcpserver.tools.completion import Completer, Suggest, completers
from mcpserver.tools.hints import IconLike, Icons, icons_of
from mcpserver.tools.model import checked_name
from mcpserver.tools.schema import Signature, read_signature

# What text can be read as; anything else would need JSON within the text, which nobody types.
_FROM_TEXT: Final = frozenset(("string", "integer", "number", "boolean"))


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """One line of the form that a client shows."""

    name: str
    description: str | None
    required: bool


@dataclass(frozen=True, slots=True)
class Prompt:
    """A function that gives messages.

    Attributes:
        name: 1 to 64 characters of ``[A-Za-z0-9_./-]``.
        title: for people; None: clients show the name.
        description: for people.
        scopes: every scope that it needs.
        icons: in wire names.
        arguments: in the order of the parameters.
        completers: who suggests values of the arguments.
        signature: how arguments are read.
        function: the function itself.
    """

    name: str
    title: str | None
    description: str
    scopes: frozenset[str]
    icons: Icons
    arguments: tuple[PromptArgument, ...]
    completers: Mapping[str, Completer]
    signature: Signature
    function: Callable[..., Any]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function as if it had not been decorated."""
        return self.function(*arguments, **named)


def prompt(
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    scopes: Collection[str] = ("mcp:tools",),
    icons: Sequence[IconLike] = (),
    completions: Mapping[str, Suggest] | None = None,
) -> Callable[[Callable[..., Any]], Prompt]:
    """Make a prompt of a function that returns its messages.

    The function returns text (one message of the user), a content block of MCP (text, image, audio, resource,
    link), a PromptMessage, or a list of any of them.

    Args:
        name: default: the function's.
        title: for people.
        description: default: the docstring up to its first section.
        scopes: what a caller's token must have; all of them.
        icons: MCP's Icon, or mappings of its wire names; since 2025-11-25.
        completions: by argument, who suggests values: a function of the text typed so far and, if it takes
            them, of the arguments filled in already and the context. Literal, Enum and bool need none.

    Raises:
        TypeError: a parameter has no type or one that text cannot be read as, or something else cannot be
            served.
    """
    all_icons = icons_of(icons)

    def decorate(function: Callable[..., Any]) -> Prompt:
        signature = read_signature(function, has_output=False)
        properties = signature.input_schema["properties"]
        for argument, schema in properties.items():
            if not _is_text(schema):
                raise TypeError(f"{function.__name__}: text cannot be read as the type of {argument}")
        required = signature.input_schema.get("required", ())
        return Prompt(
            name=checked_name(name or function.__name__),
            title=title,
            description=description or signature.description,
            scopes=frozenset(scopes),
            icons=all_icons,
            arguments=tuple(
                PromptArgument(argument, schema.get("description"), argument in required)
                for argument, schema in properties.items()
            ),
            completers=completers(completions, properties),
            signature=signature,
            function=function,
        )

    return decorate


def _is_text(schema: Mapping[str, Any]) -> bool:
    if "anyOf" in schema:
        return any(_is_text(each) for each in schema["anyOf"])
    return schema.get("type") in _FROM_TEXT or "enum" in schema or "const" in schema
