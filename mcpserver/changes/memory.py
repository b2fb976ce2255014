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
    """A ``Changes`` for one process."""

    def __init__(self) -> None:
        self._latest: deque[tuple[int, Change]] = deque(maxlen=KEPT)
        self._last = 0
        self._watchers: set[Callable[[str, Change], None]] = set()

    def publish(self, change: Change) -> None:
        """See ``Changes``."""
        self._last += 1
        self._latest.append((self._last, change))
        for callback in list(self._watchers):
            try:
                callback(str(self._last), change)
            except Exception:
                _log.exception("a listener failed")

    def position(self) -> str:
        """See ``Changes``."""
        return str(self._last)

    def since(self, position: str) -> Sequence[tuple[str, Change]]:
        """See ``Changes``."""
        after = int(position) if position.isdecimal() else self._last
        return [(str(number), change) for number, change in self._latest if number > after]

    def watch(self, callback: Callable[[str, Change], None]) -> Callable[[], None]:
        """See ``Changes``."""
        self._watchers.add(callback)
        return lambda: self._watchers.discard(callback)
