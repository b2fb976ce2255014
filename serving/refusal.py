"""The answer to a request that never reached the application: in JSON, like every other, and without what
was sent.

Called by ``worker`` in place of gunicorn's own answer, which is HTML and repeats the offending line, to the
peer and to the log: that line may be an Authorization header. Must not read the request.
"""

from http import HTTPStatus
from typing import Final

import orjson
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

_STATUSES: Final[tuple[tuple[type[Exception], HTTPStatus], ...]] = (
    # What the application wanted to send is not the client's fault.
    (InvalidResponseHeader, HTTPStatus.INTERNAL_SERVER_ERROR),
    (InvalidResponseHeaderName, HTTPStatus.INTERNAL_SERVER_ERROR),
    (LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (ParseException, HTTPStatus.BAD_REQUEST),
)


def status_of(error: Exception) -> HTTPStatus:
    """Return what went wrong in HTTP's words; 500 for what is no fault of the request."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def answer(status: HTTPStatus, correlation_id: str) -> bytes:
    """Return the whole response; it ends the connection."""
    code = "server_error" if status == HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request"
    body = orjson.dumps({"error": code, "error_description": status.phrase.lower()})
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Cache-Control: no-store\r\nX-Correlation-Id: {correlation_id}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
