"""Form and query parameters, parsed once: no blanks, no control characters, doubles remembered (RFC 6749
3.1, 3.2).

Made in ``authserver.web`` from raw query strings and bodies, read by ``oauth``. Must not decide what a
double or a missing parameter means: that depends on the endpoint.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

MAX_PARAMETERS: Final = 64
MAX_VALUE_CHARACTERS: Final = 4096
# C0, DEL, C1, and the characters that end a line elsewhere.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class MalformedParameters(ValueError):
    """Cannot be read as parameters; the message is public and repeats no input."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was sent.

    Attributes:
        values: name → first value; a parameter sent without a value is absent (RFC 6749 3.1, 3.2).
        doubled: name → all values, for those sent more than once.
    """

    values: Mapping[str, str]
    doubled: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str | None:
        """Return the (first) value."""
        return self.values.get(name)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value, in order."""
        if name in self.doubled:
            return tuple(value for value in self.doubled[name] if value)
        value = self.values.get(name)
        return () if value is None else (value,)


def parse_parameters(encoded: str, *, max_value_characters: int = MAX_VALUE_CHARACTERS) -> Parameters:
    """Parse ``application/x-www-form-urlencoded`` text.

    Raises:
        MalformedParameters: not UTF-8, too many or too long, or with control characters.
    """
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise MalformedParameters("the parameters are not UTF-8") from None
    except ValueError:
        raise MalformedParameters("there are too many parameters") from None
    values: dict[str, str] = {}
    doubled: dict[str, list[str]] = {}
    for name, value in pairs:
        if len(value) > max_value_characters or len(name) > max_value_characters:
            raise MalformedParameters("a parameter is too long")
        if name in values:
            doubled.setdefault(name, [values[name]]).append(value)
        else:
            values[name] = value
    # One search over all of them: this runs on every token request.
    if _CONTROL.search("".join(values.values())) or any(
        _CONTROL.search("".join(several)) for several in doubled.values()
    ):
        raise MalformedParameters("a parameter has control characters")
    present = {name: value for name, value in values.items() if value}
    return Parameters(present, {name: tuple(several) for name, several in doubled.items()})
