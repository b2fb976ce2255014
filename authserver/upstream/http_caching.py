"""How long an answer may be used again (RFC 9111), within bounds of our own.

Called by ``upstream.public_documents``. Must not decide whether the answer is any good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# Below the least, a document would be fetched for nearly every request; beyond the most, a client could not
# take anything back.
MIN_FRESH_SECONDS: Final = 60
MAX_FRESH_SECONDS: Final = 86_400
_UNSAID_SECONDS: Final = 300
_MAX_VALIDATOR_CHARACTERS: Final = 256


@dataclass(frozen=True, slots=True)
class Caching:
    """What an answer says of its own use.

    Attributes:
        may_keep: whether it may be kept at all (RFC 9111 5.2.2.5).
        fresh_seconds: how long it may be used without asking; 0: ask each time.
        etag, last_modified: validators to ask with (RFC 9110 8.8).
    """

    may_keep: bool
    fresh_seconds: float
    etag: str | None
    last_modified: str | None

    def conditions(self) -> dict[str, str]:
        """Return the headers that ask whether it is still what it was (RFC 9110 13.1)."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value is not None}


def caching_of(headers: Mapping[str, str]) -> Caching:
    """Read the headers of an answer, whose names are in lower case."""
    directives = _directives(headers.get("cache-control", ""))
    may_keep = "no-store" not in directives and headers.get("vary", "").strip() != "*"
    seconds = 0.0 if "no-cache" in directives else _lifetime_seconds(directives, headers)
    if seconds > 0:
        seconds = min(max(seconds, MIN_FRESH_SECONDS), MAX_FRESH_SECONDS)
    return Caching(
        may_keep, seconds, _validator(headers.get("etag")), _validator(headers.get("last-modified"))
    )


def _directives(cache_control: str) -> dict[str, str]:
    directives: dict[str, str] = {}
    for part in cache_control.split(","):
        name, _, value = part.strip().partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    return directives


def _lifetime_seconds(directives: Mapping[str, str], headers: Mapping[str, str]) -> float:
    if "max-age" in directives:
        # What cannot be read is stale (RFC 9111 4.2.1).
        return _seconds(directives["max-age"]) - _seconds(headers.get("age", ""))
    if "expires" in headers:
        expires, date = _time(headers["expires"]), _time(headers.get("date", ""))
        return (expires - date).total_seconds() if expires and date else 0
    return _UNSAID_SECONDS


def _seconds(digits: str) -> float:
    return min(int(digits[:12]), MAX_FRESH_SECONDS * 2) if digits.isascii() and digits.isdigit() else 0


def _time(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _validator(value: str | None) -> str | None:
    # It is sent back: what could not stand in a header is dropped.
    if not value or len(value) > _MAX_VALIDATOR_CHARACTERS or not (value.isascii() and value.isprintable()):
        return None
    return value
