"""Whether the model is wanted: the metric ``model_demand`` that scales it (decision 11).

1 while a call waits for the model or is answered, and for half an hour after the last one; KEDA reads it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import gevent
from prometheus_client import Gauge

IDLE_SECONDS: Final = 1800.0
_DEMAND = Gauge(
    "model_demand",
    "1 while a call waits for the model or was made within the last 30 minutes.",
    multiprocess_mode="livemax",
)
"""Scaling follows the highest of all processes: one that waits is enough."""


class Demand:
    """Args: clock: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asking = 0
        self._last: float | None = None
        self._timer: gevent.Greenlet[..., None] | None = None
        _DEMAND.set(0)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Be a call that wants the model."""
        self._asking += 1
        self.refresh()
        try:
            yield
        finally:
            self._asking -= 1
            self._last = self._clock()
            self.refresh()
            if self._timer is not None:
                self._timer.kill(block=False)
            self._timer = gevent.spawn_later(IDLE_SECONDS, self.refresh)

    def refresh(self) -> None:
        """Bring the metric up to date: time passes without calls."""
        recently = self._last is not None and self._clock() - self._last < IDLE_SECONDS
        _DEMAND.set(1 if self._asking or recently else 0)
