"""``mcpserver serve``: patches the process for gevent, reads the settings, runs gunicorn.

The process entry point. Must stay the first thing imported: what is imported before the patch stays blocking.
"""

from gevent import monkey  # isort: skip

monkey.patch_all()

import importlib
import logging
import secrets
from typing import Any

from gunicorn.arbiter import Arbiter
from pydantic import SecretStr

from mcpserver.errors import Unavailable
from mcpserver.settings import Settings
from serving.server import run
from telemetry.exporting import Destinations
from telemetry.logs import setup

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    setup("mcpserver", fmt=settings.log_format)
    if settings.workers > 1 and settings.redis_url is None:
        _log.warning(
            "several workers and no REDIS_URL: clients of 2025-11-25 and before are served without sessions, "
            "streams and resumption, those of 2024-11-05 not at all; there are no tasks and subscriptions"
        )

    if settings.state_secret is None and settings.redis_url is None:
        # Before the workers are forked: what one has sealed, another must be able to open.
        settings = settings.model_copy(update={"state_secret": SecretStr(secrets.token_urlsafe(32))})

    def load() -> Any:
        # Imported in the worker: with several of them, metrics must not be made in the parent.
        app = importlib.import_module("mcpserver.app")
        try:
            return app.create_app(settings)
        except app.ToolsUnusable as error:
            _log.error("%s", error)
            raise SystemExit(Arbiter.APP_LOAD_ERROR) from None
        except Unavailable as error:
            _log.error("REDIS_URL: %s", error.private_detail)
            raise SystemExit(Arbiter.APP_LOAD_ERROR) from None

    run(
        load,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        service="mcpserver",
        destinations=Destinations(settings.telemetry_connection_string, settings.otlp_endpoint or None),
    )
