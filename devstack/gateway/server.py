"""The gateway as a whole: made from the apim/ folder, listening on loopback, stopped without losing answers.

Used by ``__main__`` and by tests. Life: loaded → listening → stopping → stopped.
"""

import errno
import logging
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import gevent
from gevent.pool import Pool as Greenlets
from gevent.server import StreamServer

from devstack.gateway import apim_folder
from devstack.gateway.connection import Connection, Site
from devstack.gateway.errors import ConfigurationError
from devstack.gateway.origins import known_origins
from devstack.gateway.policies.reading import Tools
from devstack.gateway.upstream import Pool

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "apim"
STOP_SECONDS = 2.0

_BACKLOG = 1024
_ATTEMPTS_AT_A_FREE_PORT = 20
_log = logging.getLogger(__name__)


class PortTakenError(Exception):
    """The port is in use; the text names it and says what to do."""


class Gateway:
    """One local gateway; a context manager that listens from enter to exit.

    Args:
        folder: the apim/ folder.
        port: to listen on; 0 takes a free one, and ``public-url`` follows unless given.
        named_values: what differs from the folder's named-values.json.
        logs_requests: one line for each request.
        tools: clocks, keys and counters, for tests.

    Raises:
        ConfigurationError: the folder holds something that is not understood.
        PortTakenError: from ``start`` or entering.
    """

    def __init__(
        self,
        folder: Path = DEFAULT_FOLDER,
        *,
        port: int = 0,
        named_values: Mapping[str, str] | None = None,
        logs_requests: bool = False,
        tools: Tools | None = None,
    ) -> None:
        self._port = port
        self._folder = folder
        self._named_values = dict(named_values or {})
        self._logs_requests = logs_requests
        self._tools = tools
        self._pool = Pool()
        self._greenlets = Greenlets()
        self._connections: set[Connection] = set()
        self._servers: list[StreamServer] = []
        apim_folder.load(folder, self._named_values, tools)  # before a port is taken

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        return self._port

    @property
    def url(self) -> str:
        """Its address for a client on this machine."""
        return f"http://localhost:{self._port}"

    def start(self) -> None:
        """Listen."""
        listeners = _listen(self._port)
        self._port = listeners[0].getsockname()[1]
        self._named_values.setdefault("public-url", self.url)
        configuration = apim_folder.load(self._folder, self._named_values, self._tools)
        try:
            origins = known_origins(self._port, configuration.values["public-url"])
        except ValueError as error:
            raise ConfigurationError(self._folder / "named-values.json", str(error)) from error
        site = Site(configuration.router, origins, self._pool, self._logs_requests)

        def handle(sock: Any, address: Any) -> None:
            self._handle(site, sock, address)

        for listener in listeners:
            server = StreamServer(listener, handle=handle, spawn=self._greenlets)
            server.start()
            self._servers.append(server)

    def stop(self, timeout_seconds: float = STOP_SECONDS) -> None:
        """Stop listening, let answers under way end for a moment, then end everything."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            if connection.idle:
                connection.close()
        self._greenlets.join(timeout=timeout_seconds)
        self._greenlets.kill(timeout=1)
        self._pool.close()

    def __enter__(self) -> "Gateway":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(0)

    def _handle(self, site: Site, sock: Any, address: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(site, sock, address[0])
        self._connections.add(connection)
        try:
            connection.serve()
        except gevent.GreenletExit:
            pass
        except Exception:
            _log.exception("a connection failed")
        finally:
            self._connections.discard(connection)


def _listen(port: int) -> list[Any]:
    for _ in range(_ATTEMPTS_AT_A_FREE_PORT):
        first = _bound(socket.AF_INET, "127.0.0.1", port)
        chosen = first.getsockname()[1]
        try:
            return [first, _bound(socket.AF_INET6, "::1", chosen)]
        except PortTakenError:
            first.close()
            if port:
                raise
        except OSError:
            return [first]  # no IPv6 on this machine
    raise PortTakenError("no port is free on both 127.0.0.1 and ::1")


def _bound(family: socket.AddressFamily, host: str, port: int) -> Any:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise PortTakenError(
            f"port {port} on {host} cannot be used ({error.strerror}): stop what listens there "
            "or choose another with --port"
        ) from error
    return sock
