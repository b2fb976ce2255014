"""Header fields in the order they came.

Used everywhere in the gateway. Must not interpret values.
"""

from collections.abc import Iterable

# RFC 9110 section 7.6.1: these concern one connection and are never passed on; those that Connection names
# join.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Headers:
    """A list of fields that is looked up by name without regard to case."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(name.lower(), name, value) for name, value in fields]

    def get(self, name: str) -> str | None:
        """Return the value, several joined with a comma (RFC 9110 section 5.3), None when there is none."""
        name = name.lower()
        values = [value for key, _, value in self._fields if key == name]
        if not values:
            return None
        return values[0] if len(values) == 1 else ", ".join(values)

    def all(self, name: str) -> list[str]:
        """Return each value of the field."""
        name = name.lower()
        return [value for key, _, value in self._fields if key == name]

    def delete(self, name: str) -> None:
        """Remove the field, however often it is there."""
        key = name.lower()
        self._fields = [field for field in self._fields if field[0] != key]

    def set(self, name: str, *values: str) -> None:
        """Replace the field by one line for each value."""
        self.delete(name)
        self.append(name, *values)

    def append(self, name: str, *values: str) -> None:
        """Add lines to the field."""
        key = name.lower()
        self._fields.extend((key, name, value) for value in values)

    def drop_hop_by_hop(self) -> None:
        """Remove what concerns one connection alone."""
        drop = _HOP_BY_HOP
        connection = self.get("connection")
        if connection is not None:
            drop = drop | {token.strip().lower() for token in connection.split(",")}
        self._fields = [field for field in self._fields if field[0] not in drop]

    def drop_ambiguous(self) -> None:
        """Remove fields with an underscore in their name, which WSGI servers take for a hyphen."""
        self._fields = [field for field in self._fields if "_" not in field[0]]

    def render(self) -> str:
        """Return the lines of a head, each with its line end."""
        return "".join([f"{name}: {value}\r\n" for _, name, value in self._fields])
