"""A stack for programs: clients that its operator registered, another protected server, an identity provider.

Used by the tests of grants without a browser. Everything is configured from outside, by files and variables,
as an operator does it; the identity provider's keys are served from a folder.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

from authserver.cipher import digest
from devstack.options import Options
from devstack.servers import resource
from tests.e2e.stack import Stack, running
from tests.support.ports import free_ports

SECRET: Final = "an-operators-client-secret"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_KID: Final = "idp-1"


@dataclass(frozen=True)
class MachineStack:
    """A running stack, and what its operator handed out.

    Attributes:
        stack: the stack.
        key_file: PEM private key of the client ``signing-daemon``.
        notes_url: the other protected server's resource; nothing listens there until a test does.
        shop_url: a Flask application's, likewise.
        identity_provider: signs assertions.
    """

    stack: Stack
    key_file: Path
    notes_url: str
    shop_url: str
    identity_provider: "IdentityProvider"


class IdentityProvider:
    """A company's identity provider: its issuer, its published keys, its assertions."""

    def __init__(self, folder: Path, issuer: str) -> None:
        self.issuer = issuer
        self._key = RSAKey.generate_key(2048, {"kid": _KID, "use": "sig", "alg": "RS256"})
        (folder / "keys.json").write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))

    @property
    def settings(self) -> dict[str, object]:
        """What the authorization server is told about it."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys.json",
            "tid": "acme",
            "clients": ["agent"],
            "scopes": ["mcp:tools", "snippets:read", "snippets:write"],
        }

    def id_jag(self, audience: str, resource_uri: str, *, jti: str, client_id: str = "agent") -> str:
        """Return an assertion (draft-ietf-oauth-identity-assertion-authz-grant 3.1)."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "erin",
            "aud": audience,
            "client_id": client_id,
            "resource": resource_uri,
            "scope": "mcp:tools snippets:read snippets:write",
            "jti": jti,
            "iat": now,
            "exp": now + 300,
        }
        return jwt.encode({"alg": "RS256", "kid": _KID, "typ": "oauth-id-jag+jwt"}, claims, self._key)


@contextmanager
def running_machines(folder: Path) -> Iterator[MachineStack]:
    """Run such a stack."""
    with _serving(folder / "idp") as issuer:
        provider = IdentityProvider(folder / "idp", issuer)
        signing_key = RSAKey.generate_key(2048, {"kid": "daemon-1", "use": "sig", "alg": "RS256"})
        key_file = folder / "daemon.pem"
        key_file.write_bytes(signing_key.as_pem(private=True))
        notes_url, shop_url = (f"http://localhost:{port}/mcp" for port in free_ports(2))

        def environment(options: Options) -> Mapping[str, str]:
            resources = [resource(options), _notes(notes_url), _shop(shop_url)]
            clients = _clients(options.resource, notes_url, signing_key)
            return {
                "AUTHSERVER_RESOURCES_FILE": _written(folder / "resources.json", resources),
                "AUTHSERVER_CLIENTS_FILE": _written(folder / "clients.json", clients),
                "AUTHSERVER_IDENTITY_ASSERTION_ISSUERS": json.dumps([provider.settings]),
            }

        for stack in running(folder, with_gateway=True, environment=environment):
            yield MachineStack(stack, key_file, notes_url, shop_url, provider)


def _notes(url: str) -> dict[str, Any]:
    return {
        "uri": url,
        "name": "Notes",
        "scopes": {"notes:read": "Read your notes"},
        "default_scopes": ["notes:read"],
        "access_token_lifetime_seconds": 600,
        "signing_algorithm": "ES256",
    }


def _shop(url: str) -> dict[str, Any]:
    scopes = {"shop:read": "See what is in stock"}
    return {"uri": url, "name": "Shop", "scopes": scopes, "default_scopes": list(scopes)}


def _clients(mcp_url: str, notes_url: str, signing_key: RSAKey) -> list[dict[str, Any]]:
    scope = "mcp:tools snippets:read snippets:write"
    with_secret = {"token_endpoint_auth_method": "client_secret_basic", "secret_hash": digest(SECRET)}
    signing = {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [signing_key.as_dict(private=False)]},
    }
    guards = {"introspects": [mcp_url], "grant_types": ["client_credentials"], "scope": "mcp:tools"}
    only_guards = {"introspects": [notes_url], "grant_types": []}
    return [
        {"client_id": "daemon", "grant_types": ["client_credentials"], "scope": scope, **with_secret},
        {"client_id": "signing-daemon", **guards, "scope": scope, **signing},
        {"client_id": "guard", **guards, **with_secret},
        {"client_id": "notes-guard", **only_guards, **with_secret},
        {"client_id": "agent", "grant_types": [JWT_BEARER], "scope": scope, **with_secret},
    ]


def _written(path: Path, content: object) -> str:
    path.write_text(json.dumps(content))
    return str(path)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        """Nobody reads it."""


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
