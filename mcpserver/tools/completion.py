"""What the value of an argument may be: suggestions for people who fill in a prompt or a resource template.

Made by the decorators ``prompt`` and ``resource``; asked by ``protocol.completion_methods``. Must not know
the wire.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, get_type_hints

from mcpserver.tools.context import Context

MOST_VALUES: Final = 100
"""In one answer (MCP Completion, "Completion Results")."""
# What is counted at most: a function may go on for ever.
_MOST_COUNTED: Final = 1000

Suggest = Callable[..., Iterable[str]]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """An answer.

    Attributes:
        values: the best ones, at most ``MOST_VALUES``.
        total: how many there are; None when nobody counted to the end.
    """

    values: tuple[str, ...]
    total: int | None

    @property
    def has_more(self) -> bool:
        """Whether there are more than these."""
        return self.total is None or self.total > len(self.values)


@dataclass(frozen=True, slots=True)
class Completer:
    """A function that suggests values for one argument."""

    function: Suggest
    value_parameter: str
    arguments_parameter: str | None
    context_parameter: str | None

    def suggest(self, value: str, arguments: Mapping[str, str], context: Context | None) -> Suggestions:
        """Return what fits.

        Args:
            value: what was typed so far.
            arguments: what was filled in already, by name.
            context: needed where ``context_parameter`` is set.

        Raises:
            TypeError: the function gave something else than texts.
        """
        named: dict[str, Any] = {self.value_parameter: value}
        if self.arguments_parameter is not None:
            named[self.arguments_parameter] = arguments
        if self.context_parameter is not None:
            named[self.context_parameter] = context
        found = tuple(islice(self.function(**named), _MOST_COUNTED + 1))
        if not all(isinstance(each, str) for each in found):
            raise TypeError("a suggestion must be a string")
        return Suggestions(found[:MOST_VALUES], len(found) if len(found) <= _MOST_COUNTED else None)


def completers(
    given: Mapping[str, Suggest] | None, properties: Mapping[str, Mapping[str, Any]]
) -> dict[str, Completer]:
    """Return who completes which argument: what was given, and what the types of the others say.

    Args:
        given: by argument.
        properties: JSON Schemas of all arguments.

    Raises:
        TypeError: a function is for no argument, or takes something else than it would be given.
    """
    unknown = (given or {}).keys() - properties.keys()
    if unknown:
        raise TypeError(f"completions for what is no argument: {', '.join(sorted(unknown))}")
    own = {name: _completer(function) for name, function in (given or {}).items()}
    for name, schema in properties.items():
        values = _values_of(schema)
        if values and name not in own:
            own[name] = Completer(_matching(values), "value", None, None)
    return own


def _completer(function: Suggest) -> Completer:
    parameters = list(inspect.signature(function).parameters)
    hints = get_type_hints(function)
    context = next((name for name in parameters if hints.get(name) is Context), None)
    rest = [name for name in parameters if name != context]
    if not 1 <= len(rest) <= 2:
        raise TypeError("a completion takes the value, and perhaps the context and the other arguments")
    return Completer(function, rest[0], rest[1] if len(rest) == 2 else None, context)


def _values_of(schema: Mapping[str, Any]) -> list[str]:
    """Return the values of a type that has few: Literal, Enum, bool, and those or None."""
    if schema.get("type") == "boolean":
        return ["true", "false"]
    if "const" in schema:
        return [str(schema["const"])]
    if "enum" in schema:
        return [str(value) for value in schema["enum"] if value is not None]
    return [value for each in schema.get("anyOf", ()) for value in _values_of(each)]


def _matching(values: list[str]) -> Suggest:
    def suggest(value: str) -> Iterable[str]:
        typed = value.lower()
        begin = [each for each in values if each.lower().startswith(typed)]
        return begin + [each for each in values if typed in each.lower() and each not in begin]

    return suggest
