"""An HTTP request read once, and a reply before it is anybody's response object.

Made and sent by ``web.edge``; endpoints see nothing else of HTTP. URLs never come from here: they come from
settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import gevent
import orjson
from werkzeug.http import parse_cookie

from authserver.errors import AuthServerError

MAX_BODY_BYTES: Final = 65_536
_BODY_SECONDS: Final = 15.0
FORM: Final = "application/x-www-form-urlencoded"
JSON_HEADERS: Final = (
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("Pragma", "no-cache"),
)

Headers = tuple[tuple[str, str], ...]


class HttpRefusal(AuthServerError):
    """Refused by HTTP itself: no such thing, not this method, too large, too often.

    Args:
        status: of the answer.
        code: for JSON answers.
        description: public.
        headers: to add.
    """

    def __init__(self, status: int, code: str, description: str, headers: Headers = ()) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.description = description
        self.headers = headers


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What an endpoint may know of the request.

    ``behind_gateway``: the gateway's marker is there. ``fetch_site``: where a browser says that the request
    comes from (Fetch Metadata, Sec-Fetch-Site); None from other programs and on plain http to other hosts.
    ``peer`` and ``unverified_forwarded_for``: what ``web.addresses`` makes the caller's address of.
    """

    method: str
    path: str
    query: str
    content_type: str
    authorization: str | None = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    accept: str = ""
    fetch_site: str | None = None
    behind_gateway: bool = False
    peer: str = ""
    unverified_forwarded_for: str = ""
    user_agent: str = ""
    if_none_match: str = ""

    def form(self) -> str:
        """Return the body of a form, still encoded.

        Raises:
            HttpRefusal: it is something else.
        """
        if self.content_type != FORM:
            raise HttpRefusal(400, "invalid_request", f"the body must be {FORM}")  # RFC 6749 3.2
        try:
            return self.body.decode("ascii")
        except UnicodeDecodeError:
            raise HttpRefusal(
                400, "invalid_request", "the form has characters that are not encoded"
            ) from None


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers, body. The Content-Length is added when it is sent."""

    status: int
    headers: Headers
    body: bytes = b""

    def with_headers(self, *headers: tuple[str, str]) -> "Reply":
        """Return the reply with more headers."""
        return Reply(self.status, (*self.headers, *headers), self.body)


class Endpoint(Protocol):
    """One endpoint: its methods, whether it speaks JSON or shows pages, whether scripts of other origins
    may call it.
    """

    name: str
    methods: tuple[str, ...]
    speaks_json: bool
    cross_origin: bool

    def handle(self, request: HttpRequest, /) -> Reply:
        """Answer; what goes wrong is raised."""


def json_reply(body: Any, status: int = 200, headers: Headers = ()) -> Reply:
    """Return a JSON reply that nobody may cache (RFC 6749 5.1)."""
    return Reply(status, (*JSON_HEADERS, *headers), orjson.dumps(body))


def read_request(environ: Mapping[str, Any]) -> HttpRequest:
    """Read a WSGI environ, the body included.

    Raises:
        HttpRefusal: the body is too large, or its length is no number.
    """
    method = environ["REQUEST_METHOD"]
    cookie = environ.get("HTTP_COOKIE")
    return HttpRequest(
        method=method,
        path=environ.get("PATH_INFO", ""),
        query=environ.get("QUERY_STRING", ""),
        content_type=environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower(),
        authorization=environ.get("HTTP_AUTHORIZATION"),
        # Other applications on this host set cookies too: what is not ASCII is not ours.
        cookies=parse_cookie(cookie.encode("ascii", "ignore").decode()) if cookie else {},
        body=_read_body(environ) if method in ("POST", "PUT") else b"",
        accept=environ.get("HTTP_ACCEPT", ""),
        fetch_site=environ.get("HTTP_SEC_FETCH_SITE"),
        behind_gateway="HTTP_X_PUBLIC_ORIGIN" in environ,
        peer=environ.get("REMOTE_ADDR", ""),
        unverified_forwarded_for=environ.get("HTTP_X_FORWARDED_FOR", ""),
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        if_none_match=environ.get("HTTP_IF_NONE_MATCH", ""),
    )


def _read_body(environ: Mapping[str, Any]) -> bytes:
    announced = environ.get("CONTENT_LENGTH", "")
    if announced and not (announced.isascii() and announced.isdigit()):
        raise HttpRefusal(400, "invalid_request", "the Content-Length is not a number")
    if not announced and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    length = int(announced) if announced else MAX_BODY_BYTES + 1
    if announced and length > MAX_BODY_BYTES:
        raise _too_large()
    try:
        # One time-out for the whole body: a byte now and then must not hold a connection for hours.
        with gevent.Timeout(_BODY_SECONDS, _TooSlow):
            body: bytes = environ["wsgi.input"].read(length)
    except _TooSlow:
        raise HttpRefusal(
            408, "invalid_request", "the body did not arrive in time", (("Connection", "close"),)
        ) from None
    except Exception:  # a malformed chunk, a sender that went away: each WSGI server has its own names for it
        raise HttpRefusal(400, "invalid_request", "the body cannot be read") from None
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    if announced and len(body) < length:
        raise HttpRefusal(400, "invalid_request", "the body is shorter than announced")
    return body


class _TooSlow(Exception):
    """The body did not arrive in time."""


def _too_large() -> HttpRefusal:
    return HttpRefusal(413, "invalid_request", f"the body is larger than {MAX_BODY_BYTES} bytes")
