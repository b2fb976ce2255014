"""What both applications do with every request: limits, health, the faults of endpoints, ids in the log.

Called by ``login_app`` and ``back_channel_app`` when they are made. Must not log a query, a form or a
header: codes, secrets and tokens are in them.
"""

import logging
from collections.abc import Callable
from typing import Final

import gevent
from flask import Flask, Response, jsonify, request

from devstack.entra.errors import Reference
from devstack.entra.faults import ENDPOINTS, Faults

LOGGER: Final = logging.getLogger("devstack.entra")
_MAX_BODY_BYTES: Final = 65_536


def make_app(name: str, faults: Faults) -> Flask:
    """Return a Flask application with the health endpoints."""
    app = Flask(name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = _MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]

    def healthy() -> Response:
        return jsonify({"status": "ok"})

    def read_form() -> None:
        # Here and not in an error handler, where a form that is too large would be an error of ours.
        len(request.form)

    def endpoint_faults() -> Response | None:
        return _endpoint_fault(faults)

    app.add_url_rule("/healthz", "healthz", healthy)
    app.add_url_rule("/readyz", "readyz", healthy)
    app.before_request(read_form)
    app.before_request(endpoint_faults)
    return app


def new_reference(clock: Callable[[], float], client_request_id: str | None = None) -> Reference:
    """Return the ids of the request at hand; the client may name the correlation id in a header, too."""
    return Reference.new(clock(), client_request_id or request.headers.get("client-request-id"))


def _endpoint_fault(faults: Faults) -> Response | None:
    endpoint = (request.endpoint or "").partition("_")[0]
    if endpoint not in ENDPOINTS:
        return None
    slow = faults.take_at("slow", endpoint)
    if slow is not None:
        gevent.sleep(slow["seconds"])
    if faults.take_at("down", endpoint) is not None:
        return Response("Service Unavailable", 503, {"Connection": "close"}, content_type="text/plain")
    return None
