"""Whoever keeps the changes: each must do what the contract says."""

from collections.abc import Iterator

import pytest

from mcpserver.changes.memory import MemoryChanges
from mcpserver.changes.protocol import Changes
from mcpserver.changes.redis import RedisChanges
from mcpserver.redis_link import RedisLink
from tests.authserver.store.backends import RedisServer


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


@pytest.fixture(params=["memory", "redis", "redis-cluster"])
def changes(request: pytest.FixtureRequest) -> Iterator[Changes]:
    if request.param == "memory":
        yield MemoryChanges()
        return
    is_cluster = request.param == "redis-cluster"
    server: RedisServer = request.getfixturevalue("redis_cluster" if is_cluster else "one_redis")
    with server.client() as client:
        client.flushall()
    link = RedisLink(server.url, cluster=is_cluster)
    shared = RedisChanges(link)
    greenlet = shared.start()
    yield shared
    greenlet.kill()
    link.close()
