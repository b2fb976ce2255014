"""Whether the model is wanted: while a question is under way, and for some time after the last one.

``asking`` says when; the metric ``model_demand`` shows it, and what scales the model reads that (DESIGN
decision 11). Must not scale anything itself.

::

    UNWANTED --a question--> WANTED --the last one is over--> LINGERING --time passes--> UNWANTED
                               ^-----------a question-------------+
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import gevent
from gevent import Greenlet

LINGER_SECONDS: Final = 1800.0


class Demand:
    """Args: show: is told whether the model is wanted; linger_seconds: how long after the last question."""

    def __init__(self, show: Callable[[bool], None], linger_seconds: float = LINGER_SECONDS) -> None:
        self._show = show
        self._linger_seconds = linger_seconds
        self._under_way = 0
        self._fading: Greenlet[..., None] | None = None
        show(False)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Hold the demand up for one question, and for a while after it."""
        self._under_way += 1
        if self._fading is not None:
            self._fading.kill(block=False)
            self._fading = None
        self._show(True)
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._fading = gevent.spawn_later(self._linger_seconds, self._show, False)
