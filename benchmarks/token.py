"""POST /token, grant_type=refresh_token, SQLite, one worker: each request rotates a one-time token.

The product's own classes put the sessions into the store; the requests go over HTTP like any client's.
"""

import json
import tempfile
import time
from pathlib import Path

from cryptography.fernet import Fernet

from authserver.cipher import Cipher
from authserver.model import Client, Identity, Session
from authserver.store.sqlite import SqliteStore
from authserver.tokens import RefreshTokens, new_sid
from benchmarks.harness import PAIRS, TOKENS_PER_SLICE, Row, compare, free_port, server

GOALS = {"RS256": 0.3, "ES256": 0.5}
_CLIENT = "benchmark"
_RESOURCE = "http://127.0.0.1:9/mcp"
_SCOPES = ("mcp:tools", "snippets:read", "snippets:write")
_TENANT = "11111111-1111-4111-8111-111111111111"
_DAY_SECONDS = 86_400


def run() -> None:
    """Measure both signing algorithms and print a table of each."""
    for algorithm, goal in GOALS.items():
        with tempfile.TemporaryDirectory() as folder:
            _measure(algorithm, goal, Path(folder))


def _measure(algorithm: str, goal: float, folder: Path) -> None:
    port = free_port()
    master_secret = Fernet.generate_key().decode()
    tokens = _seed(folder / "authserver.db", master_secret, count=TOKENS_PER_SLICE * (PAIRS + 1))
    url = f"http://127.0.0.1:{port}"
    environment = {
        "AUTHSERVER_PUBLIC_URL": url,
        "AUTHSERVER_ENDPOINT_PREFIX": "",
        "AUTHSERVER_HOST": "127.0.0.1",
        "AUTHSERVER_PORT": str(port),
        "AUTHSERVER_STATE_FILE": str(folder / "authserver.db"),
        "AUTHSERVER_MASTER_SECRET": master_secret,
        "AUTHSERVER_SIGNING_ALGORITHM": algorithm,
        "AUTHSERVER_ENTRA_CLIENT_SECRET": "unused",
        "AUTHSERVER_RESOURCES": json.dumps(
            [
                {
                    "uri": _RESOURCE,
                    "name": "benchmark",
                    "scopes": dict.fromkeys(_SCOPES, "a scope"),
                    "default_scopes": _SCOPES,
                    "aliases": [],
                }
            ]
        ),
        # One client at one address, as no network of people asks.
        "AUTHSERVER_TOKEN_REQUESTS_PER_MINUTE": "1000000000",
        "AZURE_CLIENT_ID": "benchmark",
        "AZURE_TENANT_ID": _TENANT,
    }
    row = Row(
        f"refresh, SQLite, {algorithm}",
        f"{url}/token",
        f"grant_type=refresh_token&client_id={_CLIENT}&refresh_token=@REFRESH@",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "access_token",
        goal,
        tokens,
    )
    with server(["authserver", "serve"], f"{url}/healthz", environment) as pid:
        compare([(row, pid)], folder / "refresh-tokens")


def _seed(path: Path, master_secret: str, count: int) -> list[str]:
    """Put one client and ``count`` sessions into a fresh store; return their refresh tokens."""
    cipher = Cipher((master_secret,))
    store = SqliteStore(path, time.time, cipher)
    now = int(time.time())
    store.add_client(
        Client(
            client_id=_CLIENT,
            token_endpoint_auth_method="none",
            redirect_uris=("http://127.0.0.1/callback",),
            grant_types=("authorization_code", "refresh_token"),
            response_types=("code",),
            issued_at_seconds=now,
        )
    )
    refresh_tokens = RefreshTokens(cipher)
    values = []
    for number in range(count):
        token = refresh_tokens.new(new_sid())
        store.open_session(
            Session(
                sid=token.sid,
                client_id=_CLIENT,
                identity=Identity(_TENANT, f"object-{number}", "b@example.com", "B", now),
                scopes=_SCOPES,
                resource=_RESOURCE,
                created_at_seconds=now,
                absolute_expiry_seconds=now + 90 * _DAY_SECONDS,
                idle_expiry_seconds=now + 30 * _DAY_SECONDS,
                idle_lifetime_seconds=30 * _DAY_SECONDS,
                current_hash=token.token_hash,
            )
        )
        values.append(token.value)
    store.close()
    return values
