"""From a function's signature and docstring to JSON Schema 2020-12, and from arguments back to Python values.

Called by the decorators when a function is decorated and by ``protocol`` for each call. pydantic does the
work in both directions. Must not know MCP's revisions.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import jsonschema_rs
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaValidator

from mcpserver.tools.context import Context
from mcpserver.tools.invalid import MOST_PROBLEMS, ArgumentsInvalid, explained
from mcpserver.tools.json_schema import self_contained
from mcpserver.tools.verbatim import verbatim_reader

_SECTION: Final = re.compile(r"^\s*(Args|Arguments|Parameters|Returns|Raises|Yields|Note|Example)s?:\s*$")
_ARGUMENT: Final = re.compile(r"^(\s+)(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
_CONFIG: Final = ConfigDict(extra="ignore", arbitrary_types_allowed=False)
_NOT_ORDINARY: Final = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


Reader = Callable[[Mapping[str, Any]], dict[str, Any]]


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
    _reader: Reader | None
    _wrapped: bool
    _output: TypeAdapter[Any] | None
    _promise: Any  # validator of the output schema

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of a call; what the function does not know is ignored.

        Raises:
            ArgumentsInvalid: something is missing or does not fit.
        """
        return self._reader(arguments) if self._reader is not None else {}

    def structured(self, result: Any) -> Any:
        """Return the structured content of a result, None when this function has none."""
        if self._output is None:
            return None
        # What does not fit is a mistake of the tool: MCP Tools, "Output Schema", demands what was promised.
        value = self._output.dump_python(result, mode="json", warnings="error")
        structured = {"result": value} if self._wrapped else value
        self._promise.validate(structured)
        return structured


def read_signature(
    function: Callable[..., Any],
    *,
    input_schema: Mapping[str, Any] | None = None,
    has_output: bool = True,
) -> Signature:
    """Read a function.

    Args:
        function: an ordinary one; each parameter has a type.
        input_schema: shown and checked instead of what the parameters say: then the function takes all
            arguments as one dictionary.
        has_output: its result may be structured content.

    Raises:
        TypeError: a parameter has no type, a type has no JSON Schema, or a call would not return its result.
    """
    name = function.__name__
    if any(kind(function) for kind in _NOT_ORDINARY):
        raise TypeError(f"{name}: must be an ordinary function, not async and no generator")
    hints = get_type_hints(function, include_extras=True)
    parameters = _parameters(function, hints)
    context_parameter = next((each for each in parameters if hints[each] is Context), None)
    values = {each: default for each, default in parameters.items() if each != context_parameter}
    try:
        schema, reader = (
            _read_parameters(function, hints, values)
            if input_schema is None
            else (input_schema, verbatim_reader(input_schema, _only(values)))
        )
        output, wrapped, output_schema = (
            _read_output(hints.get("return")) if has_output else (None, False, None)
        )
    except (PydanticUserError, TypeError) as error:
        raise TypeError(f"{name}: {error}") from None
    return Signature(
        description=_description(function),
        input_schema=schema,
        output_schema=output_schema,
        context_parameter=context_parameter,
        _reader=reader,
        _wrapped=wrapped,
        _output=output,
        _promise=jsonschema_rs.validator_for(dict(output_schema)) if output_schema is not None else None,
    )


def _parameters(function: Callable[..., Any], hints: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with their defaults, ``...`` where there is none."""
    found: dict[str, Any] = {}
    for each in inspect.signature(function).parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise TypeError(f"{function.__name__}: parameter {each.name} must be an ordinary one")
        if each.name not in hints:
            raise TypeError(f"{function.__name__}: parameter {each.name} has no type")
        found[each.name] = ... if each.default is each.empty else each.default
    return found


def _only(values: Mapping[str, Any]) -> str:
    if len(values) != 1:
        raise TypeError("with a schema of its own it takes one parameter beside the context: the arguments")
    return next(iter(values))


def _read_parameters(
    function: Callable[..., Any], hints: Mapping[str, Any], values: Mapping[str, Any]
) -> tuple[dict[str, Any], Reader | None]:
    described = _argument_descriptions(function)
    fields: dict[str, Any] = {}
    names: list[tuple[str, str]] = []  # parameter, field of the model
    for parameter, default in values.items():
        hint = hints[parameter]
        if parameter in described:
            hint = Annotated[hint, Field(description=described[parameter])]
        # Under a name of our own: a model's field cannot be called json, copy or _x, a parameter can.
        field_name = f"p{len(names)}"
        fields[field_name] = (Annotated[hint, Field(alias=parameter)], default)
        names.append((parameter, field_name))
    model = create_model(f"{function.__name__}_arguments", __config__=_CONFIG, **fields)
    schema = self_contained(model.model_json_schema(mode="validation"))
    schema = {k: v for k, v in schema.items() if k != "title"} | {"properties": schema.get("properties", {})}
    return schema, _model_reader(model.__pydantic_validator__, tuple(names)) if fields else None  # type: ignore[arg-type]


def _model_reader(validator: SchemaValidator, names: tuple[tuple[str, str], ...]) -> Reader:
    def read(arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            values = validator.validate_python(dict(arguments))
        except ValidationError as error:
            raise ArgumentsInvalid(_explain(error)) from None
        return {parameter: getattr(values, field) for parameter, field in names}

    return read


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
    """Say whether a type is made of MCP's content blocks: one, a list of them, and texts beside them."""
    parts = [each for each in _parts(hint) if each not in (type(None), ...)]
    blocks = [each for each in parts if isinstance(each, type) and each.__module__.startswith("mcp_types")]
    return bool(blocks) and all(each is str or each in blocks for each in parts)


def _parts(hint: Any) -> list[Any]:
    """Return what a type is made of: the members of unions, and the elements of sequences."""
    kind, arguments = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return _parts(arguments[0])
    if kind in (Union, UnionType) or (isinstance(kind, type) and issubclass(kind, Sequence)):
        return [part for each in arguments for part in _parts(each)]
    return [hint]


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
    first = [(each["loc"], each["msg"]) for each in problems[:MOST_PROBLEMS]]
    return explained(first, more=len(problems) - len(first))
