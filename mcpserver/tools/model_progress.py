"""What a caller hears while the model is asked: that it is being started, then the answer as it is written.

Used by ``model_tool``. Models write a few characters at a time, many times a second; what is sent on is
gathered, so that a report comes a few times a second at most, none is large, and all of them together are
the answer. Must not know where the answer comes from.
"""

import time
from collections.abc import Callable
from typing import Final

from mcpserver.tools.context import Context

MAX_MESSAGE_CHARACTERS: Final = 4096
_PAUSE_SECONDS: Final = 0.25


class ModelProgress:
    """Args: ctx: of the call; clock: monotonic seconds."""

    def __init__(self, ctx: Context, clock: Callable[[], float] = time.monotonic) -> None:
        self._ctx = ctx
        self._clock = clock
        self._is_task = False
        self._gathered: list[str] = []
        self._characters = 0
        self._reports = 0
        self._next_at = float("-inf")

    def waits(self, seconds: float) -> None:
        """See ``mcpserver.model.asking.Listener``."""
        if not self._is_task:
            self._is_task = self._ctx.start_task("The model is being started")
        self._report(f"The model is being started ({seconds:.0f} s so far)")

    def hears(self, text: str) -> None:
        """See ``mcpserver.model.asking.Listener``."""
        self._gathered.append(text)
        self._characters += len(text)
        now = self._clock()
        if now >= self._next_at:
            self._next_at = now + _PAUSE_SECONDS
            self._tell()

    def ends(self) -> None:
        """Report what is left."""
        self._tell()

    def _tell(self) -> None:
        text = "".join(self._gathered)
        self._gathered.clear()
        if self._is_task:
            # It shows its last message only.
            self._report(f"The model is answering ({self._characters} characters so far)")
            return
        for start in range(0, len(text), MAX_MESSAGE_CHARACTERS):
            self._report(text[start : start + MAX_MESSAGE_CHARACTERS])

    def _report(self, message: str) -> None:
        self._reports += 1
        self._ctx.progress(self._reports, message=message)
