"""How many may ask the model at once: each caller a few, all together some more.

Nobody queues here: who finds no place is told, and decides what to do.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from mcpserver.model.errors import ModelBusy


class Places:
    """Args: per_caller, together: how many."""

    def __init__(self, *, per_caller: int, together: int) -> None:
        self._per_caller = per_caller
        self._together = together
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Take a place.

        Raises:
            ModelBusy: there is none.
        """
        if self._taken[caller] >= self._per_caller:
            raise ModelBusy(
                f"You have {self._per_caller} questions with the model already; "
                "wait for one of them to be answered and ask again"
            )
        if self._taken.total() >= self._together:
            raise ModelBusy("Too many questions are with the model at the moment; try again in a minute")
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]
