"""Text made fit to show to a person: what strangers wrote without invisible or reordering characters, on one
line, short; and times in words.

Called by the pages. Escaping is the template's; this is about what a reader would be deceived by.
"""

import re
import time
import unicodedata
from typing import Final

MAX_NAME_CHARACTERS: Final = 60
# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned, line and
# paragraph ends.
_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and symbols that are drawn as nothing, and variation selectors.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_SPACES: Final = re.compile(r"\s+")
_MARKS_IN_A_ROW: Final = 2
_UNITS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def clean_name(text: str | None, fallback: str, *, most_characters: int = MAX_NAME_CHARACTERS) -> str:
    """Return a name as it may be shown.

    Args:
        text: as registered.
        fallback: what stands for a name of which nothing is left.
        most_characters: where it is cut.
    """
    # Cut before normalising: compatibility forms of a long text can be many times longer.
    normal = unicodedata.normalize("NFKC", (text or "")[: most_characters * 4])
    kept = []
    marks = 0
    for character in _SPACES.sub(" ", normal):
        category = unicodedata.category(character)
        if category in _UNSEEN_CATEGORIES or _BLANK.match(character):
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS_IN_A_ROW:  # piled up, marks cover the lines above
            kept.append(character)
    name = _SPACES.sub(" ", "".join(kept)).strip()
    if not name:
        return fallback
    return name if len(name) <= most_characters else name[: most_characters - 1].rstrip() + "…"


def ago(seconds: float) -> str:
    """Return how long ago something was, as one says it."""
    for unit_seconds, unit in _UNITS:
        count = int(seconds // unit_seconds)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def day(at_seconds: int) -> str:
    """Return the day of a time, in UTC."""
    moment = time.gmtime(at_seconds)
    return f"{moment.tm_mday} {time.strftime('%B %Y', moment)}"
