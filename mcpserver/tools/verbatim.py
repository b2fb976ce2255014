"""Arguments of a tool whose JSON Schema was written by hand: shown as it stands, and checked against it.

Called by ``schema`` for ``tool(input_schema=…)``. The validator never fetches anything and bounds what a
pattern may cost. Must not know functions.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import jsonschema_rs

from mcpserver.tools.invalid import MOST_PROBLEMS, ArgumentsInvalid, explained

# jsonschema_rs puts this where a message would repeat what the client sent.
_MASK: Final = "the value"


def verbatim_reader(
    schema: Mapping[str, Any], parameter: str
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what checks arguments and hands them on whole, as the one parameter of the function.

    Args:
        schema: of JSON Schema 2020-12, or of the dialect that its ``$schema`` names.
        parameter: the function's name for them.

    Raises:
        TypeError: it is no schema of an object, of an unknown dialect, or refers to something outside of it
            (MCP Basic, "$ref Resolution": nothing is fetched).
    """
    if schema.get("type") != "object":
        raise TypeError('an input schema must say "type": "object"')
    try:
        validator = jsonschema_rs.validator_for(dict(schema), retriever=_nothing_is_fetched, mask=_MASK)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise TypeError(f"not a JSON Schema that can be served: {str(error).splitlines()[0]}") from None

    def read(arguments: Mapping[str, Any]) -> dict[str, Any]:
        value = dict(arguments)
        problems = []
        for count, error in enumerate(validator.iter_errors(value)):
            if count == MOST_PROBLEMS:
                break
            problems.append((error.instance_path, error.message))
        if problems:
            raise ArgumentsInvalid(explained(problems))
        return {parameter: value}

    return read


def _nothing_is_fetched(uri: str) -> Any:
    raise ValueError(f"{uri} is not part of the schema")
