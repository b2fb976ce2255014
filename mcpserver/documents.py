"""The Flask application behind the MCP paths: resource metadata, health, metrics.

Made by ``app``. Everything here is public and takes no token; ``/healthz``, ``/readyz`` and ``/metrics`` are
not routed by the gateway.
"""

from collections.abc import Callable

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from mcpserver.errors import Unavailable
from mcpserver.jwks import JwksClient
from mcpserver.metadata import ResourceMetadata
from mcpserver.revocations import Revocations, RevocationState
from mcpserver.snippets.model import SnippetStoreUnavailable
from mcpserver.snippets.protocol import SnippetStore
from telemetry import metrics as exposition

_METADATA_MAX_AGE_SECONDS = 300
AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"


def documents(
    metadata: ResourceMetadata,
    issuer: str,
    jwks: JwksClient,
    revocations: Revocations | None,
    *,
    store: SnippetStore | None,
    check_shared: Callable[[], None] | None,
) -> Flask:
    """Return the application; ``revocations`` is None where no list is followed, ``store`` where no snippets
    are kept, ``check_shared`` where processes share nothing.
    """
    app = Flask("mcpserver", static_folder=None)

    def resource_metadata() -> Response:
        alias = metadata.select_alias(
            request.headers.get("X-Public-Origin"), request.headers.get("Host"), request.path
        )
        response = _json(metadata.document(alias))
        # The answer depends on the name it was asked by.
        response.headers["Cache-Control"] = f"public, max-age={_METADATA_MAX_AGE_SECONDS}"
        response.headers["Vary"] = "Host, X-Public-Origin"
        return _for_any_origin(response)

    def authorization_server() -> Response:
        # Clients of 2025-03-26 and before look for the authorization server at the MCP server's own origin.
        # Behind the gateway they find it there; those that come directly are sent on.
        response = _json({"authorization_server": issuer}, 307)
        response.headers["Location"] = f"{issuer}{AUTHORIZATION_SERVER}"
        return _for_any_origin(response)

    def preflight() -> Response:
        response = Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = "GET"
        # The header that MCP's own SDKs add.
        response.headers["Access-Control-Allow-Headers"] = "MCP-Protocol-Version"
        return _for_any_origin(response)

    views = dict.fromkeys(metadata.well_known_paths(), resource_metadata)
    for path, view in {**views, AUTHORIZATION_SERVER: authorization_server}.items():
        app.add_url_rule(path, path, view, methods=["GET"], provide_automatic_options=False)
        app.add_url_rule(path, f"OPTIONS {path}", preflight, methods=["OPTIONS"])

    @app.get("/healthz")
    def healthy() -> Response:
        return _json({"status": "ok"})

    @app.get("/readyz")
    def ready() -> Response:
        keys, revoked = jwks.state(), revocations.state() if revocations is not None else None
        snippets = _snippets_status(store) if store is not None else "off"
        shared = _shared_status(check_shared)
        statuses = {keys.status, snippets, revoked.status if revoked is not None else "off", shared["status"]}
        is_ready = statuses.isdisjoint({"empty", "unavailable"})
        body = {
            "status": "unavailable"
            if not is_ready
            else "degraded"
            if statuses & {"stale", "absent"}
            else "ready",
            "checks": {
                "signing_keys": {
                    "status": keys.status,
                    "count": keys.key_count,
                    "age_seconds": _rounded(keys.age_seconds),
                    "last_error": keys.last_error,
                },
                "revocations": _revocations(revoked),
                "snippets": {"status": snippets},
                "shared_state": shared,
            },
        }
        return _json(body, 200 if is_ready else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(exposition.render(), content_type=exposition.CONTENT_TYPE)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        response = _json({"error": error.name}, error.code or 500)
        response.headers.extend(h for h in error.get_headers() if h[0] == "Allow")
        return response

    return app


def _for_any_origin(response: Response) -> Response:
    if "X-Public-Origin" not in request.headers:
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _revocations(state: RevocationState | None) -> dict[str, object]:
    if state is None:
        return {"status": "off"}
    return {
        "status": state.status,
        "sessions": state.session_count,
        "keys": state.key_count,
        "age_seconds": _rounded(state.age_seconds),
        "last_error": state.last_error,
    }


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _snippets_status(store: SnippetStore) -> str:
    try:
        store.check()
    except SnippetStoreUnavailable:
        return "unavailable"
    return "ok"


def _shared_status(check: Callable[[], None] | None) -> dict[str, str | None]:
    if check is None:
        return {"status": "off"}
    try:
        check()
    except Unavailable as error:
        return {"status": "unavailable", "last_error": error.private_detail}
    return {"status": "ok", "last_error": None}


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, content_type="application/json")
