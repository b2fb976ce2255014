"""From a request to its result: the table of methods, gated by what each revision allows.

Called by every transport. A room that adds methods adds rows to the table (``Methods``); which revision
knows which method is what ``mcp_types`` says. Every error that leaves here is a JsonRpcError or an
InsufficientScope.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp_types.methods import CLIENT_REQUESTS
from pydantic import ValidationError

from mcpserver.errors import INVALID_PARAMS, METHOD_NOT_FOUND, JsonRpcError, McpServerError
from mcpserver.principal import Principal
from mcpserver.protocol import call_spans, jsonrpc
from mcpserver.protocol.call import Call
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.input_required import InputRequired
from mcpserver.protocol.jsonrpc import Request
from mcpserver.protocol.parameter_headers import GetHeader, check_parameters
from mcpserver.tools.header import Path
from telemetry import correlation, tracing

Handler = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """A method.

    Attributes:
        handler: returns the result.
        admit: raises what can be told before anything starts, so that it can travel as an HTTP status:
            InsufficientScope or JsonRpcError.
        speaks: says whether a request may send something before its result: it needs a stream.
        headers: returns which arguments of somebody's request are repeated in headers, by the header's name.
        is_ours: no revision lists the method: an extension's, of 2026-07-28.
    """

    handler: Handler
    admit: Callable[[Call], object] | None = None
    speaks: Callable[[Request], bool] | None = None
    headers: Callable[[Request, Principal], Mapping[str, Path]] | None = None
    is_ours: bool = False


Methods = Mapping[str, Row]

# Its shape is checked by its own handler: the one method that is on the hot path.
_CHECKED_BY_HANDLER: Final = frozenset({"tools/call"})
_MAX_PLACE_CHARACTERS: Final = 64  # it may hold names that the client made up
_log = logging.getLogger(__name__)


class Dispatcher:
    """Args: methods: method name → row."""

    def __init__(self, methods: Methods) -> None:
        self._methods = dict(methods)

    def admit(self, call: Call) -> None:
        """Refuse what can be refused before anything of a request is done.

        Raises:
            JsonRpcError: the request cannot be served.
            InsufficientScope: the caller's token does not allow it.
        """
        row = self._methods.get(call.request.method)
        if row is None or row.admit is None:
            return
        try:
            row.admit(call)
        except McpServerError as error:
            # It gets no further, and would leave no span.
            with self.span_of(call) as span:
                call_spans.refused(span, error)
            raise

    def speaks(self, request: Request) -> bool:
        """Say whether a request may notify or ask the client before its result."""
        row = self._methods.get(request.method)
        return row is not None and row.speaks is not None and row.speaks(request)

    def check_headers(self, request: Request, principal: Principal, get_header: GetHeader) -> None:
        """Compare what a modern request repeats in headers of its own with what it says.

        Raises:
            JsonRpcError: they differ.
        """
        row = self._methods.get(request.method)
        if row is not None and row.headers is not None and (parameters := row.headers(request, principal)):
            check_parameters(parameters, request.params.get("arguments"), get_header)

    def check(self, call: Call) -> None:
        """Check the shape of a request that is answered elsewhere.

        Raises:
            JsonRpcError: this revision or this server does not know the method, or its params do not fit.
        """
        shape = CLIENT_REQUESTS.get((call.request.method, call.version))
        if shape is None or call.request.method not in self._methods:
            raise _not_found(call)
        _check_shape(shape, call)

    def dispatch(self, call: Call) -> dict[str, Any]:
        """Return the result.

        Raises:
            JsonRpcError: any refusal, and any mistake of ours (logged, with a reference in its text).
            InsufficientScope: the caller's token does not allow it.
        """
        if not tracing.is_on():
            return self._dispatch(call)
        with self.span_of(call) as span:
            try:
                result = self._dispatch(call)
            except McpServerError as error:
                call_spans.refused(span, error)
                raise
            call_spans.answered(span, result)
            return result

    def span_of(self, call: Call) -> tracing.Span:
        """Return the span of a request, for whoever answers one that ``dispatch`` does not."""
        return call_spans.span_of(call, self._methods)

    def _dispatch(self, call: Call) -> dict[str, Any]:
        method = call.request.method
        row = self._methods.get(method)
        shape = CLIENT_REQUESTS.get((method, call.version))
        if row is None or (shape is None and not (row.is_ours and call.version == MODERN)):
            raise _not_found(call)
        if shape is not None and method not in _CHECKED_BY_HANDLER:
            _check_shape(shape, call)
        try:
            return row.handler(call)
        except InputRequired as asked:
            return asked.result
        except McpServerError:
            raise
        except Exception:
            _log.exception("%s failed", method)
            raise jsonrpc.internal_error(correlation.current()) from None


def _not_found(call: Call) -> JsonRpcError:
    # MCP 2026-07-28 Streamable HTTP: 404 with -32601; before, errors travelled with 200.
    status = 404 if call.version == MODERN else 200
    return JsonRpcError(METHOD_NOT_FOUND, f"Method not found: {call.request.method}", http_status=status)


def _check_shape(shape: Any, call: Call) -> None:
    request = call.request
    try:
        shape.model_validate(
            {"jsonrpc": "2.0", "id": request.id, "method": request.method, "params": request.params}
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:_MAX_PLACE_CHARACTERS]
        raise JsonRpcError(INVALID_PARAMS, f"Invalid params: {place}: {first['msg']}") from None
