"""The latest changes in this process: right for one worker.

Made by ``app``. Must not call back while it is being changed: callbacks run after the change is kept.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from mcpserver.changes.model import Change

KEPT: Final = 1000
_log = logging.getLogger(__name__)


class MemoryChanges:
    """A ``Changes`` for one process; positions are counted from 0, where nothing had changed yet."""

    def __init__(self) -> None:
        self._latest: deque[Change] = deque(maxlen=KEPT)
        self._last = 0
        # A dictionary for its order: whoever came first is told first.
        self._watchers: dict[object, Callable[[str, Change], None]] = {}

    def publish(self, change: Change) -> None:
        """See ``Changes``."""
        self._last += 1
        self._latest.append(change)
        position = self.position()
        for callback in list(self._watchers.values()):
            try:
                callback(position, change)
            except Exception:
                _log.exception("a listener failed")

    def position(self) -> str:
        """See ``Changes``."""
        return str(self._last)

    def since(self, position: str) -> Sequence[tuple[str, Change]] | None:
        """See ``Changes``."""
        after = int(position) if position.isdecimal() else -1
        first = self._last - len(self._latest) + 1
        if not first - 1 <= after <= self._last:
            return None
        missed = list(self._latest)[after + 1 - first :]
        return [(str(after + place), change) for place, change in enumerate(missed, 1)]

    def watch(self, callback: Callable[[str, Change], None]) -> Callable[[], None]:
        """See ``Changes``."""
        ticket = object()
        self._watchers[ticket] = callback

        def unwatch() -> None:
            self._watchers.pop(ticket, None)

        return unwatch
