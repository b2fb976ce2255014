"""Header fields.

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
    """Fields by name without regard to case, in the order in which the names first came."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        # By lower-case name: the lines of that field, as they are written. Looking up and deleting must be
        # cheap: the policies delete many more names than a request has.
        self._fields: dict[str, list[tuple[str, str]]] = {}
        for name, value in fields:
            self._fields.setdefault(name.lower(), []).append((name, value))

    def get(self, name: str) -> str | None:
        """Return the value, several joined with a comma (RFC 9110 section 5.3), None when there is none."""
        lines = self._fields.get(name.lower())
        if lines is None:
            return None
        return lines[0][1] if len(lines) == 1 else ", ".join([value for _, value in lines])

    def all(self, name: str) -> list[str]:
        """Return each value of the field."""
        return [value for _, value in self._fields.get(name.lower(), ())]

    def delete(self, name: str) -> None:
        """Remove the field, however often it is there."""
        self._fields.pop(name.lower(), None)

    def set(self, name: str, *values: str) -> None:
        """Replace the field by one line for each value."""
        self._fields[name.lower()] = [(name, value) for value in values]

    def append(self, name: str, *values: str) -> None:
        """Add lines to the field."""
        self._fields.setdefault(name.lower(), []).extend((name, value) for value in values)

    def drop_hop_by_hop(self) -> None:
        """Remove what concerns one connection alone."""
        connection = self.get("connection")
        for name in _HOP_BY_HOP:
            self._fields.pop(name, None)
        if connection is not None:
            for name in connection.split(","):
                self._fields.pop(name.strip().lower(), None)

    def drop_ambiguous(self) -> None:
        """Remove fields with an underscore in their name, which WSGI servers take for a hyphen."""
        for name in [name for name in self._fields if "_" in name]:
            del self._fields[name]

    def repeated(self) -> list[str]:
        """Return the lower-case names that have more than one line."""
        return [name for name, lines in self._fields.items() if len(lines) > 1]

    def render(self) -> str:
        """Return the lines of a head, each with its line end."""
        return "".join([f"{name}: {value}\r\n" for lines in self._fields.values() for name, value in lines])
