"""Request parameters as they came: each at most once.

Made by both applications from a query or a form, read by ``authorization``, ``clients`` and ``grants``.
Must not know what a parameter means.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devstack.entra import errors
from devstack.entra.errors import EntraError

MAX_VALUE_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters; an empty value counts as absent (RFC 6749 section 3.1)."""

    values: Mapping[str, str]
    doubled: frozenset[str]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Parameters":
        """Take the pairs of a query or a form."""
        values: dict[str, str] = {}
        doubled = set()
        for name, value in pairs:
            doubled |= {name} & values.keys()
            values[name] = value
        return cls({name: value for name, value in values.items() if value}, frozenset(doubled))

    def get(self, name: str) -> str | None:
        """Return the value, None when absent.

        Raises:
            EntraError: MALFORMED_REQUEST, when it came twice or is overlong.
        """
        if name in self.doubled:
            raise EntraError(errors.MALFORMED_REQUEST, what=f"'{name}' is given more than once")
        value = self.values.get(name)
        if value is not None and len(value) > MAX_VALUE_CHARACTERS:
            raise EntraError(errors.MALFORMED_REQUEST, what=f"'{name}' is too long")
        return value

    def require(self, name: str) -> str:
        """Return the value.

        Raises:
            EntraError: MISSING_PARAMETER, or as ``get``.
        """
        value = self.get(name)
        if value is None:
            raise EntraError(errors.MISSING_PARAMETER, parameter=name)
        return value
