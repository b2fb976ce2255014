"""The whole server on Redis, as REDIS_URL asks for it: the same answers as on SQLite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from werkzeug.test import TestResponse

from authserver.store import RedisStore, SqliteStore
from authserver.store.family import GRACE_SECONDS
from authserver.tokens import AccessToken, TokenMinter
from tests.authserver.people import devices, pages
from tests.authserver.store.backends import RedisServer
from tests.authserver.world import ALICE, World, is_json_error, make_world


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


@pytest.mark.parametrize("backend", ["world", "redis_world"])
def test_a_code_replayed_while_it_is_redeemed_leaves_no_refresh_token_that_works(
    backend: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    world: World = request.getfixturevalue(backend)
    client = world.register()
    code = world.sign_in(client["client_id"])["code"]
    replays: list[TestResponse] = []
    mint = TokenMinter.access_token

    def replayed_meanwhile(minter: TokenMinter, **claims: Any) -> AccessToken:
        # The code is taken, its session is not open yet.
        replays.append(world.redeem(client, code))
        return mint(minter, **claims)

    monkeypatch.setattr(TokenMinter, "access_token", replayed_meanwhile)
    winner = world.redeem(client, code)
    assert is_json_error(replays[0], 400, "invalid_grant")
    assert winner.status_code == 200
    for _ in range(2):
        again = world.refresh(client, winner.get_json()["refresh_token"])
        assert is_json_error(again, 400, "invalid_grant")
    session = world.store.get_session(world.claims(winner.get_json()["access_token"])["sid"])
    assert session is not None
    assert (session.state, session.end_reason, session.current_hash) == ("ended", "code_replayed", None)


def test_of_parallel_redemptions_exactly_one_succeeds(redis_world: World) -> None:
    client = redis_world.register()
    code = redis_world.sign_in(client["client_id"])["code"]
    racers = [gevent.spawn(redis_world.redeem, client, code) for _ in range(20)]
    gevent.joinall(racers)
    assert sorted(racer.value.status_code for racer in racers) == [200] + [400] * 19


def test_a_device_is_connected_and_its_access_taken_away(redis_world: World) -> None:
    client = devices.operators_client(redis_world)
    device = devices.ask(redis_world, client)
    assert device.error() == "authorization_pending"
    assert devices.approve(redis_world, device).status_code == 200
    tokens = device.poll().get_json()
    assert device.error() == "invalid_grant"
    browser = redis_world.browser()
    page = pages.sign_in(redis_world, browser, "/account", ALICE)
    assert "Living room" in page.text
    pages.press(browser, page, "revoke")
    assert is_json_error(redis_world.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    pages.press(browser, page, "sign-out")
    assert "Living room" not in browser.get("/account").text
