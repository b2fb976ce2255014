"""The MCP server with the sample tools, its issuer, and clients of different people."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from gevent.pywsgi import WSGIServer
from joserfc import jwt
from joserfc.jwk import RSAKey

from mcpserver.app import create_app
from mcpserver.settings import Settings
from mcpserver.transports.front import Front
from tests.mcpserver.client import Client
from tests.mcpserver.in_process import served

RESOURCE = "http://localhost:8080/mcp"
SCOPES = "mcp:tools snippets:read snippets:write"


@dataclass
class TokenIssuer:
    """Signs tokens, serves the key, and says what was revoked (``is_away``: not at the moment)."""

    key: RSAKey
    url: str = ""
    revoked: list[str] = field(default_factory=list)
    is_away: bool = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/revoked":
            start_response("503 Away" if self.is_away else "200 OK", [("Content-Type", "application/jwt")])
            return [self._list()]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [orjson.dumps({"keys": [{**self.key.as_dict(private=False), "use": "sig"}]})]

    def _list(self) -> bytes:
        now = int(time.time())
        claims = {"iss": self.url, "iat": now, "exp": now + 3600, "sids": self.revoked, "kids": []}
        header = {"alg": "RS256", "typ": "revocations+jwt", "kid": self.key.kid}
        return jwt.encode(header, claims, self.key).encode()

    def token(self, person: str = "alice", lifetime_seconds: float = 600, **claims: Any) -> str:
        """Return an access token."""
        now = time.time()
        full = {
            "iss": self.url,
            "sub": f"tenant.{person}",
            "aud": RESOURCE,
            "client_id": "client-1",
            "scope": SCOPES,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifetime_seconds),
            "jti": "token-1",
            "sid": "session-1",
            "tid": "tenant",
            "oid": person,
            "roles": [],
        }
        header = {"alg": "RS256", "typ": "at+jwt", "kid": self.key.kid}
        return jwt.encode(header, full | claims, self.key)

    def token_of_a_program(self, client_id: str) -> str:
        """Return an access token of a client that acts for nobody (RFC 6749 section 4.4)."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": client_id, "aud": RESOURCE, "client_id": client_id, "scope": SCOPES}
        claims |= {"jti": "token-2", "sid": f"session of {client_id}"}
        header = {"alg": "RS256", "typ": "at+jwt", "kid": self.key.kid}
        return jwt.encode(header, claims | {"iat": now, "exp": now + 600}, self.key)


@dataclass
class World:
    """A running server and who may talk to it."""

    app: Front
    port: int
    issuer: TokenIssuer
    clients: list[Client] = field(default_factory=list)

    def client(self, person: str = "alice", **claims: Any) -> Client:
        """Return a client of a person."""
        client = Client(self.port, self.issuer.token(person, **claims))
        self.clients.append(client)
        return client


@pytest.fixture(scope="session")
def token_issuer() -> Iterator[TokenIssuer]:
    issuer = TokenIssuer(RSAKey.generate_key(2048, {"kid": "tests", "alg": "RS256"}))
    server = WSGIServer(("127.0.0.1", 0), issuer, log=None, error_log=None)
    server.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    yield issuer
    server.stop()


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(token_issuer: TokenIssuer, tmp_path: Path) -> Iterator[MakeWorld]:
    """Start servers; settings and clock as given."""
    stops = []

    def make(clock: Callable[[], float] = time.time, **settings: Any) -> World:
        values = {
            "issuer": token_issuer.url,
            "jwks_url": f"{token_issuer.url}/jwks",
            "revocation_url": "none",
            "resource": RESOURCE,
            "snippets_folder": tmp_path / "snippets",
            "tool_modules": ("tests.mcpserver.probing_tools",),
        }
        app = create_app(Settings(_env_file=None, **(values | settings)), clock=clock)
        running = served(app)
        world = World(app, running.__enter__(), token_issuer)
        stops.append((world, running))
        return world

    yield make
    for world, running in stops:
        for client in world.clients:
            client.close()
        running.__exit__(None, None, None)
        world.app.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    return world.client()
