"""Which registrations this process has touched today, so that a token request need not ask the store.

Used by both backends. Must not be relied on for anything but saving work: forgetting an entry costs one read.
"""

from typing import Final

from authserver.store.lifetimes import TOUCH_INTERVAL_SECONDS

_MOST_ENTRIES: Final = 10_000


class RecentTouches:
    """A bounded memory of client_id to the second of its last touch."""

    def __init__(self) -> None:
        self._touched_at_seconds: dict[str, int] = {}

    def is_recent(self, client_id: str, now_seconds: int) -> bool:
        """Say whether this process touched the registration within the interval."""
        touched_at_seconds = self._touched_at_seconds.get(client_id)
        return touched_at_seconds is not None and now_seconds - touched_at_seconds < TOUCH_INTERVAL_SECONDS

    def remember(self, client_id: str, touched_at_seconds: int) -> None:
        """Note the last touch that the store has seen, by whomever."""
        if len(self._touched_at_seconds) >= _MOST_ENTRIES:
            self._touched_at_seconds.clear()
        self._touched_at_seconds[client_id] = touched_at_seconds

    def forget(self, client_id: str) -> None:
        """Note that the registration was written anew or removed."""
        self._touched_at_seconds.pop(client_id, None)
