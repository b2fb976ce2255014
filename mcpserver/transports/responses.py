"""Every answer of the transports, as status, headers and bytes; the one place where errors become HTTP.

Called by ``front``, ``http`` and ``sse``. Must not put a private detail into an answer; it logs it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson

from mcpserver import metrics
from mcpserver.errors import (
    NO_CODE,
    InsufficientScope,
    JsonRpcError,
    McpServerError,
    OriginRefused,
    RequestRefused,
    Unauthorized,
    Unavailable,
)
from mcpserver.metadata import ResourceMetadata
from mcpserver.protocol import jsonrpc
from mcpserver.sessions.protocol import SessionNotFound, TooManySessions
from mcpserver.wire import RequestId

Environ = Mapping[str, Any]
StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

_JSON: Final = "application/json"
# What a page of another origin may read (the gateway's cors policy exposes the same).
EXPOSED: Final = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After"
_RETRY_SECONDS: Final = "5"
_STATUS_LINES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_log = logging.getLogger(__name__)


def send(
    environ: Environ,
    start_response: StartResponse,
    status: int,
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
) -> list[bytes]:
    """Answer with a JSON body, or with none when it is empty."""
    all_headers: Headers = [("Content-Length", str(len(body)))]
    if body:
        all_headers.append(("Content-Type", _JSON))
    if "HTTP_ORIGIN" in environ:
        all_headers.extend(cors(environ))
    all_headers.extend(headers)
    start_response(_STATUS_LINES[status], all_headers)
    return [body]


def start_events(
    environ: Environ, start_response: StartResponse, headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Begin an event stream."""
    start_response(
        _STATUS_LINES[200],
        [
            ("Content-Type", "text/event-stream"),
            ("Cache-Control", "no-store"),
            # Tells reverse proxies not to hold events back (MCP Streamable HTTP, "Receiving Messages").
            ("X-Accel-Buffering", "no"),
            *cors(environ),
            *headers,
        ],
    )


def cors(environ: Environ) -> Headers:
    """Return the CORS headers of an answer to a page; none behind the gateway, which sends its own."""
    origin = environ.get("HTTP_ORIGIN")
    if origin is None or "HTTP_X_PUBLIC_ORIGIN" in environ:
        return []
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", EXPOSED),
        ("Vary", "Origin"),
    ]


def preflight(environ: Environ, start_response: StartResponse, methods: str) -> list[bytes]:
    """Answer an OPTIONS request (Fetch, "CORS-preflight fetch")."""
    asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    allowed = asked if len(asked) <= 1024 and asked.isprintable() else ""
    if "HTTP_X_PUBLIC_ORIGIN" in environ:
        return send(environ, start_response, 204, b"")
    headers = [
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", allowed),
        ("Access-Control-Max-Age", "600"),
    ]
    return send(environ, start_response, 204, b"", headers)


class ErrorRenderer:
    """Args: metadata: makes the challenges."""

    def __init__(self, metadata: ResourceMetadata) -> None:
        self._metadata = metadata

    def render(
        self,
        environ: Environ,
        start_response: StartResponse,
        error: McpServerError,
        request_id: RequestId | None = None,
    ) -> list[bytes]:
        """Answer with what an error means over HTTP."""
        _note(error)
        if isinstance(error, OriginRefused):
            environ = {name: value for name, value in environ.items() if name != "HTTP_ORIGIN"}
        if isinstance(error, JsonRpcError):
            retry = [("Retry-After", _RETRY_SECONDS)] if error.http_status in (429, 503) else []
            return send(environ, start_response, error.http_status, jsonrpc.error(request_id, error), retry)
        status, text, headers = self._meaning(environ, error)
        # The body may be a JSON-RPC error response (MCP Streamable HTTP): every client of MCP can read that.
        body = {"jsonrpc": "2.0", "id": request_id, "error": {"code": NO_CODE, "message": text}}
        return send(environ, start_response, status, orjson.dumps(body), headers)

    def _meaning(self, environ: Environ, error: McpServerError) -> tuple[int, str, Iterable[tuple[str, str]]]:
        match error:
            case Unauthorized():
                description = error.description if error.code else None
                return 401, str(error), self._challenge(environ, error.code, None, description)
            case InsufficientScope():
                challenge = self._challenge(environ, "insufficient_scope", error.required, str(error))
                return 403, str(error), challenge
            case Unavailable():
                return 503, str(error), [("Retry-After", str(error.retry_after_seconds))]
            case SessionNotFound():
                return 404, str(error), ()
            case TooManySessions():
                return 429, str(error), [("Retry-After", _RETRY_SECONDS)]
            case RequestRefused():
                return error.status, str(error), error.headers
        raise error

    def _challenge(
        self, environ: Environ, code: str | None, scopes: frozenset[str] | None, description: str | None
    ) -> Headers:
        alias = self._metadata.select_alias(
            environ.get("HTTP_X_PUBLIC_ORIGIN"), environ.get("HTTP_HOST"), environ["PATH_INFO"]
        )
        return [("WWW-Authenticate", self._metadata.challenge(alias, code, scopes, description))]


def _note(error: McpServerError) -> None:
    metrics.refused(type(error).__name__)
    detail = error.private_detail
    if detail is not None:
        _log.info("refused: %s", type(error).__name__, extra={"reason": str(error), "detail": detail})
