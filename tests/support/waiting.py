"""The one place where tests poll: for conditions outside this process, which no event can announce."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import gevent

_T = TypeVar("_T")
_POLL_SECONDS: Final = 0.02


def wait_until(condition: Callable[[], _T], what: str, *, deadline_seconds: float = 20.0) -> _T:
    """Return the first true value of ``condition``.

    Args:
        condition: asked again and again, a few dozen times a second.
        what: what is waited for, for the failure's message.
        deadline_seconds: how long at most.

    Raises:
        AssertionError: it did not come true.
    """
    give_up_at = time.monotonic() + deadline_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {deadline_seconds:.0f} s: {what}")
        gevent.sleep(_POLL_SECONDS)
