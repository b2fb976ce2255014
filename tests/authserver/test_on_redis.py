"""The whole server on Redis, as REDIS_URL asks for it: the same answers as on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from authserver.store import RedisStore, SqliteStore
from authserver.store.family import GRACE_SECONDS
from tests.authserver.store.backends import RedisServer
from tests.authserver.world import World, is_json_error, make_world


@pytest.fixture
def redis_world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    made = make_world(tmp_path, redis_url=server.url)
    yield made
    made.store.close()
    server.stop()


def test_the_settings_choose_the_store(redis_world: World, world: World) -> None:
    assert isinstance(redis_world.store, RedisStore)
    assert isinstance(world.store, SqliteStore)
    assert redis_world.get("/readyz").status_code == 200


def test_a_person_signs_in_refreshes_and_is_protected_from_reuse(redis_world: World) -> None:
    client = redis_world.register()
    first = redis_world.tokens(client)["refresh_token"]
    second = redis_world.refresh(client, first).get_json()["refresh_token"]
    assert redis_world.refresh(client, first).get_json()["refresh_token"] == second
    third = redis_world.refresh(client, second).get_json()["refresh_token"]
    redis_world.clock.advance(GRACE_SECONDS + 1)
    assert is_json_error(redis_world.refresh(client, first), 400, "invalid_grant")
    assert is_json_error(redis_world.refresh(client, third), 400, "invalid_grant")


def test_of_parallel_redemptions_exactly_one_succeeds(redis_world: World) -> None:
    client = redis_world.register()
    code = redis_world.sign_in(client["client_id"])["code"]
    racers = [gevent.spawn(redis_world.redeem, client, code) for _ in range(20)]
    gevent.joinall(racers)
    assert sorted(racer.value.status_code for racer in racers) == [200] + [400] * 19
