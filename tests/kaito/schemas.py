"""What a CRD's schema says of an object: defaults, unknown fields, validity.

Used by ``tests.kaito.objects`` and tests/test_kaito_deployment.py. Pure functions. Kubernetes: "Extend the
API with CustomResourceDefinitions", structural schemas.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

Schema = Mapping[str, Any]
# Of these every object has all fields, whatever its schema says.
_ALWAYS = {"apiVersion", "kind", "metadata"}


def with_defaults(schema: Schema, value: Any) -> Any:
    """Return the object with the defaults that its schema gives."""
    if isinstance(value, dict):
        result = dict(value)
        for name, inner in schema.get("properties", {}).items():
            if name not in result and "default" in inner:
                result[name] = inner["default"]
            if name in result:
                result[name] = with_defaults(inner, result[name])
        return result
    if isinstance(value, list) and "items" in schema:
        return [with_defaults(schema["items"], each) for each in value]
    return value


def unknown_fields(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each field that the schema does not know: the API server refuses or drops it."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from unknown_fields(schema.get("items", {}), each, f"{path}[{at}]")
        return
    if not isinstance(value, dict):
        return
    others = schema.get("additionalProperties")
    known = schema.get("properties", {})
    for name, inner in value.items():
        here = f"{path}.{name}" if path else name
        if not path and name in _ALWAYS:
            continue
        if name in known:
            yield from unknown_fields(known[name], inner, here)
        elif isinstance(others, dict):
            yield from unknown_fields(others, inner, here)
        elif not others and (known or schema.get("type") == "object"):
            yield here


def problems(validator: "jsonschema_rs.Draft202012Validator", value: Any) -> dict[str, str]:
    """Return what is wrong with an object: paths of fields with what the schema says."""
    return {".".join(map(str, error.instance_path)): error.message for error in validator.iter_errors(value)}


def validator(schema: Schema) -> "jsonschema_rs.Draft202012Validator":
    """Return a validator of a CRD's schema."""
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=False)
