"""What can go wrong in the MCP server, in the terms of the protocol and of bearer tokens.

Raised anywhere below the transports, rendered by ``transports.responses`` alone. An error has a public text,
and where it helps a private detail that is logged and never sent. Must not know HTTP beyond a status that
JSON-RPC over HTTP ties to an error code.
"""

from collections.abc import Mapping
from typing import Any, Final

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
# Implementation-defined: too much at once, and a refusal whose meaning is its HTTP status. 2026-07-28 leaves
# -32000 to -32019 to servers that used them before, and would have new ones choose other numbers.
SERVER_BUSY: Final = -32001
NO_CODE: Final = -32000
# MCP Resources, "Error Handling", before 2026-07-28.
RESOURCE_NOT_FOUND: Final = -32002
# Defined by MCP 2026-07-28, Basic, "Error Codes".
HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_PROTOCOL_VERSION: Final = -32022


class McpServerError(Exception):
    """Base of this package's errors."""

    def __init__(self, message: str, *, private_detail: str | None = None) -> None:
        super().__init__(message)
        self.private_detail = private_detail


class Unauthorized(McpServerError):
    """No acceptable bearer token (RFC 6750 section 3): a 401 with a challenge.

    Args:
        code: the RFC 6750 section 3.1 error code; None when no token was sent.
        description: public.
        private_detail: for the log.
    """

    def __init__(self, code: str | None, description: str, *, private_detail: str | None = None) -> None:
        super().__init__(description, private_detail=private_detail)
        self.code = code
        self.description = description


class Unavailable(McpServerError):
    """Something that tokens are judged by is not there: nothing is accepted, trying again later is right.

    Args:
        message: public.
        private_detail: for the log.
        retry_after_seconds: what the answer's Retry-After says.
    """

    def __init__(self, message: str, private_detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, private_detail=private_detail)
        self.retry_after_seconds = retry_after_seconds


class InsufficientScope(McpServerError):
    """The token is good, but may not do this (RFC 6750 section 3.1 insufficient_scope): a 403 challenge.

    Args:
        required: every scope that the operation needs, those the token has included.
    """

    def __init__(self, required: frozenset[str]) -> None:
        super().__init__("The access token does not have the scopes that this needs")
        self.required = required


class RequestRefused(McpServerError):
    """An HTTP request that is no MCP traffic of ours: a status and a JSON body without a telling code.

    Args:
        status: the HTTP status code.
        message: public.
        headers: further response headers.
    """

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class OriginRefused(RequestRefused):
    """A page of an origin that is not served: it must not be able to read even the refusal."""

    def __init__(self) -> None:
        super().__init__(403, "This origin is not allowed")


class JsonRpcError(McpServerError):
    """An error response (JSON-RPC 2.0 section 5.1).

    Args:
        code: the error's code.
        message: one public sentence.
        data: further public information.
        http_status: what the response travels with over HTTP.
    """

    def __init__(
        self,
        code: int,
        message: str,
        data: Mapping[str, Any] | None = None,
        *,
        http_status: int = 200,
        private_detail: str | None = None,
    ) -> None:
        super().__init__(message, private_detail=private_detail)
        self.code = code
        self.data = data
        self.http_status = http_status


class MissingCapability(JsonRpcError):
    """The client has not declared what an answer would need (MCP 2026-07-28, Basic, "Error Codes").

    Args:
        required: the part of ClientCapabilities that is missing.
        http_status: see ``JsonRpcError``.
    """

    def __init__(self, required: Mapping[str, Any], *, http_status: int = 400) -> None:
        super().__init__(
            MISSING_CAPABILITY,
            f"The client does not offer what this needs: {', '.join(sorted(required))}",
            {"requiredCapabilities": dict(required)},
            http_status=http_status,
        )


class Unanswered(McpServerError):
    """The client did not answer a question: an error, no answer in time, or no way to ask it."""


class CallCancelled(BaseException):
    """Thrown into the greenlet of a call that its client gave up; no tool should catch it: no Exception."""


class ToolError(Exception):
    """What a tool raises for an error that the model may read and act on; its text becomes the result."""


class ResourceNotFound(Exception):
    """What a resource raises when it has nothing under the URI that was asked for."""
