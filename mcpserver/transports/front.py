"""The WSGI callable in front of everything: MCP paths go straight to their transport, the rest to Flask.

gunicorn calls it for each request. Routing is one dictionary look-up, because Flask's costs more than a tool
call. Must catch what nobody else caught: no request gets a traceback or an answer that is not JSON.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from mcpserver.protocol import jsonrpc
from mcpserver.transports.core import Core
from mcpserver.transports.http import HttpEndpoint
from mcpserver.transports.responses import Environ, StartResponse, send
from mcpserver.transports.sse import SseEndpoints
from mcpserver.transports.websocket import WebSocketEndpoint
from telemetry import correlation, tracing

# The gateway's path, and the short one for clients that come directly.
MOUNTS: Final = ("/runtime/webhooks/mcp", "/mcp")
WsgiApplication = Callable[[Any, Any], Iterable[bytes]]
_log = logging.getLogger(__name__)


class Front:
    """Args: core: what the transports share; websocket: the endpoint for it; flask: answers everything that
    is not MCP; stop: ends what goes on beside the requests; close: lets go of what is shared with other
    processes; is_writing: says whether something runs or is still to be kept that no connection waits for.
    """

    def __init__(
        self,
        core: Core,
        websocket: WebSocketEndpoint,
        flask: WsgiApplication,
        *,
        stop: Callable[[], None],
        close: Callable[[], None],
        is_writing: Callable[[], bool],
    ) -> None:
        endpoint, sse = HttpEndpoint(core), SseEndpoints(core)
        self._core = core
        self._websocket = websocket
        self._flask = flask
        self._stop = stop
        self._close = close
        self._is_writing = is_writing
        self._routes: dict[str, WsgiApplication] = {}
        for mount in MOUNTS:
            self._routes[mount] = endpoint
            self._routes[mount + "/sse"] = sse.stream
            self._routes[mount + "/message"] = sse.message
            self._routes[mount + "/ws"] = websocket

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        reference = correlation.new_id()
        if tracing.is_on():
            # Always: the request before on this connection may have had one.
            tracing.adopt(tracing.of_request(environ))
        route = self._routes.get(environ["PATH_INFO"])
        if route is None:
            return self._flask(environ, start_response)
        try:
            return route(environ, start_response)
        except StopIteration:
            raise  # a WebSocket's end: there is nothing to answer
        except Exception:
            _log.exception("request failed")
            problem = jsonrpc.internal_error(reference)
            return send(environ, start_response, 500, jsonrpc.error(None, problem))

    def is_busy(self) -> bool:
        """Say whether anything goes on, tasks included that have no connection (asked by the worker)."""
        return bool(self._core.ongoing) or self._is_writing()

    def drain(self) -> None:
        """End all streams: the process is about to stop (called by the worker)."""
        self._core.carrier.drain()
        self._websocket.drain()
        self._stop()

    def close(self) -> None:
        """Let go of what is shared: nothing goes on any more (called by the worker, last)."""
        self._close()
