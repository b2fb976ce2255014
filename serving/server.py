"""Start gunicorn for one of the servers: the same settings on a laptop and in a container.

Called by ``authserver.serve`` and ``mcpserver.serve``, which have patched the process for gevent before
anything else was imported. Must not read the environment: what differs between the servers comes as
arguments.
"""

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from serving.worker import Worker
from telemetry.exporting import NOWHERE, Destinations
from telemetry.exporting import start as start_exporting
from telemetry.metrics_folder import MULTIPROCESS_VARIABLE, forget_worker

GRACEFUL_TIMEOUT_SECONDS = 25  # below Kubernetes' default grace period of 30
KEEPALIVE_SECONDS = 75  # above the idle time-out of the proxies in front, so that they close first
MAX_CONNECTIONS_PER_WORKER = 10_000

LoadApplication = Callable[[], Any]


class PortTaken(SystemExit):
    """Another program listens where this server should; carries one line that says what to do."""


class _RootLogger(Logger):  # type: ignore[misc]
    """gunicorn's messages go where the server's own do."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers[:] = []
            logger.propagate = True
        # Boot messages are three lines a worker, of no use to anybody who is not debugging gunicorn.
        self.error_log.setLevel(logging.WARNING)


class _Application(BaseApplication):  # type: ignore[misc]
    def __init__(self, load: LoadApplication, options: dict[str, Any]) -> None:
        self._load = load
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._load()


def run(
    load: LoadApplication,
    *,
    host: str,
    port: int,
    workers: int,
    service: str,
    destinations: Destinations = NOWHERE,
) -> None:
    """Serve until SIGTERM or SIGINT; returns never (gunicorn exits the process).

    Args:
        load: makes the WSGI application; called once in each worker process, after the fork.
        host: address to listen on; ``localhost`` means 127.0.0.1 and, where there is one, ::1.
        port: TCP port.
        workers: number of processes.
        service: the process title, for ``ps``, and what telemetry is said to come from.
        destinations: where telemetry is exported to, from each worker.

    Raises:
        PortTaken: something else listens there.
    """
    binds = _binds(host, port)
    if workers > 1:
        _share_metrics_between_workers()
    exporters = _Exporters(service, destinations)

    def load_and_export() -> Any:
        exporters.start()
        return load()

    _Application(
        load_and_export,
        {
            "bind": binds,
            "workers": workers,
            "worker_class": Worker,
            "worker_connections": MAX_CONNECTIONS_PER_WORKER,
            "proc_name": service,
            "keepalive": KEEPALIVE_SECONDS,
            "timeout": 60,
            "graceful_timeout": GRACEFUL_TIMEOUT_SECONDS,
            "http_parser": "fast",
            "header_map": "drop",
            "forwarded_allow_ips": "",
            "limit_request_line": 8190,
            "limit_request_fields": 64,
            "limit_request_field_size": 16_384,
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: S108
            "logger_class": _RootLogger,
            "child_exit": lambda _server, worker: forget_worker(worker.pid),
            "worker_exit": lambda _server, _worker: exporters.stop(),
        },
    ).run()


class _Exporters:
    """One worker's exporters: begun once it is a process of its own, ended when all is answered."""

    def __init__(self, service: str, destinations: Destinations) -> None:
        self._service = service
        self._destinations = destinations
        self._stop: Callable[[], None] | None = None

    def start(self) -> None:
        self._stop = start_exporting(self._service, self._destinations)

    def stop(self) -> None:
        if self._stop is not None:
            self._stop()


def _binds(host: str, port: int) -> list[str]:
    addresses = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")] if host == "localhost" else []
    if not addresses:
        addresses = [(socket.AF_INET6 if ":" in host else socket.AF_INET, host)]
    binds = []
    for family, address in addresses:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET6 and host == "localhost":
                continue  # no IPv6 on this machine
            raise PortTaken(
                f"port {port} on {address} cannot be used ({error.strerror}): "
                "stop what listens there or choose another port"
            ) from error
        binds.append(f"[{address}]:{port}" if family == socket.AF_INET6 else f"{address}:{port}")
    return binds


def _share_metrics_between_workers() -> None:
    # prometheus-client decides at import which kind of values it makes, and workers inherit what is
    # imported here.
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported before the workers were started")
    os.environ.setdefault(MULTIPROCESS_VARIABLE, tempfile.mkdtemp(prefix="metrics-"))
