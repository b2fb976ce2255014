"""Sends one listener the notifications that are due, in a greenlet that is there only while some are.

Made by ``listening``. Whoever publishes a change must not wait for a listener: the notification is noted
here, and sent as fast as the listener reads. What becomes due again meanwhile is sent once, so that no more
can be waiting than the listener asked to be told. Must not decide what is told.
"""

from collections.abc import Callable, Iterable
from typing import Final

import gevent

from mcpserver.errors import Unavailable

_TRIED_AGAIN_AFTER_SECONDS: Final = 1.0


class Teller:
    """Args:
    send: brings a notification to the listener; may wait, and is tried again when it raises Unavailable.
    told: called with the position of the change that a notification told of, when it was sent.
    """

    def __init__(self, send: Callable[[bytes], None], told: Callable[[str], None] | None = None) -> None:
        self._send = send
        self._told = told
        # By notification the position of the first change that it tells of: those before it were told.
        self._due: dict[bytes, str] = {}
        self._may_send = False
        self._greenlet: gevent.Greenlet[..., None] | None = None
        self._is_sending = False

    @property
    def is_behind(self) -> bool:
        """Whether something is still to be sent."""
        return self._is_sending or bool(self._due)

    def note(self, position: str, notification: bytes) -> None:
        """Take a notification; never waits."""
        self._due.setdefault(notification, position)
        self._start()

    def begin(self, missed: Iterable[tuple[str, bytes]] = ()) -> None:
        """Begin to send: what was missed, and then what was noted."""
        due: dict[bytes, str] = {}
        for position, notification in (*missed, *((at, each) for each, at in self._due.items())):
            due.setdefault(notification, position)
        self._due = due
        self._may_send = True
        self._start()

    def end(self) -> None:
        """Send nothing more."""
        self._may_send = False
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def _start(self) -> None:
        if self._due and self._may_send and self._greenlet is None:
            self._greenlet = gevent.spawn(self._send_due)

    def _send_due(self) -> None:
        try:
            while self._due:
                notification = next(iter(self._due))
                # Taken out first: what becomes due again while this waits is sent again.
                position = self._due.pop(notification)
                self._is_sending = True
                try:
                    self._send(notification)
                except Unavailable:
                    self._due = {notification: position, **self._due}
                    gevent.sleep(_TRIED_AGAIN_AFTER_SECONDS)
                    continue
                self._is_sending = False
                if self._told is not None:
                    self._told(position)
        finally:
            self._greenlet = None
