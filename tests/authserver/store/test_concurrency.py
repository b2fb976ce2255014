"""Many want one thing at the same moment: exactly one gets it, and nothing acknowledged is lost to a kill."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gevent.pool import Group

from authserver.errors import StoreUnavailable
from authserver.store import Graced, Rotated, RotateOutcome, Store
from authserver.store.lifetimes import NEVER_SECONDS
from tests.authserver.store import racer
from tests.authserver.store.backends import (
    Backend,
    RedisServer,
    a_code,
    a_login,
    a_session,
    a_wish,
)
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
PROCESSES = 4
GREENLETS = 100
WHAT = ("code", "login", "rotation", "once", "open", "end", "add", "swap", "take")


def start_racer(backend: Backend, action: str, argument: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.authserver.store.racer", backend.to_json(), action, argument],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def prepare(store: Store) -> None:
    store.put_code("code", a_code(), 600)
    store.put_login("state", a_login(), 600)
    store.put_record("thing", "swapped", "first", NEVER_SECONDS)
    store.put_record("thing", "taken", "text", NEVER_SECONDS)
    store.open_session(a_session(now_seconds=int(time.time())))


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def loser_of(what: str) -> Callable[[str], bool]:
    if what == "code":
        return lambda outcome: outcome == "CodeReplay"
    if what == "rotation":
        return lambda outcome: outcome.startswith("sealed ")
    return lambda outcome: outcome == "nothing"


def assert_one_winner(what: str, outcomes: list[str]) -> None:
    assert len(outcomes) == GREENLETS
    assert outcomes.count("won") == 1, what
    losers = [outcome for outcome in outcomes if outcome != "won"]
    assert all(map(loser_of(what), losers)), what
    assert len(set(losers)) == 1, "all losers are told the same"


@pytest.mark.requirement("MCP-AUTH-code-once")
@pytest.mark.parametrize("what", WHAT)
def test_of_a_hundred_greenlets_exactly_one_wins(backend: Backend, what: str) -> None:
    store = backend.open()
    prepare(store)
    assert_one_winner(what, racer.race(store, what, GREENLETS))
    store.close()


@pytest.mark.requirement("MCP-AUTH-code-once")
def test_of_a_hundred_greenlets_in_four_processes_exactly_one_wins(backend: Backend) -> None:
    store = backend.open()
    prepare(store)
    racers = [start_racer(backend, "race", str(GREENLETS // PROCESSES)) for _ in range(PROCESSES)]
    assert [hear(process) for process in racers] == ["ready"] * PROCESSES
    for what in WHAT:
        for process in racers:
            tell(process, what)
        assert_one_winner(what, [outcome for process in racers for outcome in json.loads(hear(process))])
    for process in racers:
        process.communicate()
    store.close()


def test_a_process_killed_amid_rotations_loses_nothing_that_it_acknowledged(backend: Backend) -> None:
    store = backend.open()
    sids = [f"sid-{number}" for number in range(PROCESSES)]
    for sid in sids:
        store.open_session(a_session(sid, int(time.time())))
    processes = [start_racer(backend, "rotate-for-ever", sid) for sid in sids]
    heard = [[hear(process) for _ in range(30)] for process in processes]
    for process in processes:
        process.kill()
    for sid, process, lines in zip(sids, processes, heard, strict=True):
        # The last line may have been cut off by the kill; then it was not acknowledged.
        lines.extend(process.communicate()[0].split("\n")[:-1])
        assert_honoured(store.rotate(a_wish(lines[-1], "next", sid)))
    store.check()
    store.close()


def test_a_redis_killed_amid_rotations_loses_nothing_that_it_acknowledged(
    tmp_path: Path, master_secret: str
) -> None:
    server = RedisServer(tmp_path)
    store = Backend("redis", server.url, master_secret).open()
    now = int(time.time())
    for number in range(20):
        store.open_session(a_session(f"sid-{number}", now))
    acknowledged = dict.fromkeys(range(20), "token-0")

    def rotate_until_it_is_away(number: int) -> None:
        while True:
            successor = f"token-{number}-{time.monotonic_ns()}"
            try:
                outcome = store.rotate(a_wish(acknowledged[number], successor, f"sid-{number}"))
            except StoreUnavailable:
                return
            assert isinstance(outcome, Rotated)
            acknowledged[number] = successor

    group = Group()
    for number in acknowledged:
        group.spawn(rotate_until_it_is_away, number)
    wait_until(lambda: "token-0" not in acknowledged.values(), "rotations")
    server.kill()
    group.join()
    server.start()
    for number, token in acknowledged.items():
        assert_honoured(store.rotate(a_wish(token, "next", f"sid-{number}")))
    store.close()
    server.stop()


def assert_honoured(outcome: RotateOutcome) -> None:
    """The last acknowledged token is current, or its rotation happened and only the answer was lost."""
    assert isinstance(outcome, Rotated | Graced)
