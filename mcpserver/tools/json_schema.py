"""JSON Schema as clients can read it.

Called by ``schema`` and ``questions`` for what pydantic makes. Must not know functions or pydantic.
"""

from typing import Any


class _ContainsItselfError(Exception):
    """A definition that refers to itself cannot be written out."""


def self_contained(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its local references replaced by what they refer to.

    Some clients drop ``$defs`` before they compile a schema, and then refuse every tool of the server. A
    schema with a type that contains itself is returned as it is.
    """
    definitions = schema.get("$defs", {})

    def replaced(value: Any, inside: tuple[str, ...]) -> Any:
        if isinstance(value, list):
            return [replaced(each, inside) for each in value]
        if not isinstance(value, dict):
            return value
        rest = {key: replaced(each, inside) for key, each in value.items() if key not in ("$ref", "$defs")}
        name = str(value.get("$ref", "")).removeprefix("#/$defs/")
        if name not in definitions:
            return rest
        if name in inside:
            raise _ContainsItselfError
        return {**replaced(definitions[name], (*inside, name)), **rest}

    try:
        result: dict[str, Any] = replaced(schema, ())
    except _ContainsItselfError:
        return schema
    return result
