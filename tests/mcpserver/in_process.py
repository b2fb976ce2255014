"""The MCP server in this process, on real sockets: the worker that production runs, without the fork."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent.event import Event
from gevent.server import StreamServer
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import wsgi

from serving.worker import Worker


@contextmanager
def served(application: Any) -> Iterator[int]:
    """Serve an application until the block ends; gives the port."""
    config = Config()
    for name, value in {"http_parser": "fast", "header_map": "drop", "forwarded_allow_ips": ""}.items():
        config.set(name, value)
    worker = Worker.__new__(Worker)
    worker.cfg, worker.log, worker.wsgi = config, Logger(config), application
    worker.alive, worker.nr, worker.max_requests = True, 0, 2**31
    worker._stopping, worker._idle, worker._turn_ended = Event(), set(), time.monotonic()
    worker._base = {**wsgi.base_environ(config), "wsgi.url_scheme": "http", "SCRIPT_NAME": ""}
    server = StreamServer(("127.0.0.1", 0), handle=worker._accept(("127.0.0.1", 0)))
    server.start()
    try:
        yield server.server_port
    finally:
        worker.alive = False
        server.stop(timeout=0)
