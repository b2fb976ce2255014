"""The correlation id of the request at hand: one per request, on every log line and every error page.

Called by the outermost layer of each server (``new_id`` once per request) and by whatever reports an error
(``current``). Must not take an id from the client: an id that a client chooses can be made to point at
another person's log lines.
"""

import random
from contextvars import ContextVar

_NONE = "-"
_current: ContextVar[str] = ContextVar("correlation_id", default=_NONE)


def new_id() -> str:
    """Start a new correlation id in this context (with gevent: this greenlet) and return it.

    Returns:
        16 hexadecimal characters. Unique is enough: nothing is protected by it, and a random number from the
        kernel is a system call more for each request. (Python seeds ``random`` anew in every forked worker.)
    """
    value = f"{random.getrandbits(64):016x}"
    _current.set(value)
    return value


def adopt(value: str) -> None:
    """Carry an id over to a greenlet that works for the same request (``gevent.spawn`` copies no context)."""
    _current.set(value)


def current() -> str:
    """Return this context's correlation id, ``-`` outside a request."""
    return _current.get()
