"""One HTTP/1.1 exchange on the lean worker: the request's WSGI environ and the response's bytes.

Made and used by ``serving.worker``. Must not interpret what is asked for: parsing, limits and header checks
are gunicorn's own; these two classes only leave out what a request behind our own edge never needs.
"""

import time
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.util import to_bytestring, unquote_to_wsgi_str

Environ = dict[str, Any]


class LeanRequest(Request):  # type: ignore[misc]
    """A request whose forwarding headers are never trusted, so that the peer's address need not be looked up.

    Both servers take their public URLs from settings (an X-Forwarded-* header changes nothing anywhere), and
    gunicorn's look-up costs 19 µs a request.
    """

    def _peer_is_trusted_proxy(self) -> bool:
        return False


class LeanRequestParser(RequestParser):  # type: ignore[misc]
    """gunicorn's parser, yielding LeanRequest."""

    mesg_class = LeanRequest


class LeanResponse(wsgi.Response):  # type: ignore[misc]
    """A response whose head and first body bytes leave in one segment.

    gunicorn writes them apart: two system calls, two packets, and with Nagle's algorithm a stall of 40 ms.
    A stream's head still leaves at once: an empty first chunk flushes it.
    """

    _date: tuple[int, str] = (0, "")  # shared by all responses: formatting a date costs more than the rest

    headers_sent: bool

    def __init__(self, req: Request, sock: Any, cfg: Any) -> None:
        super().__init__(req, sock, cfg)
        self._head = b""

    def process_headers(self, headers: Any) -> None:
        """Take the application's headers; ``Connection: close`` is its way to say that no request may follow
        on this connection (a body that it did not read)."""
        super().process_headers(headers)
        if any(name == "Connection" and value == "close" for name, value in headers):
            self.force_close()

    def default_headers(self) -> list[str]:
        """Return status line and standing headers; Server is left out, it only helps an attacker."""
        now = int(time.time())
        if LeanResponse._date[0] != now:
            LeanResponse._date = (now, time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now)))
        connection = "upgrade" if self.upgrade else "close" if self.should_close() else "keep-alive"
        version = self.req.version
        head = [
            f"HTTP/{version[0]}.{version[1]} {self.status}\r\nDate: {LeanResponse._date[1]}\r\n"
            f"Connection: {connection}\r\n"
        ]
        if self.chunked:
            head.append("Transfer-Encoding: chunked\r\n")
        return head

    def send_headers(self) -> None:
        """Render the head and keep it until the first body bytes, or the end."""
        if self.headers_sent:
            return
        lines = self.default_headers()
        lines.extend([f"{name}: {value}\r\n" for name, value in self.headers])
        lines.append("\r\n")
        self._head = to_bytestring("".join(lines), "latin-1")
        self.headers_sent = True

    def write(self, arg: bytes) -> None:
        """Send one piece of the body; ``b""`` sends the head of a stream that has nothing to say yet."""
        super().write(arg)
        self._flush_head()

    def close(self) -> None:
        """End the response: what was kept back, then the last chunk of a chunked body."""
        if not self.headers_sent:
            self.send_headers()
        if self.chunked:
            self._emit(b"0\r\n\r\n")
        self._flush_head()

    def write_file(self, respiter: Any) -> None:
        """Send a file object; the head leaves first because sendfile bypasses this class."""
        self.send_headers()
        self._flush_head()
        super().write_file(respiter)

    def _emit_body(self, data: bytes) -> None:
        self._emit(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def _emit(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if head:
            data = head + data
        # gevent's sendall asks the kernel for the buffer's size each time; most answers fit at the first try.
        sent = self.sock.send(data)
        if sent < len(data):
            self.sock.sendall(data[sent:])

    def _flush_head(self) -> None:
        if self._head:
            self._emit(b"")


def make_environ(base: Environ, req: Request, sock: Any, client: Any, server: Any) -> Environ:
    """Return the WSGI environ (PEP 3333) of a request.

    Args:
        base: what is the same for every request of this worker; copied, never changed.
        req: the parsed request; its header names are upper case and hold no underscores (gunicorn drops
            those, so that ``X_Public_Origin`` cannot pass for ``X-Public-Origin``).
        sock: the connection, as ``gunicorn.socket``: a streaming application watches it for the peer's
            departure.
        client: the peer's address.
        server: the listener's address.
    """
    environ = base.copy()
    environ["wsgi.input"] = req.body
    environ["gunicorn.socket"] = sock
    environ["REQUEST_METHOD"] = req.method
    environ["QUERY_STRING"] = req.query
    environ["RAW_URI"] = req.uri
    environ["SERVER_PROTOCOL"] = f"HTTP/{req.version[0]}.{req.version[1]}"
    environ["REMOTE_ADDR"] = client[0]
    environ["REMOTE_PORT"] = str(client[1])
    environ["SERVER_NAME"] = server[0]
    environ["SERVER_PORT"] = str(server[1])
    environ["PATH_INFO"] = unquote_to_wsgi_str(req.path)
    for name, value in req.headers:
        key = (
            name.replace("-", "_")
            if name in ("CONTENT-TYPE", "CONTENT-LENGTH")
            else "HTTP_" + name.replace("-", "_")
        )
        # RFC 9110 section 5.3: a repeated field is its values joined; singletons were refused by the parser.
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
