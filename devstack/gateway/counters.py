"""Calls counted in fixed windows of time.

Used by ``policies.rate_limit``. The windows are common to all keys, so that the counters of a past window
go all at once and the memory is bounded by what one window saw.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Calls by key in the present window of ``period_seconds``."""

    period_seconds: int
    clock: Callable[[], float]
    _window: int = -1
    _calls: dict[str, int] = field(default_factory=dict)

    def count(self, key: str) -> int:
        """Count a call; return how many there are now."""
        window = int(self.clock() // self.period_seconds)
        if window != self._window:
            self._window = window
            self._calls.clear()
        calls = self._calls.get(key, 0) + 1
        self._calls[key] = calls
        return calls

    def seconds_left(self) -> int:
        """Return when the next window starts, in whole seconds from now, at least 1."""
        return max(1, math.ceil((self._window + 1) * self.period_seconds - self.clock()))
