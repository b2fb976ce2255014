"""Entry point of the server's processes: patches for gevent before anything else, then gunicorn.

Called by the command line (``authserver serve``) alone. Must not import the application at its top: that
happens in each worker, after the fork, because prometheus-client looks at its environment when imported.
"""

from gevent import monkey  # isort: skip

monkey.patch_all()

from importlib import import_module
from typing import Any

from authserver.settings import Settings, load_settings
from serving.server import run
from telemetry import logs

_SERVICE = "authserver"


def serve() -> None:
    """Read the settings and serve until told to stop.

    Raises:
        SettingsError: a variable is wrong.
    """
    settings = load_settings()
    logs.setup(_SERVICE, fmt=settings.log_format)
    run(
        lambda: _load(settings),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        service=_SERVICE,
    )


def _load(settings: Settings) -> Any:
    return import_module("authserver.app").create_app(settings)
