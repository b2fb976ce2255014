"""One store contract, three backends: a SQLite file, a Redis, and a Redis Cluster that refuses to cross
slots.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from authserver.store import Store
from tests.authserver.store.backends import Backend, FakeClock, RedisServer

KINDS = ("sqlite", "redis", "redis-cluster")


@pytest.fixture(scope="session")
def master_secret() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("cluster"), cluster=True)
    yield server
    server.stop()


@pytest.fixture(params=KINDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path, master_secret: str) -> Backend:
    if request.param == "sqlite":
        return Backend("sqlite", str(tmp_path / "state" / "authserver.db"), master_secret)
    name = "shared_redis" if request.param == "redis" else "shared_cluster"
    server: RedisServer = request.getfixturevalue(name)
    with server.client() as client:
        client.flushall()
    return Backend(request.param, server.url, master_secret)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(backend: Backend, clock: FakeClock) -> Iterator[Store]:
    opened = backend.open(clock)
    yield opened
    opened.close()
