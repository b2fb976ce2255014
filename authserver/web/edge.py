"""Where HTTP ends: every endpoint is answered through ``Edge``, which gives each request its id, metrics,
errors, CORS.

Called by ``app`` (through Flask) and by ``web.front_door``. Must not know what an endpoint does.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from authserver.errors import AuthServerError, RequestError, UnavailableError
from authserver.metrics import ERRORS, REQUEST_SECONDS, REQUESTS
from authserver.web.http import Endpoint, Headers, HttpRefusal, HttpRequest, Reply, read_request
from authserver.web.limits import RequestLimits
from authserver.web.responses import ErrorResponses
from telemetry import correlation, tracing

# Any origin, without credentials: what these endpoints answer depends on nothing that a browser adds by
# itself.
CORS: Final[Headers] = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After, X-Correlation-Id"),
)

# Asked by machines every few seconds, and the answer is a metric already.
_UNTRACED: Final = frozenset({"healthz", "readyz", "metrics", "revoked"})


class Edge:
    """Args: errors: renders what is raised; limits: how often the endpoints may be asked."""

    def __init__(self, errors: ErrorResponses, limits: RequestLimits) -> None:
        self._errors = errors
        self._limits = limits
        self._counters: dict[tuple[str, int], Any] = {}

    def answer(
        self, endpoint: Endpoint, environ: Mapping[str, Any], refusal: HttpRefusal | None = None
    ) -> Reply:
        """Return the endpoint's reply, or the reply to whatever it raised; raises nothing.

        Args:
            endpoint: who answers.
            environ: the WSGI environ.
            refusal: what was decided before the endpoint was asked, for example that there is none.
        """
        if not tracing.is_on() or endpoint.name in _UNTRACED:
            return self._answer(endpoint, environ, refusal)
        with tracing.span(endpoint.name, "server", parent=tracing.of_request(environ)) as span:
            reply = self._answer(endpoint, environ, refusal)
            span.set(_described(endpoint, environ, reply))
        return reply

    def _answer(self, endpoint: Endpoint, environ: Mapping[str, Any], refusal: HttpRefusal | None) -> Reply:
        started = time.perf_counter()
        correlation_id = correlation.new_id()
        request: HttpRequest | None = None
        try:
            if refusal is not None:
                raise refusal
            request = read_request(environ)
            reply = self._dispatch(endpoint, request)
        except Exception as error:  # no input makes a 500 of the framework
            reply = self._errors.render(error, endpoint.name, request, speaks_json=endpoint.speaks_json)
            code = _code(error)
            ERRORS.labels(endpoint.name, code).inc()
            # What a client did wrong is no failure of ours (OpenTelemetry, HTTP spans, "Status").
            if reply.status >= 500:
                tracing.running().fail(code)
            else:
                tracing.running().set({"error.type": code})
        if endpoint.cross_origin and "HTTP_X_PUBLIC_ORIGIN" not in environ:
            reply = reply.with_headers(*CORS)
        self._count(endpoint.name, reply.status, time.perf_counter() - started)
        return reply.with_headers(("X-Correlation-Id", correlation_id))

    def _dispatch(self, endpoint: Endpoint, request: HttpRequest) -> Reply:
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS" and endpoint.cross_origin:
            return Reply(204, ()) if request.behind_gateway else _preflight(endpoint)
        self._limits.count(endpoint, request)
        if method not in endpoint.methods:
            allow = _allow(endpoint)
            raise HttpRefusal(405, "invalid_request", f"use {allow} here", (("Allow", allow),))
        return endpoint.handle(request)

    def _count(self, name: str, status: int, seconds: float) -> None:
        # Looking a child up by labels costs more than counting.
        pair = self._counters.get((name, status))
        if pair is None:
            pair = (REQUESTS.labels(name, str(int(status))), REQUEST_SECONDS.labels(name))
            self._counters[(name, status)] = pair
        pair[0].inc()
        pair[1].observe(seconds)


def _described(endpoint: Endpoint, environ: Mapping[str, Any], reply: Reply) -> dict[str, tracing.Value]:
    """Return the attributes of a request's span: nothing that the client chose, whose URL holds secrets."""
    method = environ["REQUEST_METHOD"]
    return {
        "http.request.method": method if method in ("HEAD", *endpoint.methods) else "_OTHER",
        "http.route": f"/{endpoint.name}",
        "http.response.status_code": int(reply.status),
        "correlation_id": correlation.current(),
    }


def _allow(endpoint: Endpoint) -> str:
    methods = [*endpoint.methods, *(("HEAD",) if "GET" in endpoint.methods else ())]
    return ", ".join([*methods, "OPTIONS"] if endpoint.cross_origin else methods)


def _preflight(endpoint: Endpoint) -> Reply:
    return Reply(
        204,
        (
            ("Access-Control-Allow-Methods", ", ".join(endpoint.methods)),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type, MCP-Protocol-Version, *"),
            ("Access-Control-Max-Age", "7200"),
        ),
    )


def _code(error: Exception) -> str:
    if isinstance(error, RequestError | HttpRefusal):
        return error.code
    if isinstance(error, UnavailableError):
        return "unavailable"
    return "refused" if isinstance(error, AuthServerError) else "unexpected"
