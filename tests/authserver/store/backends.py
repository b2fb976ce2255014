"""The backends under test, how to open them from any process, and records to put into them."""

import json
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import redis

from authserver.cipher import Cipher, digest
from authserver.model import AuthorizationCode, AuthorizationRequest, Client, Clock, Identity, Login, Session
from authserver.store import RedisStore, Rotation, SqliteStore, Store
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

START_SECONDS = 1_800_000_000


class FakeClock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = float(START_SECONDS)

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Backend:
    """Enough to open the same store in another process."""

    kind: str
    place: str
    master_secret: str

    def open(self, clock: Clock = time.time, deadline_seconds: float = 10.0) -> Store:
        cipher = Cipher([self.master_secret])
        if self.kind == "sqlite":
            return SqliteStore(Path(self.place), clock, cipher, deadline_seconds=deadline_seconds)
        cluster = self.kind == "redis-cluster"
        return RedisStore(self.place, clock, cipher, cluster=cluster, deadline_seconds=deadline_seconds)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class RedisServer:
    """A real redis-server on a free port, with an append-only file in its own folder."""

    def __init__(self, folder: Path, *, cluster: bool = False) -> None:
        self._folder = folder
        self._cluster = cluster
        self.port, self._bus_port = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        if cluster:
            with self.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            self.wait_for_slots()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed"
        words = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        words += ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        words += ["--save", "", "--maxmemory", "200mb"]
        if self._cluster:
            words += ["--cluster-enabled", "yes", "--cluster-port", str(self._bus_port)]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "redis")

    def wait_for_slots(self) -> None:
        with self.client() as client:
            wait_until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok", "slots")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def a_client(client_id: str = "client-1", **changes: object) -> Client:
    client = Client(
        client_id=client_id,
        token_endpoint_auth_method="none",
        redirect_uris=("http://127.0.0.1/callback", "cursor://app/callback"),
        grant_types=("authorization_code", "refresh_token"),
        response_types=("code",),
        issued_at_seconds=START_SECONDS,
        client_name="Ünïcödé ☃",
        contacts=("a@example.org",),
    )
    return replace(client, **changes)  # type: ignore[arg-type]


def a_request() -> AuthorizationRequest:
    return AuthorizationRequest(
        client_id="client-1",
        redirect_uri="http://127.0.0.1:5555/callback",
        redirect_uri_was_sent=True,
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        scopes=("mcp:tools", "snippets:read"),
        resource="http://localhost:8080/mcp",
        state="a state with spaces & ümlauts",
    )


def an_identity(oid: str = "oid-1") -> Identity:
    return Identity("tid-1", oid, "alice@contoso.example", "Alice", START_SECONDS, ("admin",))


def a_login() -> Login:
    flow = {
        "nonce": "the-nonce",
        "code_verifier": "the-verifier",
        "scope": ["openid"],
        "auth_uri": "http://x",
    }
    return Login(a_request(), flow, digest("cookie"), START_SECONDS)


def a_code(sid: str = "sid-1") -> AuthorizationCode:
    return AuthorizationCode(a_request(), an_identity(), sid, "client-1", START_SECONDS)


def a_session(sid: str = "sid-1", now_seconds: int = START_SECONDS, oid: str = "oid-1") -> Session:
    return Session(
        sid=sid,
        client_id="client-1",
        identity=an_identity(oid),
        scopes=("mcp:tools", "snippets:read"),
        resource="http://localhost:8080/mcp",
        created_at_seconds=now_seconds,
        absolute_expiry_seconds=now_seconds + 90 * 86400,
        idle_expiry_seconds=now_seconds + 30 * 86400,
        idle_lifetime_seconds=30 * 86400,
        current_hash="token-0",
    )


def a_wish(presented: str, successor: str, sid: str = "sid-1", **changes: object) -> Rotation:
    wish = Rotation(
        sid=sid,
        client_id="client-1",
        resource="http://localhost:8080/mcp",
        scopes=("mcp:tools", "snippets:read"),
        presented_hash=presented,
        successor_hash=successor,
        sealed_successor=f"sealed {successor}",
    )
    return replace(wish, **changes)  # type: ignore[arg-type]
