"""A gateway in this process, with real sockets on both sides: tiny servers behind it, raw clients in front.

Made into fixtures by ``conftest``.
"""

import base64
import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from gevent.queue import Queue
from gevent.server import StreamServer
from joserfc import jwk, jws

from devstack.gateway.server import Gateway

DEADLINE_SECONDS = 20.0

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class _PromptServer(WSGIServer):
    """gevent's, without Nagle's delay between head and body."""

    def handle(self, sock: Any, address: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(sock, address)


@dataclass
class Backend:
    """A server behind the gateway: keeps what it was asked, answers what the test says."""

    name: str
    seen: list[Environ] = field(default_factory=list)
    app: WsgiApp | None = None

    def __post_init__(self) -> None:
        self._server = _PromptServer(("127.0.0.1", 0), self._serve, log=None, error_log=None)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.host = f"127.0.0.1:{self._server.server_port}"

    def _serve(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.seen.append(environ)
        if self.app is not None:
            return self.app(environ, start_response)
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Behind", self.name)])
        return [body or self.name.encode()]

    @property
    def last(self) -> Environ:
        """What the last request looked like."""
        return self.seen[-1]

    def stop(self) -> None:
        self._server.stop(timeout=0)


class AuthServer(Backend):
    """The authorization server's part in this: an openid-config, keys, and the tokens they sign."""

    def __init__(self) -> None:
        self.signing_key = jwk.RSAKey.generate_key(2048, {"kid": "first", "alg": "RS256", "use": "sig"})
        self.published = [self.signing_key.as_dict(private=False)]
        self.key_fetches = 0
        super().__init__("authserver")
        self.app = self._metadata

    def _metadata(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answers = {
            "/.well-known/openid-configuration": {"issuer": "unset", "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": self.published},
        }
        self.key_fetches += environ["PATH_INFO"] == "/keys"
        document = answers.get(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "application/json"), ("X-Behind", self.name)])
        return [json.dumps(document or environ["PATH_INFO"]).encode()]


@dataclass
class Stack:
    """The gateway and what is behind it."""

    gateway: Gateway
    auth: AuthServer
    mcp: Backend

    @property
    def url(self) -> str:
        return self.gateway.url

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token, with changes; None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": f"{self.url}/mcp",
            "sub": "tenant.alice",
            "scope": "mcp:tools",
            "iat": now,
            "nbf": now,
            "exp": now + 600,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, key: Any = None, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Return a signed token."""
        protected = {"alg": "RS256", "kid": "first", "typ": "at+jwt", **(header or {})}
        payload = json.dumps(self.claims(**changes))
        algorithms = [protected["alg"]]
        return jws.serialize_compact(protected, payload, key or self.auth.signing_key, algorithms=algorithms)

    def bearer(self, **changes: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(**changes)}"}

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request; redirects are not followed."""
        host = options.pop("host", "localhost")
        url = f"http://{host}:{self.gateway.port}{path}"
        return requests.request(
            method, url, allow_redirects=False, timeout=DEADLINE_SECONDS, proxies={"http": ""}, **options
        )

    def raw(self, data: bytes = b"") -> "RawClient":
        return RawClient(self.gateway.port, data)


class RawClient:
    """A client that says exactly what the test says."""

    def __init__(self, port: int, data: bytes = b"") -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)
        self.port = port
        self.received = b""
        self.send(data)

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_args: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send bytes; HOST stands for the gateway's name and port."""
        self.sock.sendall(data.replace(b"HOST", b"localhost:%d" % self.port))

    def until(self, marker: bytes) -> bytes:
        """Read until the marker has come; return everything read so far."""
        while marker not in self.received:
            data = self.sock.recv(65_536)
            assert data, f"closed after {self.received!r}"
            self.received += data
        return self.received

    def until_closed(self) -> bytes:
        """Read until the gateway closes."""
        while data := self.sock.recv(65_536):
            self.received += data
        return self.received

    @property
    def status(self) -> int:
        return int(self.until(b"\r\n").split(b" ")[1])


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Return a compact JWS with an empty signature."""
    parts = (base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (header, claims))
    return ".".join((*parts, ""))


class RawServer:
    """A server behind that says exactly what the test says: each connection is handed over."""

    def __init__(self) -> None:
        self._accepted: Queue[socket.socket] = Queue()
        self._done = Event()
        self._listen(0)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _listen(self, port: int) -> None:
        self._server = StreamServer(("127.0.0.1", port), self._accept)
        self._server.start()

    def start_again(self) -> None:
        """Listen at the same address as before."""
        self._done.clear()
        self._listen(self._server.server_port)

    def _accept(self, sock: Any, _address: object) -> None:
        self._accepted.put(sock)
        self._done.wait()  # gevent closes the socket when this returns

    def request(self) -> tuple[Any, bytes]:
        """Wait for the next connection; return it with everything up to the end of the request's head."""
        sock = self._accepted.get(timeout=DEADLINE_SECONDS)
        sock.settimeout(DEADLINE_SECONDS)
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(65_536)
            assert data
            head += data
        return sock, head

    def stop(self) -> None:
        self._done.set()
        self._server.stop(timeout=0)
