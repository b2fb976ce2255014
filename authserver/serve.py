"""Entry point of the server's processes: patches for gevent before anything else, then gunicorn.

Called by the command line (``authserver serve``) alone. Must not import the application at its top: that
happens in each worker, after the fork, because prometheus-client looks at its environment when imported.
"""

from gevent import monkey  # isort: skip

monkey.patch_all()

import time
from importlib import import_module
from typing import Any

from authserver.settings import Settings, load_settings
from authserver.wiring.clients import configured_clients
from serving.server import run
from telemetry import logs
from telemetry.exporting import Destinations

_SERVICE = "authserver"


def serve() -> None:
    """Read the settings and serve until told to stop.

    Raises:
        SettingsError: a variable is wrong.
    """
    settings = load_settings()
    configured_clients(settings, time.time)  # before there are workers, each of which would say it
    logs.setup(_SERVICE, fmt=settings.log_format)
    run(
        lambda: _load(settings),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        service=_SERVICE,
        destinations=Destinations(settings.telemetry_connection_string, settings.otlp_endpoint or None),
    )


def _load(settings: Settings) -> Any:
    # First, to hear what is made with the application. What waits at the end, logging.shutdown flushes.
    count = import_module("authserver.metrics").audit_event
    import_module("authserver.audit").open_trail(settings, count).attach()
    return import_module("authserver.app").create_app(settings)
