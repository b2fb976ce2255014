"""GET /admin/audit: an administrator reads what happened lately."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authserver.audit import DAY_SECONDS, read_trail
from authserver.errors import PageError
from authserver.model import Clock
from authserver.oauth.parameters import Parameters
from authserver.store.protocols import RecordStore
from authserver.web.browser_session import BrowserSession
from authserver.web.display import clean_name
from authserver.web.http import Reply
from authserver.web.person_page import PersonPage

_SHOWN: Final = 100
_DAYS: Final = 1
_MAX_CHARACTERS: Final = 120


@dataclass(frozen=True, slots=True)
class ListedLine:
    """One audit line on the page."""

    time: str
    event: str
    details: tuple[tuple[str, str], ...]


class AdminAuditEndpoint(PersonPage):
    """Args: records: where the audit lines are kept; clock; and those of ``PersonPage``."""

    name = "admin_audit"

    def __init__(self, records: RecordStore, clock: Clock, **page: Any) -> None:
        super().__init__(**page)
        self._records = records
        self._clock = clock

    def show(self, current: BrowserSession, asked: Parameters) -> Reply:
        """Return the lines of the last day, the newest first."""
        event = (asked.one("event") or "").strip()
        since_seconds = self._clock() - _DAYS * DAY_SECONDS
        lines = read_trail(self._records, since_seconds, event=event or None, limit=_SHOWN)
        return self._pages.show(
            "admin_audit.html",
            administrator=clean_name(current.identity.username, current.identity.oid),
            csrf_token=current.csrf_token,
            wanted=clean_name(event, ""),
            entries=[_listed(line) for line in reversed(lines)],
        )

    def act(self, _current: BrowserSession, _decision: str, _sent: Parameters) -> None:
        """Refuse: what happened is not changed by anybody."""
        raise PageError("invalid_request", "no decision was made")


def _listed(line: Mapping[str, Any]) -> ListedLine:
    details = tuple(
        (name, _words(value))
        for name, value in line.items()
        if name not in ("time", "event") and value not in (None, "", [])
    )
    return ListedLine(str(line["time"]), str(line["event"]), details)


def _words(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return clean_name(text, "", most_characters=_MAX_CHARACTERS)
