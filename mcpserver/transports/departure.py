"""Notices that a client has closed its connection while nothing is being read from it.

Used by whatever waits on behalf of a client: an event stream, a call that may take long. Must not read what
a client
sends: it only looks.
"""

import _socket
from collections.abc import Callable
from typing import Any, Final

from gevent import get_hub

_READABLE: Final = 1
_LOOK: Final = _socket.MSG_PEEK | _socket.MSG_DONTWAIT


class Departure:
    """Calls back once, on the hub, when the peer of a connection is gone.

    Args:
        connection: the gevent socket gunicorn hands over (``environ["gunicorn.socket"]``); None: nothing is
            noticed.
        left: called on the hub: it must not block.
    """

    __slots__ = ("_left", "_socket", "_watcher")

    def __init__(self, connection: Any, left: Callable[[], None]) -> None:
        self._socket = connection
        self._left = left
        self._watcher: Any = None
        if connection is not None:
            self._watcher = get_hub().loop.io(connection.fileno(), _READABLE)
            self._watcher.start(self._look)

    def _look(self) -> None:
        try:
            data = _socket.socket.recv(self._socket._sock, 1, _LOOK)
        except BlockingIOError:
            return
        except (OSError, ValueError):
            data = b""
        # Bytes are the next request of a client that does not wait for its answers: it is still there.
        self.stop()
        if not data:
            self._left()

    def stop(self) -> None:
        """Look no more; must be called before the socket is used by anybody else."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
