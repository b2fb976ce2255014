"""Icons and annotations as people give them, checked once and kept in wire names.

Called by the decorators. Must not know revisions: ``protocol.content`` leaves out what one does not know.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from mcp_types import Icon
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)

IconLike = Icon | Mapping[str, Any]
Icons = tuple[Mapping[str, Any], ...]


def icons_of(given: Sequence[IconLike]) -> Icons:
    """Return icons in wire names.

    Raises:
        TypeError: one has no ``src``, or something that MCP's Icon does not know.
    """
    return tuple(wire_form(Icon, each) for each in given)


def wire_form(model: type[M], given: M | Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given as the wire has it: only what was set.

    Raises:
        TypeError: the type does not know a member, or a value does not fit.
    """
    if not isinstance(given, model):
        known = {str(field.alias) for field in model.model_fields.values()}
        unknown = given.keys() - known if isinstance(given, Mapping) else {str(type(given).__name__)}
        if unknown:
            raise TypeError(f"no members of {model.__name__}: {', '.join(sorted(unknown))}")
        try:
            given = model.model_validate(given)
        except ValidationError as error:
            raise TypeError(f"{model.__name__}: {error}") from None
    return given.model_dump(mode="json", by_alias=True, exclude_none=True)
