"""Two processes' views of the same sessions in Redis."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mcpserver.principal import Principal
from mcpserver.redis_link import RedisLink
from mcpserver.sessions.redis_sessions import RedisSessions
from tests.authserver.store.backends import RedisServer

IDLE_SECONDS = 100.0
VERSION = "2025-11-25"


def person(name: str, client: str = "client-1") -> Principal:
    """Return a caller."""
    return Principal(
        subject=name,
        tenant_id="t",
        object_id=name,
        client_id=client,
        session_id="s",
        scopes=frozenset(),
        roles=(),
        token_id="j",
        key_id="rsa-1",
        expires_at_seconds=0,
    )


ALICE, BOB = person("alice"), person("bob")


class Pod:
    """One process: its link, and its sessions."""

    def __init__(self, server: RedisServer, *, cluster: bool = False, idle_seconds: float = IDLE_SECONDS):
        self.link = RedisLink(server.url, cluster=cluster)
        limits = {"idle_seconds": idle_seconds, "most": 5, "most_per_caller": 3, "input_timeout_seconds": 2}
        self.sessions = RedisSessions(self.link, time.time, **limits)  # type: ignore[arg-type]
        self.link.start()
        self._greenlet = self.sessions.start()

    def stop(self) -> None:
        """Leave."""
        self._greenlet.kill()
        self.link.close()


@dataclass
class Pods:
    """Two of them."""

    here: Pod
    there: Pod
    server: RedisServer
    is_cluster: bool

    def start_redis(self) -> None:
        """Start it again after it was stopped."""
        self.server.start()
        if self.is_cluster:
            self.server.wait_for_slots()


@pytest.fixture(scope="session")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("cluster"), cluster=True)
    yield server
    server.stop()


@pytest.fixture(params=["redis", "redis-cluster"])
def pods(request: pytest.FixtureRequest) -> Iterator[Pods]:
    is_cluster = request.param == "redis-cluster"
    server: RedisServer = request.getfixturevalue("redis_cluster" if is_cluster else "one_redis")
    with server.client() as client:
        client.flushall()
    both = Pods(Pod(server, cluster=is_cluster), Pod(server, cluster=is_cluster), server, is_cluster)
    yield both
    both.here.stop()
    both.there.stop()
