"""Redis without a password: tokens of Entra ID's, over TLS, with CONFIG refused, as managed Redis is."""

import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import jwt
import orjson
import pytest
import redis
import trustme
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import WorkloadIdentityCredential
from gevent.pywsgi import WSGIServer

from authserver.errors import StoreUnavailable
from authserver.store.redis_link import RedisLink as AuthserverLink
from mcpserver.redis_link import RedisLink as McpserverLink
from mcpserver.redis_link import RedisUnavailable
from serving.redis_identity import SCOPE, EntraCredentials, entra_credentials
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

_OBJECT_ID: Final = "99999999-9999-4999-8999-999999999999"
_TENANT: Final = "11111111-1111-4111-8111-111111111111"
_KEY: Final = "a key that only this test knows, 32"

Link = AuthserverLink | McpserverLink


def token(number: int, expires_in_seconds: int = 3600) -> str:
    """Return a token for the identity; Redis here knows it as a password."""
    now = int(time.time())
    return jwt.encode({"oid": _OBJECT_ID, "n": number, "exp": now + expires_in_seconds}, _KEY, "HS256")


@dataclass
class Entra:
    """A ``TokenCredential``: gives the token it is told to."""

    token: str
    expires_on: int
    is_away: bool = False
    scopes: list[str] = field(default_factory=list)

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Give it."""
        self.scopes.extend(scopes)
        if self.is_away:
            raise ClientAuthenticationError("Entra's words, with what it was sent")
        return AccessToken(self.token, self.expires_on)


@dataclass(frozen=True)
class ManagedRedis:
    """A Redis that only speaks TLS, refuses CONFIG, and knows one user by tokens."""

    url: str
    admin: redis.Redis

    def accept(self, *tokens: str) -> None:
        """Accept these tokens and no others from now on."""
        rules = ("reset", "on", "~*", "&*", "+@all", "-config", "-acl", *(f">{each}" for each in tokens))
        self.admin.execute_command("ACL", "SETUSER", _OBJECT_ID, *rules)

    def hang_up(self) -> None:
        """Close the user's connections, as happens when a token expires."""
        self.admin.execute_command("CLIENT", "KILL", "USER", _OBJECT_ID)


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedRedis]:
    folder = tmp_path_factory.mktemp("managed-redis")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    (port,) = free_ports(1)
    program = shutil.which("redis-server")
    assert program is not None
    options = {
        "port": "0",
        "tls-port": str(port),
        "tls-cert-file": "cert.pem",
        "tls-key-file": "key.pem",
        "tls-ca-cert-file": "ca.pem",
        "tls-auth-clients": "no",
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "save": "",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen([program, *words], cwd=folder, stdout=subprocess.DEVNULL)
    url = f"rediss://localhost:{port}/0?ssl_ca_certs={folder / 'ca.pem'}"
    admin = redis.Redis.from_url(url)
    try:
        wait_until(lambda: _answers(admin), "redis")
        yield ManagedRedis(url, admin)
    finally:
        admin.close()
        process.terminate()
        process.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def authserver_link(url: str, credentials: EntraCredentials) -> Link:
    return AuthserverLink(url, cluster=False, allow_unsafe=False, deadline_seconds=3, credentials=credentials)


def mcpserver_link(url: str, credentials: EntraCredentials) -> Link:
    return McpserverLink(url, credentials=credentials)


@pytest.fixture(params=[authserver_link, mcpserver_link])
def make_link(
    request: pytest.FixtureRequest, managed: ManagedRedis
) -> Iterator[Callable[[EntraCredentials], Link]]:
    made: list[Link] = []

    def make(credentials: EntraCredentials) -> Link:
        made.append(request.param(managed.url, credentials))
        return made[-1]

    yield make
    managed.accept("anything")
    managed.admin.execute_command("ACL", "SETUSER", _OBJECT_ID, "nopass")
    for link in made:
        link.close()


def test_a_server_signs_in_as_its_identity_and_finds_that_nothing_gets_lost(
    managed: ManagedRedis, make_link: Callable[[EntraCredentials], Link]
) -> None:
    entra = Entra(token(1), int(time.time()) + 3600)
    managed.accept(entra.token)
    link = make_link(EntraCredentials(entra))
    link.check()  # CONFIG is refused: what it asks, it asks otherwise
    assert link.command("PING")
    assert set(entra.scopes) == {SCOPE}
    names = {client["user"] for client in managed.admin.client_list()}
    assert _OBJECT_ID in names


def test_connections_are_opened_anew_before_their_token_expires(
    managed: ManagedRedis, make_link: Callable[[EntraCredentials], Link]
) -> None:
    now = [time.time()]
    entra = Entra(token(1), int(now[0]) + 3600)
    managed.accept(entra.token)
    link = make_link(EntraCredentials(entra, lambda: now[0]))
    link.command("SET", "authserver:x", "1")
    now[0] += 3600 - 200
    entra.token, entra.expires_on = token(2), int(now[0]) + 3600
    managed.accept(entra.token)
    managed.hang_up()
    # Without a failure in between: nobody was told to try again.
    assert link.command("GET", "authserver:x") == "1"


def test_while_entra_is_away_what_is_connected_goes_on_and_it_is_asked_seldom(
    managed: ManagedRedis, make_link: Callable[[EntraCredentials], Link]
) -> None:
    now = [time.time()]
    entra = Entra(token(1), int(now[0]) + 3600)
    managed.accept(entra.token)
    credentials = EntraCredentials(entra, lambda: now[0])
    link = make_link(credentials)
    link.command("PING")
    now[0] += 3600 - 200
    assert credentials.is_ending()
    assert not credentials.is_ending()
    now[0] += 29
    assert not credentials.is_ending()
    now[0] += 2
    assert credentials.is_ending()


def test_without_a_token_the_answer_is_that_redis_is_away_and_comes_back_by_itself(
    managed: ManagedRedis, make_link: Callable[[EntraCredentials], Link]
) -> None:
    entra = Entra(token(1), int(time.time()) + 3600, is_away=True)
    managed.accept(entra.token)
    link = make_link(EntraCredentials(entra))
    with pytest.raises((StoreUnavailable, RedisUnavailable)) as caught:
        link.command("PING")
    assert "no token from Entra ID: ClientAuthenticationError" in caught.value.private_detail
    assert "Entra's words" not in caught.value.private_detail
    entra.is_away = False
    assert link.command("PING")


def test_a_token_that_redis_refuses_is_in_no_error(
    managed: ManagedRedis, make_link: Callable[[EntraCredentials], Link]
) -> None:
    managed.accept(token(1))
    link = make_link(EntraCredentials(Entra(token(2), int(time.time()) + 3600)))
    with pytest.raises((StoreUnavailable, RedisUnavailable)) as caught:
        link.command("PING")
    assert token(2)[:20] not in repr(caught.value) + str(caught.value.private_detail)


@pytest.mark.parametrize("malformed", ["", "x", "a.b.c", "a.e30.c", jwt.encode({"sub": "x"}, _KEY, "HS256")])
def test_what_is_no_token_of_an_identity_signs_nobody_in(malformed: str) -> None:
    with pytest.raises(redis.AuthenticationError, match="no token of an identity"):
        EntraCredentials(Entra(malformed, 0)).get_credentials()


def test_without_an_identity_the_url_says_how() -> None:
    assert entra_credentials("", None, None) is None


def test_the_workloads_own_token_is_what_entra_is_asked_with(tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []
    given = token(1)
    authority = trustme.CA()
    ca_file, token_file = tmp_path / "ca.pem", tmp_path / "token"
    authority.cert_pem.write_to_path(ca_file)
    token_file.write_text("the cluster's token", "utf-8")
    certificate = authority.issue_cert("localhost")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(tls)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        base = f"https://localhost:{server.server_port}/{_TENANT}"
        body: dict[str, Any] = {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }
        if environ["REQUEST_METHOD"] == "POST":
            asked.append(dict(parse_qsl(environ["wsgi.input"].read().decode())))
            body = {"access_token": given, "expires_in": 3600, "token_type": "Bearer"}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [orjson.dumps(body)]

    server = WSGIServer(("127.0.0.1", 0), application, log=None, ssl_context=tls)
    server.start()
    try:
        credential = WorkloadIdentityCredential(
            tenant_id=_TENANT,
            client_id="44444444-4444-4444-8444-444444444444",
            token_file_path=str(token_file),
            authority=f"https://localhost:{server.server_port}",
            disable_instance_discovery=True,
            connection_verify=str(ca_file),
        )
        assert EntraCredentials(credential).get_credentials() == (_OBJECT_ID, given)
    finally:
        server.stop()
    assert asked[0]["client_assertion"] == "the cluster's token"
    assert asked[0]["client_id"] == "44444444-4444-4444-8444-444444444444"
    assert SCOPE in asked[0]["scope"].split()
