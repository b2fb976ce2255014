"""What the processes of a server share: where it is kept, and what a server says when it cannot be."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from mcpserver.settings import Settings
from mcpserver.sharing import Shared, share
from tests.authserver.store.backends import RedisServer
from tests.mcpserver.conftest import MakeWorld
from tests.mcpserver.pods import environment_of
from tests.support.ports import free_ports
from tests.support.waiting import wait_until


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    yield server
    server.stop()


@pytest.fixture
def shared(redis: RedisServer) -> Iterator[list[Shared]]:
    """Two processes' shares."""
    settings = Settings(_env_file=None, redis_url=redis.url)
    both = [share(settings, lambda: 0.0) for _ in range(2)]
    yield both
    for each in both:
        each.close()


def test_all_processes_seal_with_the_secret_that_the_first_one_made(shared: list[Shared]) -> None:
    first, second = (each.state_secrets for each in shared)
    assert first == second
    assert len(first[0]) >= 32


def test_a_redis_that_forgot_the_secret_is_told_it_again(
    shared: list[Shared], redis: RedisServer, tmp_path: Path
) -> None:
    redis.kill()
    shutil.rmtree(tmp_path / "redis" / "appendonlydir")
    redis.start()
    with redis.client() as client:
        kept = wait_until(lambda: client.get("mcpserver:{state-secret}"), "the secret is back")
    assert kept == shared[0].state_secrets[0]


def test_a_configured_secret_is_not_kept_in_redis(redis: RedisServer) -> None:
    mine = "s" * 32
    shared = share(Settings(_env_file=None, redis_url=redis.url, state_secret=mine), lambda: 0.0)
    shared.close()
    assert shared.state_secrets == (mine,)
    with redis.client() as client:
        assert client.exists("mcpserver:{state-secret}") == 0


def test_without_redis_one_process_keeps_everything_and_several_promise_nothing() -> None:
    alone, several = (share(Settings(_env_file=None, workers=number), lambda: 0.0) for number in (1, 2))
    assert alone.tells_changes
    assert None not in (alone.sessions, alone.tasks)
    assert not several.tells_changes
    assert (several.sessions, several.tasks) == (None, None)


def test_readyz_tells_of_a_redis_that_may_forget(make_world: MakeWorld, redis: RedisServer) -> None:
    client = make_world(redis_url=redis.url).client()
    ready = client.send("GET", path="/readyz")
    assert (ready.status, ready.json["checks"]["shared_state"]["status"]) == (200, "ok")
    with redis.client() as direct:
        direct.config_set("maxmemory-policy", "allkeys-lru")
    refused = client.send("GET", path="/readyz")
    assert (refused.status, refused.json["status"]) == (503, "unavailable")
    assert "noeviction" in refused.json["checks"]["shared_state"]["last_error"]
    redis.stop()
    assert client.send("GET", path="/readyz").status == 503


def test_without_redis_there_is_nothing_to_check(make_world: MakeWorld) -> None:
    ready = make_world().client().send("GET", path="/readyz")
    assert ready.json["checks"]["shared_state"]["status"] == "off"


def test_a_server_whose_redis_is_not_there_says_so_in_a_line_and_does_not_start(tmp_path: Path) -> None:
    port, nobody = free_ports(2)
    password = "hunter2hunter2"
    url = f"redis://:{password}@127.0.0.1:{nobody}/0"
    ended = gevent.spawn(
        subprocess.run,
        [sys.executable, "-m", "mcpserver", "serve"],
        env=environment_of(tmp_path, port, REDIS_URL=url),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    ).get(timeout=30)
    assert ended.returncode != 0
    output = ended.stdout + ended.stderr
    assert "REDIS_URL: redis: ConnectionError" in output
    assert "Traceback" not in output
    assert password not in output
