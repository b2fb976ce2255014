"""Notices that a client has gone while its request waits for a server behind.

Used by ``connection`` and ``relay``. One for each request: idle → watching (the request is read completely,
only the answer is due) → stopped. Must not read what the client sends: it may be its next request.
"""

import socket
from typing import Any

import gevent

from devstack.gateway.errors import ClientGoneError

_READABLE = 1


class ClientWatch:
    """Raises ClientGoneError in the greenlet that started it, wherever that one waits."""

    __slots__ = ("_greenlet", "_raw", "_watcher")

    def __init__(self, sock: socket.socket) -> None:
        # The plain socket below gevent's: a callback of the event loop must not wait.
        self._raw: Any = sock._sock  # type: ignore[attr-defined]
        self._watcher: Any = None
        self._greenlet: Any = None

    def start(self) -> None:
        """Watch from now on."""
        if self._watcher is None:
            self._greenlet = gevent.getcurrent()
            self._watcher = gevent.get_hub().loop.io(self._raw.fileno(), _READABLE)
            self._watcher.start(self._readable)

    def stop(self) -> None:
        """Watch no more."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()

    def _readable(self) -> None:
        try:
            gone = not self._raw.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        self.stop()  # else a next request that waits in the buffer would call us without end
        if gone:
            self._greenlet.throw(ClientGoneError())
