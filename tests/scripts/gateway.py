"""A public address: what the gateway answers before anybody signs in, as far as smoke-test.sh asks.

Used by the tests of this folder. The whole gateway is tests/devstack/gateway's.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Gateway:
    """A public address whose answers tests can spoil."""

    url: str = ""
    answers: dict[str, tuple[int, dict[str, str], Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, str]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    gateway: Gateway

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.gateway.requests.append((self.command, self.path, self.headers.get("Authorization", "")))
        status, headers, body = self.gateway.answers.get(self.path, (404, {}, {}))
        data = json.dumps(body).encode()
        self.send_response(204 if self.command == "DELETE" else status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def public_gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"gateway": gateway}))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    gateway.url = url = f"http://127.0.0.1:{server.server_port}"
    metadata = f"{url}/.well-known/oauth-protected-resource"
    challenge = f'Bearer error="invalid_token", resource_metadata="{metadata}"'
    registered = {
        "client_id": "client-1",
        "registration_client_uri": f"{url}/oauth/register/client-1",
        "registration_access_token": "registration-token",
    }
    gateway.answers = {
        "/.well-known/oauth-authorization-server": (200, {}, {"issuer": url}),
        "/.well-known/openid-configuration": (200, {}, {"issuer": url}),
        "/.well-known/oauth-protected-resource": (200, {}, {"resource": f"{url}/mcp"}),
        "/mcp": (401, {"WWW-Authenticate": challenge}, {}),
        "/oauth/jwks": (200, {}, {"keys": [{"kid": "key-1"}]}),
        "/oauth/register": (201, {}, registered),
    }
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
