"""The emulator's sockets and gevent servers: one port on all the addresses that a name means.

Called by ``emulator``. Must not let a client that hangs up, or does not trust the certificate, fill the
log.
"""

import errno
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import gevent
from gevent import socket, ssl
from gevent.pool import Pool
from gevent.pywsgi import LoggingLogAdapter, WSGIServer

from devstack.errors import PortTakenError

LOOPBACK: Final = ("127.0.0.1", "::1")
_BACKLOG: Final = 256
_ATTEMPTS: Final = 20
_STOP_SECONDS: Final = 0.1
_LOGGER: Final = logging.getLogger("devstack.entra.wire")
_NO_SUCH_ADDRESS: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class _Server(WSGIServer):
    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> Any:
        try:
            return super().wrap_socket_and_handle(client_socket, address)
        except OSError as error:  # ssl.SSLError among them
            _LOGGER.debug("connection ended: %s", type(error).__name__)
            client_socket.close()
            return None


def listen(addresses: Iterable[str], port: int, purpose: str, option: str) -> list[socket.socket]:
    """Return listening sockets on one port of all the addresses that this machine has.

    Args:
        addresses: IPv4 and IPv6 addresses.
        port: 0: any that is free on all of them.
        purpose: what it is for, for the error.
        option: the command-line option that chooses the port.

    Raises:
        PortTakenError: in one line, with what to do.
    """
    wanted = tuple(addresses)
    for attempt in range(_ATTEMPTS):
        try:
            return _listen(wanted, port)
        except OSError as error:
            # A free port of one address may be taken at the other: then another one is tried.
            if port == 0 and error.errno == errno.EADDRINUSE and attempt + 1 < _ATTEMPTS:
                continue
            raise PortTakenError(
                f"port {port} ({purpose}) cannot be used ({error.strerror}): stop what listens there, "
                f"or choose another port with {option}"
            ) from error
    raise AssertionError("unreachable")


def serve(
    sockets: Iterable[socket.socket], app: Callable[..., Any], context: ssl.SSLContext | None = None
) -> list[WSGIServer]:
    """Start a server on each socket; with ``context``, over TLS."""
    quiet = LoggingLogAdapter(_LOGGER, logging.DEBUG)
    options: dict[str, Any] = {} if context is None else {"ssl_context": context}
    servers: list[WSGIServer] = [
        _Server(s, app, log=None, error_log=quiet, spawn=Pool(), **options) for s in sockets
    ]
    for server in servers:
        server.start()
    return servers


def stop(servers: Iterable[WSGIServer]) -> None:
    """Stop the servers and hang up on whoever is still connected."""
    gevent.joinall([gevent.spawn(server.stop, _STOP_SECONDS) for server in servers], raise_error=True)


def _listen(addresses: tuple[str, ...], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                listener = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                if error.errno in _NO_SUCH_ADDRESS and sockets:
                    continue
                raise
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((address, port))
            except OSError as error:
                if error.errno in _NO_SUCH_ADDRESS and len(sockets) > 1:
                    sockets.pop().close()
                    continue
                raise
            listener.listen(_BACKLOG)
            port = listener.getsockname()[1]
    except OSError:
        for listener in sockets:
            listener.close()
        raise
    return sockets
