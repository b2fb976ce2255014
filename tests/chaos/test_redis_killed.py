"""Redis killed and started again under load: 503 with Retry-After meanwhile, nothing acknowledged is lost."""

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
import requests

from tests.authserver.store.backends import RedisServer
from tests.authserver.world import query, registration
from tests.chaos.authserver_process import AuthserverProcess, error_of
from tests.chaos.load import Load, assert_nobody_lost_their_session, sign_in
from tests.support.waiting import wait_until

PEOPLE = 16
OUTAGES = 2


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    started = RedisServer(folder)
    yield started
    started.stop()


@pytest.fixture
def server(tmp_path: Path, redis: RedisServer) -> Iterator[AuthserverProcess]:
    made = AuthserverProcess(tmp_path, workers=2, redis_url=redis.url)
    yield made
    made.stop()


def test_while_redis_is_away_the_answer_is_503_and_what_was_acknowledged_before_is_there_afterwards(
    server: AuthserverProcess, redis: RedisServer
) -> None:
    people = sign_in(server, PEOPLE)
    server.start()
    load = Load(server, people)
    registered: list[str] = []
    registering = gevent.spawn(register_until_it_fails, server, registered)
    with load.running():
        for number in range(1, OUTAGES + 1):
            before = load.acknowledged
            wait_until(lambda: load.acknowledged > before + 100, "refreshes")  # noqa: B023 - waited for here
            load.serving.clear()
            redis.kill()
            wait_until(lambda: load.statuses[503] >= number * PEOPLE // 2, "refusals")  # noqa: B023
            wait_until(lambda: ready(server) == 503, "not ready")
            redis.start()
            load.serving.set()
        after = load.acknowledged
        wait_until(lambda: load.acknowledged > after + 100, "refreshes")
    registering.get()
    assert set(load.statuses) == {200, 503}
    for refusal in load.refusals:
        assert int(refusal.headers["Retry-After"]) >= 1
        assert error_of(refusal) == "temporarily_unavailable"
    wait_until(lambda: ready(server) == 200, "ready")
    assert registered
    for client_id in registered:
        page = requests.get(f"{server.url}/authorize?{query(client_id)}", timeout=30)
        assert page.status_code == 200
    assert_nobody_lost_their_session(server, people)


def register_until_it_fails(server: AuthserverProcess, registered: list[str]) -> None:
    with requests.Session() as http:
        while True:
            response = http.post(f"{server.url}/register", json=registration(), timeout=30)
            if response.status_code == 503:
                assert int(response.headers["Retry-After"]) >= 1
                return
            assert response.status_code == 201, response.text
            registered.append(response.json()["client_id"])


def ready(server: AuthserverProcess) -> int:
    return requests.get(f"{server.url}/readyz", timeout=30).status_code
