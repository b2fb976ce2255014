"""kill -9 in the middle of a thousand refreshes: nobody who was answered loses their session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.authserver_process import AuthserverProcess
from tests.chaos.load import Load, assert_nobody_lost_their_session, sign_in
from tests.support.waiting import wait_until

PEOPLE = 24
REFRESHES = 1000
KILLS = 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AuthserverProcess]:
    started = AuthserverProcess(tmp_path, workers=2)
    yield started
    started.stop()


def test_all_processes_killed_at_once_again_and_again(server: AuthserverProcess) -> None:
    people = sign_in(server, PEOPLE)
    server.start()
    load = Load(server, people)
    with load.running():
        for number in range(1, KILLS + 1):
            wait_for(load, number * REFRESHES // (KILLS + 1))
            load.serving.clear()
            server.kill()
            server.start()
            load.serving.set()
        wait_for(load, REFRESHES)
    assert load.statuses[None] >= KILLS, "kills hit refreshes that were under way"
    assert set(load.statuses) == {200, None}
    assert_nobody_lost_their_session(server, people)


def test_a_worker_killed_again_and_again_while_others_serve(server: AuthserverProcess) -> None:
    people = sign_in(server, PEOPLE)
    server.start()
    load = Load(server, people)
    with load.running():
        for number in range(1, KILLS + 1):
            wait_for(load, number * REFRESHES // (KILLS + 1))
            server.workers()[0].kill()
            wait_until(lambda: len(server.workers()) == 2, "the next worker")
        wait_for(load, REFRESHES)
    assert load.statuses[None] >= 1
    assert set(load.statuses) == {200, None}
    assert_nobody_lost_their_session(server, people)


def wait_for(load: Load, acknowledged: int) -> None:
    wait_until(lambda: load.acknowledged >= acknowledged, f"{acknowledged} refreshes", deadline_seconds=60)
