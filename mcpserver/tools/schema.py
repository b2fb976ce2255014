"""From a function's signature and docstring to JSON Schema 2020-12, and from arguments back to Python values.

Called by ``model.tool`` when a function is decorated and by ``protocol.tool_calls`` for each call. pydantic
does the work in both directions. Must not know MCP's revisions.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaValidator

from mcpserver.tools.context import Context
from mcpserver.tools.json_schema import self_contained

_SECTION: Final = re.compile(r"^\s*(Args|Arguments|Parameters|Returns|Raises|Yields|Note|Example)s?:\s*$")
_ARGUMENT: Final = re.compile(r"^(\s+)(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
_MOST_PROBLEMS: Final = 5
_NOT_ORDINARY: Final = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


class ArgumentsInvalid(ValueError):
    """The arguments do not fit the schema; the message says where and why and is for the model to read."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and gives.

    Attributes:
        description: the docstring up to its first section.
        input_schema: of the arguments object.
        output_schema: of the structured result; None when the result is content only.
        context_parameter: the name of the parameter of type Context, if any.
    """

    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    context_parameter: str | None
    _validator: SchemaValidator | None
    _names: tuple[tuple[str, str], ...]  # parameter, field of the model
    _wrapped: bool
    _output: TypeAdapter[Any] | None

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of a call; what the function does not know is ignored.

        Raises:
            ArgumentsInvalid: something is missing or does not fit.
        """
        if self._validator is None:
            return {}
        try:
            values = self._validator.validate_python(dict(arguments))
        except ValidationError as error:
            raise ArgumentsInvalid(_explain(error)) from None
        return {parameter: getattr(values, field) for parameter, field in self._names}

    def structured(self, result: Any) -> Any:
        """Return the structured content of a result, None when this function has none."""
        if self._output is None:
            return None
        # What does not fit is a mistake of the tool: MCP Tools, "Output Schema", demands what was promised.
        value = self._output.dump_python(result, mode="json", warnings="error")
        return {"result": value} if self._wrapped else value


def read_signature(function: Callable[..., Any]) -> Signature:
    """Read a function.

    Raises:
        TypeError: a parameter has no type, a type has no JSON Schema, or a call would not return its result.
    """
    if any(kind(function) for kind in _NOT_ORDINARY):
        raise TypeError(f"{function.__name__}: a tool is an ordinary function, not async and no generator")
    hints = get_type_hints(function, include_extras=True)
    described = _argument_descriptions(function)
    fields: dict[str, Any] = {}
    names: list[tuple[str, str]] = []
    context_parameter = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{function.__name__}: parameter {parameter.name} must be an ordinary one")
        hint = hints.get(parameter.name)
        if hint is None:
            raise TypeError(f"{function.__name__}: parameter {parameter.name} has no type")
        if hint is Context:
            context_parameter = parameter.name
            continue
        if parameter.name in described:
            hint = Annotated[hint, Field(description=described[parameter.name])]
        default = ... if parameter.default is parameter.empty else parameter.default
        # Under a name of our own: a model's field cannot be called json, copy or _x, a parameter can.
        field_name = f"p{len(names)}"
        fields[field_name] = (Annotated[hint, Field(alias=parameter.name)], default)
        names.append((parameter.name, field_name))
    try:
        model = create_model(f"{function.__name__}_arguments", __config__=_CONFIG, **fields)
        schema = self_contained(model.model_json_schema(mode="validation"))
        output, wrapped, output_schema = _read_output(hints.get("return"))
    except PydanticUserError as error:
        raise TypeError(f"{function.__name__}: {error}") from None
    return Signature(
        description=_description(function),
        input_schema={k: v for k, v in schema.items() if k != "title"}
        | {"properties": schema.get("properties", {})},
        output_schema=output_schema,
        context_parameter=context_parameter,
        _validator=model.__pydantic_validator__ if fields else None,  # type: ignore[arg-type]
        _names=tuple(names),
        _wrapped=wrapped,
        _output=output,
    )


_CONFIG: Final = ConfigDict(extra="ignore", arbitrary_types_allowed=False)


def _read_output(hint: Any) -> tuple[TypeAdapter[Any] | None, bool, Mapping[str, Any] | None]:
    # Text is content already; saying it a second time as structure would only cost tokens.
    if hint in (None, type(None), str, Any, inspect.Parameter.empty):
        return None, False, None
    if _is_content(hint):
        return None, False, None
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    schema = self_contained(adapter.json_schema(mode="serialization"))
    if schema.get("type") == "object":
        return adapter, False, schema
    # structuredContent is an object before 2026-07-28 (MCP Tools, "Structured Content").
    inner = {k: v for k, v in schema.items() if k != "$defs"}
    wrapped = {"type": "object", "properties": {"result": inner}, "required": ["result"]}
    return adapter, True, wrapped | ({"$defs": schema["$defs"]} if "$defs" in schema else {})


def _is_content(hint: Any) -> bool:
    """Say whether a type is made of MCP's content blocks: one, a list of them, one of several kinds."""
    if get_args(hint):
        return all(_is_content(each) for each in get_args(hint) if each is not type(None))
    return isinstance(hint, type) and hint.__module__.startswith("mcp_types")


def _description(function: Callable[..., Any]) -> str:
    lines = (inspect.getdoc(function) or "").splitlines()
    end = next((i for i, line in enumerate(lines) if _SECTION.match(line)), len(lines))
    return "\n".join(lines[:end]).strip() or function.__name__


def _argument_descriptions(function: Callable[..., Any]) -> dict[str, str]:
    """Return what the docstring's ``Args:`` section says of each parameter."""
    found: dict[str, str] = {}
    inside, current, indent = False, "", ""
    for line in (inspect.getdoc(function) or "").splitlines():
        section = _SECTION.match(line)
        if section:
            inside = section[1] in ("Args", "Arg", "Arguments", "Argument", "Parameters", "Parameter")
        elif inside and (argument := _ARGUMENT.match(line)) and argument[1] == (indent or argument[1]):
            indent, current = argument[1], argument[2]
            found[current] = argument[3].strip()
        elif inside and current and line.strip():
            found[current] += " " + line.strip()
    return found


def _explain(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in problems[:_MOST_PROBLEMS]
    ]
    more = len(problems) - len(lines)
    return "Invalid arguments: " + "; ".join(lines) + (f"; and {more} more" if more else "")
