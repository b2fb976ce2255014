"""The MCP server as a process, an issuer whose tokens it accepts, and a client that shows each answer."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests
from gevent.pywsgi import WSGIServer
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.ports import free_ports
from tests.support.waiting import wait_until

REPOSITORY: Final = Path(__file__).parents[2]
MODERN: Final = "2026-07-28"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_TIMEOUT_SECONDS: Final = 20


@dataclass
class Issuer:
    """Signs tokens; its keys are served while it is used as a context manager."""

    resource: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator["Issuer"]:
        """Serve the JWKS."""
        document = json.dumps({"keys": [{**self.key.as_dict(private=False), "alg": "ES256", "use": "sig"}]})

        def application(_environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [document.encode()]

        server = WSGIServer(("127.0.0.1", 0), application, log=None)
        server.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.stop()

    def token(self, person: str = "alice", **changes: Any) -> str:
        """Return an access token with the usual scopes."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": self.resource,
            "sub": f"tenant.{person}",
            "tid": "tenant",
            "oid": person,
            "sid": f"session-of-{person}",
            "client_id": "a-client",
            "scope": "mcp:tools snippets:read snippets:write",
            "roles": [],
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "jti": "a-token",
        } | changes
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid}, claims, self.key)


@dataclass
class Server:
    """A running ``mcpserver serve``."""

    url: str
    issuer: Issuer
    process: "subprocess.Popen[str]"

    def headers(self, person: str = "alice", **more: str) -> dict[str, str]:
        """Return what every MCP request carries."""
        return {
            "Authorization": f"Bearer {self.issuer.token(person)}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }

    def send(
        self,
        message: Any,
        headers: Mapping[str, str | None],
        path: str = "",
        method: str = "POST",
        **options: Any,
    ) -> requests.Response:
        """Send one HTTP request to the endpoint, or to ``path`` below it."""
        body = message if isinstance(message, bytes | str) else json.dumps(message)
        session = requests.Session()
        session.trust_env = False
        return session.request(
            method,
            self.url + path,
            data=body,
            headers={k: v for k, v in headers.items() if v is not None},
            timeout=_TIMEOUT_SECONDS,
            **options,
        )

    def modern(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        meta: Mapping[str, Any] | None = META,
        **headers: Any,
    ) -> requests.Response:
        """Send one request of 2026-07-28; ``headers`` replace, or with None remove, the right ones."""
        sent = dict(params or {}) | ({"_meta": dict(meta)} if meta is not None else {})
        right: dict[str, str | None] = {
            **self.headers(),
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": method,
            "Mcp-Name": sent.get("name"),
        }
        right |= {name.replace("_", "-"): value for name, value in headers.items()}
        stream = bool(sent.get("name") in ("count_to", "wait_for_file"))
        return self.send({"jsonrpc": "2.0", "id": 7, "method": method, "params": sent}, right, stream=stream)

    def open_session(self, version: str = "2025-11-25", person: str = "alice") -> dict[str, str]:
        """Initialize, and return the headers of the session."""
        params = {
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        answer = self.send(message, self.headers(person))
        assert answer.status_code == 200, answer.text
        session = self.headers(person, MCP_Protocol_Version=version)
        session["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
        return session


def call(name: str, identifier: int = 7, **arguments: Any) -> dict[str, Any]:
    """Return a tools/call request."""
    params: dict[str, Any] = {"name": name, "arguments": arguments, "_meta": {"progressToken": "p"}}
    return {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params}


def events(response: requests.Response) -> Iterator[dict[str, str]]:
    """Yield the events of a stream, comments left out."""
    event: dict[str, str] = {}
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ")
        elif event:
            yield event
            event = {}


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Server]:
    """Run a server with the sample tools."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/mcp"
    issuer = Issuer(url)
    with issuer.serving():
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("MCPSERVER_", "AZURE_", "REDIS_"))},
            "PYTHONPATH": str(REPOSITORY),
            "MCPSERVER_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "MCPSERVER_ISSUER": issuer.url,
            "MCPSERVER_JWKS_URL": issuer.url,
            "MCPSERVER_REVOCATION_URL": "none",
            "MCPSERVER_HOST": "127.0.0.1",
            "MCPSERVER_PORT": str(port),
            "MCPSERVER_SNIPPETS_FOLDER": str(folder / "snippets"),
            "MCPSERVER_TOOL_MODULES": '["tests.mcpserver.sample_tools"]',
            "MCPSERVER_LOG_FORMAT": "text",
            **settings,
        }
        log = (folder / "log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "mcpserver", "serve"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
            text=True,
        )
        try:
            wait_until(lambda: _is_ready(url), "the server is ready")
            yield Server(url, issuer, process)
        finally:
            process.terminate()
            process.wait(_TIMEOUT_SECONDS)
            log.close()


def _is_ready(url: str) -> bool:
    try:
        return requests.get(url.removesuffix("/mcp") + "/readyz", timeout=_TIMEOUT_SECONDS).ok
    except requests.ConnectionError:
        return False
