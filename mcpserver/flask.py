"""MCP within a Flask application that is already there.

::

    app = Flask(__name__)

    @tool(read_only=True)
    def add(a: int, b: int) -> int:
        \"\"\"Add two numbers.\"\"\"
        return a + b

    mount(app, add)

Called by such an application, which gunicorn's gevent worker runs (``gunicorn -k gevent app:app``). The paths
of MCP and of its metadata are taken; everything else stays the application's. Must not make anything before
the first request: with ``--preload`` that would happen in the parent of all workers.
"""

import logging
import signal
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import gevent
import orjson
from flask import Flask
from gevent import monkey
from gevent.lock import BoundedSemaphore

from mcpserver.app import create_app
from mcpserver.documents import AUTHORIZATION_SERVER
from mcpserver.errors import Unavailable
from mcpserver.metadata import ResourceMetadata
from mcpserver.settings import Settings, SettingsError, load
from mcpserver.tools.registry import Feature, Features, gathered
from mcpserver.transports.front import MOUNTS, Front, WsgiApplication

_BELOW: Final = tuple(f"{each}/" for each in MOUNTS)
_NOT_GEVENT: Final = orjson.dumps({"error": "MCP needs gunicorn's gevent worker: gunicorn -k gevent"})
_log = logging.getLogger(__name__)


def mount(app: Flask, *features: Feature, settings: Settings | None = None) -> None:
    """Serve tools, resources and prompts at ``/mcp`` of an application, to callers with a valid token.

    Args:
        app: whose other paths stay as they are.
        features: what is served, and nothing else. Newcomers are asked to get all scopes that these need,
            unless ``default_scopes`` is set.
        settings: default: what the environment says (``MCPSERVER_PUBLIC_URL``, ``MCPSERVER_ISSUER``, …).

    Raises:
        SettingsError: a setting is wrong, or it is not said where clients reach the application.
        ValueError: there are no features, or two of a kind have one name.
    """
    if not features:
        raise ValueError("there is nothing to serve: pass tools, resources or prompts")
    served = gathered(features)
    known = settings if settings is not None else load()
    if "public_url" not in known.model_fields_set:
        # The default is the local stack's gateway, where nobody will look for this application.
        raise SettingsError("MCPSERVER_PUBLIC_URL: where clients reach this application must be said")
    if "default_scopes" not in known.model_fields_set:
        scopes = sorted({scope for each in features for scope in each.scopes})
        known = known.model_copy(update={"default_scopes": tuple(scopes)})
    app.wsgi_app = _Mounted(app.wsgi_app, served, known)  # type: ignore[method-assign]


class _Mounted:
    """An application with MCP in front of it (WSGI)."""

    def __init__(self, application: WsgiApplication, features: Features, settings: Settings) -> None:
        self._application = application
        self._features = features
        self._settings = settings
        self._paths = {*MOUNTS, *ResourceMetadata(settings).well_known_paths()}
        # An application that is the authorization server as well has its own metadata there.
        if urlsplit(settings.issuer)[:2] != urlsplit(settings.public_url)[:2]:
            self._paths.add(AUTHORIZATION_SERVER)
        self._making = BoundedSemaphore(1)
        self._front: Front | None = None

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path not in self._paths and not path.startswith(_BELOW):
            return self._application(environ, start_response)
        if not monkey.is_module_patched("socket"):
            # One stream would hold a whole thread, and sessions cannot be shared by threads.
            start_response("503 Service Unavailable", [("Content-Type", "application/json")])
            return [_NOT_GEVENT]
        front = self._front
        if front is None:
            try:
                front = self._first(has_other_workers=environ["wsgi.multiprocess"])
            except Unavailable as error:
                _log.error("REDIS_URL: %s", error.private_detail)
                retry_after = ("Retry-After", str(error.retry_after_seconds))
                start_response("503 Service Unavailable", [("Content-Type", "application/json"), retry_after])
                return [orjson.dumps({"error": str(error)})]
        return front(environ, start_response)

    def _first(self, *, has_other_workers: bool) -> Front:
        with self._making:
            if self._front is None:
                self._front = self._made(has_other_workers=has_other_workers)
            return self._front

    def _made(self, *, has_other_workers: bool) -> Front:
        settings = self._settings.model_copy(update={"workers": 2 if has_other_workers else 1})
        if has_other_workers and settings.redis_url is None:
            _log.warning(
                "several workers and no REDIS_URL: clients of 2025-11-25 and before are served without "
                "sessions%s",
                ""
                if settings.state_secret
                else "; without MCPSERVER_STATE_SECRET no tool can ask its client",
            )
        front = create_app(settings, self._features)
        _drain_at_sigterm(front)
        return front


def _drain_at_sigterm(front: Front) -> None:
    """Tell open streams to come back when the worker is told to stop: it would wait for them otherwise."""
    before = signal.getsignal(signal.SIGTERM)
    if not callable(before):
        return  # nobody here stops gracefully

    def stop(number: int, frame: Any) -> None:
        gevent.spawn(front.drain)
        before(number, frame)

    signal.signal(signal.SIGTERM, stop)
