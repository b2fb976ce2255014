"""The three that could drift apart: API definitions, policies, and the routes of the two real servers.

Every public operation is sent through the gateway, which runs the policies; what arrives behind it is looked
up in the applications themselves. They say which methods a route takes by refusing one that nobody has.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.test import Client

from devstack.gateway.server import Gateway
from mcpserver.app import create_app
from mcpserver.settings import Settings
from mcpserver.transports.front import Front
from tests.authserver.world import make_world
from tests.devstack.gateway.harness import AuthServer, Backend, Stack

_APIM: Final = Path(__file__).parents[2] / "apim"
_UNKNOWN_METHOD: Final = "PROPFIND"
# The gateway answers preflights itself (cors), and HEAD is in no API: who asks for it gets 404.
_NOT_OPERATIONS: Final = {"HEAD", "OPTIONS"}
_HANDSHAKE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
_CLAIMS: Final = {"client_id": "client", "jti": "1", "sid": "session", "tid": "tenant", "oid": "alice"}

_PROBES: Final = "for Kubernetes and Prometheus inside the cluster"
_OTHER_ISSUER: Final = "the gateway says 404 itself"
_DIRECT: Final = "for clients that come to the server without a gateway"
# Routes of the servers that the gateway does not lead to, each with its reason.
NOT_PUBLIC: Final = {
    "authserver": {
        "GET /healthz": _PROBES,
        "GET /readyz": _PROBES,
        "GET /metrics": _PROBES,
        "GET /.well-known/oauth-authorization-server/<path:rest>": _OTHER_ISSUER,
        "GET /.well-known/openid-configuration/<path:rest>": _OTHER_ISSUER,
    },
    "mcpserver": {
        "GET /healthz": _PROBES,
        "GET /readyz": _PROBES,
        "GET /metrics": _PROBES,
        "GET /mcp": _DIRECT,
        "POST /mcp": _DIRECT,
        "DELETE /mcp": _DIRECT,
        "GET /mcp/sse": _DIRECT,
        "POST /mcp/message": _DIRECT,
        "GET /mcp/ws": _DIRECT,
        "GET /.well-known/oauth-protected-resource/runtime/webhooks/mcp": _DIRECT,
        "GET /.well-known/oauth-protected-resource/runtime/webhooks/mcp/sse": _DIRECT,
        "GET /.well-known/oauth-authorization-server": "points clients of 2025-03-26 to the real document",
    },
}
# Operations that reach no server: their own policy answers.
ANSWERED_BY_THE_GATEWAY: Final = {
    "GET /authorize": 302,
    "GET /.well-known/oauth-authorization-server/*": 404,
    "GET /.well-known/openid-configuration/*": 404,
}
# Operations whose route refuses the method, which is the point of them.
MEANT_TO_BE_REFUSED: Final = {"POST /mcp/sse": "a client that tries Streamable HTTP first learns it by 405"}


@dataclass(frozen=True)
class Arrival:
    """What came out behind the gateway, or its own status when nothing did."""

    status: int
    server: str = ""
    method: str = ""
    path: str = ""
    public_origin: str = ""


@dataclass
class Applications:
    """The two real servers, and a gateway in front of backends that only take notes."""

    stack: Stack
    authserver: Flask
    mcpserver: Front

    def through_the_gateway(self, method: str, path: str, **headers: str) -> Arrival:
        for backend in (self.stack.auth, self.stack.mcp):
            backend.seen.clear()
        sent = {**self.stack.bearer(), "X-Public-Origin": "https://attacker.example", **headers}
        status = self.stack.request(method, path, headers=sent).status_code
        for backend in (self.stack.auth, self.stack.mcp):
            for environ in backend.seen:
                if environ["PATH_INFO"] not in {"/.well-known/openid-configuration", "/keys"} or (
                    environ["PATH_INFO"] == path
                ):
                    return Arrival(
                        status,
                        backend.name,
                        environ["REQUEST_METHOD"],
                        environ["PATH_INFO"],
                        environ.get("HTTP_X_PUBLIC_ORIGIN", ""),
                    )
        return Arrival(status)

    def route(self, server: str, path: str) -> str | None:
        """Return the route that answers a path, as the application writes it."""
        if server == "mcpserver" and path in self.mcpserver._routes:
            return path
        app = self.authserver if server == "authserver" else self.flask_of_mcpserver
        try:
            rule, _ = app.url_map.bind("localhost").match(path, return_rule=True)
        except NotFound:
            return None
        return str(rule)

    @property
    def flask_of_mcpserver(self) -> Flask:
        assert isinstance(self.mcpserver._flask, Flask)
        return self.mcpserver._flask

    def routes(self, server: str) -> set[str]:
        if server == "authserver":
            return {str(rule) for rule in self.authserver.url_map.iter_rules()}
        rules = {str(rule) for rule in self.flask_of_mcpserver.url_map.iter_rules()}
        return rules | set(self.mcpserver._routes)

    def methods(self, server: str, route: str) -> set[str]:
        app: Any = self.authserver if server == "authserver" else self.mcpserver
        path = _example(route)
        answer = Client(app).open(path, method=_UNKNOWN_METHOD, headers=self.stack.bearer(**_CLAIMS))
        assert answer.status_code == 405, (route, answer.status_code)
        return set(re.split(r",\s*", answer.headers["Allow"])) - _NOT_OPERATIONS

    def takes(self, server: str) -> set[str]:
        """Return all that a server takes, as ``METHOD route``."""
        return {
            f"{method} {route}" for route in self.routes(server) for method in self.methods(server, route)
        }


def _noted(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"noted"]


def _example(route: str) -> str:
    return re.sub(r"<[^>]*>", "x", route)


def _operations() -> Iterator[tuple[str, str, str]]:
    """Yield API, method and public path of each operation."""
    for path in sorted(_APIM.glob("*-api/openapi.json")):
        document = json.loads(path.read_text("utf-8"))
        base = document["servers"][0]["url"].rstrip("/")
        for template, methods in document["paths"].items():
            for method in methods:
                public = base + template
                yield path.parent.name, method.upper(), public.rstrip("/") if base else public


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applications]:
    folder = tmp_path_factory.mktemp("servers")
    auth, mcp = AuthServer(), Backend("mcpserver", app=_noted)
    world = make_world(folder)
    with Gateway(named_values={"authserver-url": auth.url, "mcpserver-url": mcp.url}) as gateway:
        settings = Settings(
            _env_file=None,
            public_url=gateway.url,
            jwks_url=f"{auth.url}/keys",
            revocation_url="none",
            snippets_folder=folder / "snippets",
        )
        server = create_app(settings)
        yield Applications(Stack(gateway, auth, mcp), world.app, server)
        server.close()
    world.store.close()
    auth.stop()
    mcp.stop()


@pytest.fixture(scope="module")
def arrivals(applications: Applications) -> dict[str, Arrival]:
    """Every public operation, sent once; a ``/*`` once for each route of the server that it leads to."""
    found: dict[str, Arrival] = {}
    for api, method, path in _operations():
        headers = _HANDSHAKE if api == "ws-api" else {}
        if not path.endswith("/*"):
            found[f"{method} {path}"] = applications.through_the_gateway(method, path, **headers)
            continue
        prefix = path.removesuffix("*")
        for route in applications.routes("authserver"):
            public = _example(f"/oauth{route}" if api == "auth-api" else route)
            if public.startswith(prefix):
                found[f"{method} {path} {public}"] = applications.through_the_gateway(method, public)
    return found


def test_every_operation_reaches_a_route_that_takes_it(
    applications: Applications, arrivals: dict[str, Arrival]
) -> None:
    lost = {}
    for operation, arrival in arrivals.items():
        if " ".join(operation.split()[:2]) in {*ANSWERED_BY_THE_GATEWAY, *MEANT_TO_BE_REFUSED}:
            continue
        route = applications.route(arrival.server, arrival.path) if arrival.server else None
        if route is None or arrival.method not in applications.methods(arrival.server, route):
            lost[operation] = arrival
    # One operation for many pages: it is enough that one of them takes the method.
    for _, method, path in _operations():
        under = {operation for operation in arrivals if operation.startswith(f"{method} {path} ")}
        if path.endswith("/*"):
            assert under, f"{method} {path} leads nowhere"
            if not under <= lost.keys():
                lost = {operation: arrival for operation, arrival in lost.items() if operation not in under}
    assert lost == {}


def test_every_route_of_the_servers_is_public_or_has_a_reason_not_to_be(
    applications: Applications, arrivals: dict[str, Arrival]
) -> None:
    reached: dict[str, set[str]] = {"authserver": set(), "mcpserver": set()}
    for arrival in arrivals.values():
        if arrival.server and (route := applications.route(arrival.server, arrival.path)):
            reached[arrival.server].add(f"{arrival.method} {route}")
    for server, reasons in NOT_PUBLIC.items():
        assert applications.takes(server) - reached[server] == set(reasons), server


def test_what_the_gateway_answers_itself_is_what_has_a_policy_of_its_own(
    arrivals: dict[str, Arrival],
) -> None:
    own = {}
    for operation, arrival in arrivals.items():
        if not arrival.server:
            own[" ".join(operation.split()[:2])] = arrival.status
    assert own == ANSWERED_BY_THE_GATEWAY
    assert len(list(_APIM.glob("*-api/operations/*.xml"))) == len(ANSWERED_BY_THE_GATEWAY)


def test_an_operation_that_is_meant_to_be_refused_is_refused_by_its_server(
    applications: Applications, arrivals: dict[str, Arrival]
) -> None:
    for operation in MEANT_TO_BE_REFUSED:
        arrival = arrivals[operation]
        route = applications.route(arrival.server, arrival.path)
        assert route is not None
        assert arrival.method not in applications.methods(arrival.server, route)


def test_every_request_arrives_with_the_gateways_own_origin_and_its_method(
    applications: Applications, arrivals: dict[str, Arrival]
) -> None:
    for operation, arrival in arrivals.items():
        if arrival.server:
            assert arrival.public_origin == applications.stack.url, operation
            assert arrival.method == operation.split()[0]


def test_what_no_api_has_is_not_found(applications: Applications) -> None:
    hidden = {
        route
        for server in ("authserver", "mcpserver")
        for operation in NOT_PUBLIC[server]
        if NOT_PUBLIC[server][operation] == _PROBES
        for route in (operation.split()[1],)
    }
    for route in (*hidden, *(f"/oauth{route}" for route in hidden), *(f"/mcp{route}" for route in hidden)):
        if route != "/readyz":  # the local gateway's own, for what starts it; API Management has none
            assert applications.through_the_gateway("GET", route) == Arrival(404), route


def test_the_paths_under_runtime_are_the_servers_not_the_gateways(applications: Applications) -> None:
    answer = requests.post(
        f"{applications.stack.url}/runtime/webhooks/mcp", timeout=10, proxies={"http": ""}, data=b"{}"
    )
    assert answer.status_code == 404
