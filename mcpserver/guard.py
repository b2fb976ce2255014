"""What an HTTP request must be before anything of it is believed: its origin, its host, its form and its
size.

Called first by the transports. Must not know MCP methods or tokens.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import gevent

from mcpserver.errors import OriginRefused, RequestRefused

Environ = Mapping[str, Any]

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_JSON: Final = "application/json"
_EVENTS: Final = "text/event-stream"
_CHUNK_BYTES: Final = 64 * 1024
_LINGER_SECONDS: Final = 2.0
_MOST_DIGITS: Final = 18  # of a Content-Length


class Guard:
    """Checks of every request.

    Args:
        own_urls: URLs under which this server is reached.
        origins: further origins whose pages are served.
        hosts: further Host values answered.
        max_body_bytes: see the settings.
        body_timeout_seconds: see the settings.
    """

    def __init__(
        self,
        own_urls: Iterable[str],
        *,
        origins: Iterable[str],
        hosts: Iterable[str],
        max_body_bytes: int,
        body_timeout_seconds: float,
    ) -> None:
        urls = [urlsplit(url) for url in own_urls]
        self._origins = {f"{u.scheme}://{u.netloc}".lower() for u in urls} | {
            o.lower().rstrip("/") for o in origins
        }
        self._hosts = {u.netloc.lower() for u in urls} | {host.lower() for host in hosts}
        # Where the host that a gateway writes is not known, only a loopback server checks it: it is the one
        # that another site's page could reach by rebinding its name (MCP transports, "Security").
        self._checks_host = bool(list(hosts)) or any(u.hostname in LOOPBACK_HOSTS for u in urls)
        self._max_body_bytes = max_body_bytes
        self._body_timeout_seconds = body_timeout_seconds

    def check_origin(self, environ: Environ) -> None:
        """Refuse a page of another origin (MCP 2026-07-28 Streamable HTTP, Security 1) and a foreign Host.

        Raises:
            RequestRefused: 403, or 421 for the host.
        """
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not self.allows(origin):
            raise OriginRefused
        if self._checks_host:
            host = environ.get("HTTP_HOST", "").lower()
            if (
                host not in self._hosts
                and host.rpartition(":")[0] not in LOOPBACK_HOSTS
                and host not in LOOPBACK_HOSTS
            ):
                raise RequestRefused(421, "This host is not served here")

    def allows(self, origin: str) -> bool:
        """Say whether pages of an origin are served: our own, loopback on any port, the configured ones."""
        if origin.lower() in self._origins:
            return True
        try:
            url = urlsplit(origin.lower())
            return url.scheme in ("http", "https") and url.hostname in LOOPBACK_HOSTS and url.path == ""
        except ValueError:
            return False

    def read_body(self, environ: Environ) -> bytes:
        """Return the body, read within the time and the size that are allowed.

        Raises:
            RequestRefused: 413, 408 or 400.
        """
        length = environ.get("CONTENT_LENGTH")
        stream = environ["wsgi.input"]
        if length:
            # What isdigit() takes for digits is more than int() reads.
            if not (length.isascii() and length.isdigit()) or len(length) > _MOST_DIGITS:
                raise RequestRefused(400, "Content-Length is not a number")
            if int(length) > self._max_body_bytes:
                self._linger(stream)
                raise self._too_large()
            if int(length) <= _CHUNK_BYTES:
                return self._in_time(lambda: stream.read(int(length)))
        return self._in_time(lambda: self._read_all(stream))

    def _read_all(self, stream: Any) -> bytes:
        body = bytearray()
        while chunk := stream.read(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_body_bytes:
                self._linger(stream)
                raise self._too_large()
        return bytes(body)

    def _linger(self, stream: Any) -> None:
        """Throw away some of what is still coming: a client that cannot send cannot read the refusal."""
        with gevent.Timeout(_LINGER_SECONDS, False):  # type: ignore[arg-type]
            for _ in range(0, self._max_body_bytes * 4, _CHUNK_BYTES):
                if not stream.read(_CHUNK_BYTES):
                    return

    def _in_time(self, read: Any) -> bytes:
        with gevent.Timeout(self._body_timeout_seconds) as deadline:
            try:
                return bytes(read())
            except gevent.Timeout as caught:
                if caught is not deadline:
                    raise
                raise RequestRefused(
                    408, "The body did not arrive in time", (("Connection", "close"),)
                ) from None
            except RequestRefused:
                raise
            except Exception:  # a malformed chunk: each WSGI server has its own names for it
                raise RequestRefused(400, "The body cannot be read", (("Connection", "close"),)) from None

    def _too_large(self) -> RequestRefused:
        # What was not read must not be taken for the next request.
        return RequestRefused(
            413, f"The body has more than {self._max_body_bytes} bytes", (("Connection", "close"),)
        )


def check_json(environ: Environ) -> None:
    """Refuse a body that is not declared as JSON: a page of another origin could send it without a preflight.

    Raises:
        RequestRefused: 415.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type != _JSON and content_type.partition(";")[0].strip().lower() != _JSON:
        raise RequestRefused(415, "Content-Type must be application/json")


def check_accepts(environ: Environ, *types: str) -> None:
    """Refuse a client that does not accept every one of the types (MCP Streamable HTTP, "Sending Messages").

    Raises:
        RequestRefused: 406.
    """
    accept = environ.get("HTTP_ACCEPT")
    if accept is None:
        return  # RFC 9110 12.5.1: no header means anything
    accepted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    for each in types:
        if not accepted & {each, "*/*", each.partition("/")[0] + "/*"}:
            raise RequestRefused(406, f"Accept must list {' and '.join(types)}")


ACCEPT_POST: Final = (_JSON, _EVENTS)
ACCEPT_STREAM: Final = (_EVENTS,)
