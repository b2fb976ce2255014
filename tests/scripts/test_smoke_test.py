"""smoke-test.sh: what a client asks for before anybody signs in, over real HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.scripts.machine import Machine


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
def _running() -> Iterator[Gateway]:
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


@pytest.fixture
def gateway(machine: Machine) -> Iterator[Gateway]:
    """The public address of the machine's deployment, all well."""
    with _running() as gateway:
        machine.environment["APIM_GATEWAY_URL"] = gateway.url
        yield gateway


def test_a_deployment_that_works_passes_and_is_left_as_it_was(machine: Machine, gateway: Gateway) -> None:
    ran = machine.run("smoke-test.sh", "--no-cluster")
    assert ran.code == 0, ran.output
    assert "without a token: 401 and where to get one" in ran
    assert gateway.requests[-1] == ("DELETE", "/oauth/register/client-1", "Bearer registration-token")
    assert "registration-token" not in ran


@pytest.mark.parametrize(
    ("path", "answer", "what"),
    [
        ("/.well-known/openid-configuration", (200, {}, {"issuer": "https://other.example"}), "OpenID"),
        ("/mcp", (401, {"WWW-Authenticate": "Bearer"}, {}), "without a token"),
        ("/oauth/jwks", (200, {}, {"keys": []}), "signing keys"),
        ("/oauth/register", (500, {}, {"error": "server_error"}), "a client may register"),
    ],
)
def test_what_is_wrong_is_named_with_the_answer_that_came(
    machine: Machine, gateway: Gateway, path: str, answer: tuple[int, dict[str, str], Any], what: str
) -> None:
    gateway.answers[path] = answer
    ran = machine.run("smoke-test.sh", "--no-cluster", SMOKE_DEADLINE_SECONDS="0")
    assert ran.code == 1
    assert f"failed: {what}" in ran
    assert f"{gateway.url}{path}" in ran
    assert f" {answer[0]} " in ran


def test_an_address_that_does_not_answer_is_asked_again_until_the_deadline(machine: Machine) -> None:
    ran = machine.run(
        "smoke-test.sh", "--no-cluster", APIM_GATEWAY_URL="http://127.0.0.1:1", SMOKE_DEADLINE_SECONDS="1"
    )
    assert ran.code == 1
    assert "no connection: the host name, or its certificate" in ran


def test_servers_that_are_not_ready_fail_it_too(machine: Machine, gateway: Gateway) -> None:
    ran = machine.run("smoke-test.sh", ROLLOUT_DEADLINE_SECONDS="1")
    assert ran.code == 3
    assert 'namespaces "mcpstack" not found' in ran
