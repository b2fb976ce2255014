"""JSON-RPC 2.0 messages: parsed once from bytes into frozen objects, and rendered to bytes.

Called by the transports. Must not know methods. Bounds what a message may look like, so that nothing below
has to: nesting, and the form of ``id``, ``method`` and ``params``.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mcpserver.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    SERVER_BUSY,
    JsonRpcError,
    Unavailable,
)
from mcpserver.wire import RequestId
from telemetry import correlation

MAX_NESTING: Final = 64
MAX_BATCH: Final = 50
_MAX_ID_CHARACTERS: Final = 256
_MAX_METHOD_CHARACTERS: Final = 128
_log = logging.getLogger(__name__)


def _meta(params: dict[str, Any]) -> dict[str, Any]:
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


@dataclass(frozen=True, slots=True)
class Request:
    """A request: ``params`` is ``{}`` where there were none."""

    id: RequestId
    method: str
    params: dict[str, Any]

    @property
    def meta(self) -> dict[str, Any]:
        """``params._meta``, ``{}`` where there is none or it is no object."""
        return _meta(self.params)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification."""

    method: str
    params: dict[str, Any]

    @property
    def meta(self) -> dict[str, Any]:
        """``params._meta``, ``{}`` where there is none or it is no object."""
        return _meta(self.params)


@dataclass(frozen=True, slots=True)
class Response:
    """A client's answer to a request of ours.

    Attributes:
        id: of the request; None where an error could not name it.
        result: what it answered; None for an error.
        error: the error's object; None for a result.
    """

    id: RequestId | None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


Message = Request | Notification | Response


def parse(body: bytes) -> Message | list[Message | JsonRpcError]:
    """Return the message, or the batch of messages, in a body.

    Raises:
        JsonRpcError: parse error or invalid request; for a batch only when the batch itself is invalid, its
            invalid members stand in the list.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # orjson refuses NaN, lone surrogates, bad UTF-8 and nesting beyond its own bound as well.
        raise JsonRpcError(
            PARSE_ERROR, "Parse error: the body is not JSON", http_status=400, private_detail=str(error)[:200]
        ) from None
    if isinstance(value, dict):
        return message(value)
    if isinstance(value, list):
        # JSON-RPC 2.0 section 6: an empty batch is an invalid request.
        if not 1 <= len(value) <= MAX_BATCH:
            raise _invalid(f"a batch has 1 to {MAX_BATCH} messages")
        return [_member(each) for each in value]
    raise _invalid("a message is an object")


def message(value: dict[str, Any]) -> Message:
    """Return the message that a parsed object is.

    Raises:
        JsonRpcError: invalid request.
    """
    if value.get("jsonrpc") != "2.0":
        raise _invalid('jsonrpc must be "2.0"')
    method = value.get("method")
    if method is None:
        return _response(value)
    if not isinstance(method, str) or not 0 < len(method) <= _MAX_METHOD_CHARACTERS:
        raise _invalid("method must be a string")
    params = value.get("params")
    if params is None:
        params = {}
    # MCP Basic, "Requests": params is an object.
    if not isinstance(params, dict):
        raise _invalid("params must be an object")
    if _is_too_deep(params, MAX_NESTING):
        raise _invalid(f"the message is nested more than {MAX_NESTING} levels deep")
    if "id" not in value:
        return Notification(method, params)
    identifier = value["id"]
    # MCP Basic, "Requests": the ID must be a string or integer, and must not be null.
    if not _is_id(identifier):
        raise _invalid("id must be a string or an integer")
    return Request(identifier, method, params)


def result(identifier: RequestId, body: dict[str, Any]) -> bytes:
    """Return a response; an internal error when the result has what JSON has not (a lone surrogate, say)."""
    try:
        return orjson.dumps({"jsonrpc": "2.0", "id": identifier, "result": body})
    except orjson.JSONEncodeError:
        _log.exception("a result is not JSON")
        return error(identifier, internal_error(correlation.current()))


def error(identifier: RequestId | None, problem: JsonRpcError) -> bytes:
    """Return an error response; ``id`` is null where the request's could not be read (JSON-RPC 2.0 5)."""
    return orjson.dumps({"jsonrpc": "2.0", "id": identifier, "error": error_object(problem)})


def error_object(problem: JsonRpcError) -> dict[str, Any]:
    """Return the ``error`` member."""
    body: dict[str, Any] = {"code": problem.code, "message": str(problem)}
    if problem.data is not None:
        body["data"] = dict(problem.data)
    return body


def notification(method: str, params: dict[str, Any]) -> bytes:
    """Return a notification of ours."""
    return orjson.dumps({"jsonrpc": "2.0", "method": method, "params": params}, default=str)


def request(identifier: RequestId, method: str, params: dict[str, Any]) -> bytes:
    """Return a request of ours (revisions before 2026)."""
    return orjson.dumps({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})


def readable_id(body: bytes) -> RequestId | None:
    """Return the id of a message that is not valid otherwise, so that its refusal can echo it."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    identifier = value.get("id") if isinstance(value, dict) else None
    return identifier if _is_id(identifier) else None


def no_batches() -> JsonRpcError:
    """Return the error for a batch in a revision that has none (all but 2025-03-26)."""
    return JsonRpcError(INVALID_REQUEST, "Invalid request: this revision has no batches", http_status=400)


def no_initialize_in_batches() -> JsonRpcError:
    """Return the error for ``initialize`` within a batch (MCP 2025-03-26 lifecycle, "Initialization")."""
    return _invalid("initialize must not be part of a batch")


def id_in_use() -> JsonRpcError:
    """Return the error for an id that another request of the session has at the moment (MCP Basic,
    "Requests").
    """
    return _invalid("a call with this id is running")


def stopped() -> JsonRpcError:
    """Return the error for a call that was not over when this process had to stop."""
    return JsonRpcError(SERVER_BUSY, "This server stops before the call is over", http_status=503)


def unavailable(problem: Unavailable) -> JsonRpcError:
    """Return the error for something that is not there at the moment."""
    detail = problem.private_detail
    return JsonRpcError(SERVER_BUSY, str(problem), http_status=503, private_detail=detail)


def internal_error(correlation_id: str) -> JsonRpcError:
    """Return the error for a mistake of ours; the id finds it in the log."""
    return JsonRpcError(INTERNAL_ERROR, f"Internal error (reference {correlation_id})", http_status=500)


def _member(value: Any) -> Message | JsonRpcError:
    try:
        return message(value) if isinstance(value, dict) else _invalid("a message is an object")
    except JsonRpcError as problem:
        return problem


def _response(value: dict[str, Any]) -> Response:
    identifier = value.get("id")
    has_outcome = ("result" in value) != ("error" in value)
    if not has_outcome or not (_is_id(identifier) or (identifier is None and "error" in value)):
        raise _invalid("a message has a method, or an id with a result or an error")
    outcome = value.get("result", value.get("error"))
    if not isinstance(outcome, dict):
        raise _invalid("a result and an error are objects")
    if _is_too_deep(outcome, MAX_NESTING):
        raise _invalid(f"the message is nested more than {MAX_NESTING} levels deep")
    return Response(identifier, value.get("result"), value.get("error"))


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_ID_CHARACTERS
    return isinstance(value, int) and not isinstance(value, bool)


def _is_too_deep(value: Any, levels: int) -> bool:
    """Say whether containers are nested deeper than ``levels``; leaves cost nothing."""
    level: list[Any] = [value]
    for _ in range(levels):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _invalid(reason: str) -> JsonRpcError:
    return JsonRpcError(INVALID_REQUEST, f"Invalid request: {reason}", http_status=400)
