"""How many questions are under way at once: of one caller, and of all in this process.

Used by ``asking``. Must not make anybody wait: who finds no place is told so.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from mcpserver.model.errors import ModelBusy


class Places:
    """Args: per_caller: of one; together: of everybody."""

    def __init__(self, *, per_caller: int, together: int) -> None:
        self._together = together
        self._per_caller = per_caller
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            ModelBusy: there is none.
        """
        if self._taken[caller] >= self._per_caller:
            raise ModelBusy(
                f"You have {self._per_caller} questions at the model already, as many as you may; "
                "wait for an answer, then ask again"
            )
        if self._taken.total() >= self._together:
            raise ModelBusy("The model has as many questions as it may; ask again in a minute")
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]
