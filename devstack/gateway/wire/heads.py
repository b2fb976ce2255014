"""Request and response heads: parsed strictly, once, into frozen objects.

Used by ``connection`` and ``upstream``. A head that leaves the framing open to interpretation is an error
(request smuggling, RFC 9112 section 11.2): nothing is repaired.
"""

import re
from dataclasses import dataclass

from devstack.gateway.errors import BadRequestError
from devstack.gateway.wire.headers import Headers

HEAD_LIMIT_BYTES = 65_536
# Below the limits of the servers behind, so that one answer explains them all.
_TARGET_LIMIT_BYTES = 8_000
_FIELDS_LIMIT = 60
_FIELD_LIMIT_BYTES = 16_384

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(%s) ([!-~]+) HTTP/1\.([01])" % _TOKEN)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?")
# No space before the colon, no folded lines, no control characters (RFC 9112 section 5).
_FIELD = re.compile(rb"(%s):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*" % _TOKEN)
_DIGITS = re.compile(r"[0-9]{1,15}")
# A second line of one of these is how one reader is made to see what another does not.
_SINGLE = frozenset({"host", "content-length", "transfer-encoding", "authorization", "content-type"})

UNTIL_CLOSE = -2
CHUNKED = -1


@dataclass(frozen=True, slots=True)
class RequestHead:
    """``framing`` is the body's length in bytes, or CHUNKED."""

    method: str
    target: str
    headers: Headers
    framing: int
    keep_alive: bool
    is_http_1_1: bool


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """``framing`` is the body's length in bytes, CHUNKED or UNTIL_CLOSE."""

    status: int
    reason: str
    headers: Headers
    framing: int
    keep_alive: bool


def parse_request(head: bytes) -> RequestHead:
    """Parse a client's head.

    Raises:
        BadRequestError: 400, 414, 431 or 501.
    """
    lines = head.split(b"\r\n")
    if len(lines[0]) > _TARGET_LIMIT_BYTES:
        raise BadRequestError(414, "the URL is too long")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise BadRequestError(400, "the request line is malformed")
    headers = _fields(lines[1:])
    for name in headers.repeated():
        if name in _SINGLE:
            raise BadRequestError(400, f"more than one {name} header")
    is_http_1_1 = match[3] == b"1"
    return RequestHead(
        method=match[1].decode(),
        target=match[2].decode(),
        framing=_request_framing(headers, is_http_1_1),
        keep_alive=_keep_alive(headers, is_http_1_1),
        is_http_1_1=is_http_1_1,
        headers=headers,
    )


def parse_response(head: bytes, method: str) -> ResponseHead:
    """Parse a server's head.

    Args:
        head: without its empty line.
        method: of the request; a HEAD has no body whatever the head says.

    Raises:
        ValueError: malformed.
    """
    lines = head.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        raise ValueError("malformed status line")
    try:
        headers = _fields(lines[1:])
    except BadRequestError as error:
        raise ValueError(str(error)) from error
    is_http_1_1 = match[1] == b"1"
    status = int(match[2])
    framing = _response_framing(headers, status, method)
    return ResponseHead(
        status=status,
        reason=(match[3] or b"").decode("latin-1"),
        framing=framing,
        keep_alive=framing != UNTIL_CLOSE and _keep_alive(headers, is_http_1_1),
        headers=headers,
    )


def _fields(lines: list[bytes]) -> Headers:
    if len(lines) > _FIELDS_LIMIT:
        raise BadRequestError(431, f"more than {_FIELDS_LIMIT} header fields")
    fields = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise BadRequestError(400, "a header field is malformed")
        if len(line) > _FIELD_LIMIT_BYTES:
            raise BadRequestError(431, "a header field is too long")
        fields.append((match[1].decode(), match[2].decode("latin-1")))
    return Headers(fields)


def _keep_alive(headers: Headers, is_http_1_1: bool) -> bool:
    connection = (headers.get("connection") or "").lower()
    tokens = {token.strip() for token in connection.split(",")}
    return "close" not in tokens if is_http_1_1 else "keep-alive" in tokens


def _request_framing(headers: Headers, is_http_1_1: bool) -> int:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        # RFC 9112 section 6.1: both at once, or a coding on HTTP/1.0, is an attack or an error.
        if length is not None or not is_http_1_1:
            raise BadRequestError(400, "Transfer-Encoding beside Content-Length, or in HTTP/1.0")
        if coding.lower() != "chunked":
            raise BadRequestError(501, "the only transfer coding here is chunked")
        return CHUNKED
    if length is None:
        return 0
    if not _DIGITS.fullmatch(length):
        raise BadRequestError(400, "Content-Length is no number")
    return int(length)


def _response_framing(headers: Headers, status: int, method: str) -> int:
    if method == "HEAD" or status in (204, 304) or status < 200:
        return 0
    coding, lengths = headers.get("transfer-encoding"), headers.all("content-length")
    if coding is not None:
        if lengths or coding.lower() != "chunked":
            raise ValueError("framing of the response is ambiguous")
        return CHUNKED
    if not lengths:
        return UNTIL_CLOSE
    if len(lengths) > 1 or not _DIGITS.fullmatch(lengths[0]):
        raise ValueError("Content-Length of the response is ambiguous")
    return int(lengths[0])
