"""Arguments that do not fit, in words for a model: where and why, without repeating what was sent."""

from collections.abc import Sequence
from typing import Final

MOST_PROBLEMS: Final = 5
# Names and messages may hold keys that the client made up.
_MOST_PLACE_CHARACTERS: Final = 64
_MOST_MESSAGE_CHARACTERS: Final = 200


class ArgumentsInvalid(ValueError):
    """The arguments do not fit the schema; the message says where and why and is for the model to read."""


def explained(problems: Sequence[tuple[Sequence[str | int], str]], more: int = 0) -> str:
    """Return one line about problems (place and message each), and how many more there are."""
    lines = []
    for place, message in problems:
        where = ".".join(str(part) for part in place)[:_MOST_PLACE_CHARACTERS]
        what = message[:_MOST_MESSAGE_CHARACTERS]
        lines.append(f"{where}: {what}" if where else what)
    return "Invalid arguments: " + "; ".join(lines) + (f"; and {more} more" if more else "")
