"""The audit trail: every audit line is in the store a moment later, whatever the store does meanwhile."""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests

from authserver import audit as trail_module
from authserver.audit import KIND, MOST_WAITING, AuditTrail, kept, read_trail
from authserver.errors import StoreUnavailable
from authserver.store import Store
from telemetry.audit import audit
from tests.authserver.store.backends import START_SECONDS
from tests.authserver.test_cli import environment, run
from tests.authserver.world import World, registration
from tests.support.ports import free_ports
from tests.support.waiting import wait_until


@pytest.fixture
def trail(world: World) -> Iterator[AuditTrail]:
    with kept(world.store, world.clock, 90) as opened:
        yield opened


class AwayStore:
    """A store that can be away, in front of one that is there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_away = False
        self.loses_answers = False

    def put_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> None:
        if self.is_away:
            raise StoreUnavailable("gone")
        self._store.put_record(kind, name, text, expires_at_seconds)
        if self.loses_answers:
            raise StoreUnavailable("no answer")


def events(store: Store, since_seconds: float = 0, **wanted: Any) -> list[str]:
    return [line["event"] for line in read_trail(store, since_seconds, **{"limit": 10_000, **wanted})]


def test_what_happens_at_sign_in_is_in_the_trail_with_who_and_why(world: World, trail: AuditTrail) -> None:
    client = world.register()
    tokens = world.tokens(client)
    world.refresh(client, tokens["refresh_token"])
    world.post("/revoke", {"token": tokens["refresh_token"], "client_id": client["client_id"]})
    trail.flush()
    lines = read_trail(world.store, 0, limit=100)
    assert [line["event"] for line in lines] == [
        "client.registered",
        "consent.given",
        "login.succeeded",
        "token.issued",
        "token.issued",
        "session.revoked",
    ]
    for line in lines:
        assert line["client_id"] == client["client_id"]
        assert line["time"] == "2027-01-15T08:00:00.000Z"
        assert len(line["correlation_id"]) == 16
    assert [line["grant"] for line in lines[3:5]] == ["authorization_code", "refresh_token"]
    assert lines[3]["sid"] == lines[5]["sid"]


def test_lines_are_written_within_a_second_without_being_asked(
    world: World, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_module, "_FLUSH_AFTER_SECONDS", 0.01)
    audit("first.done", n=1)
    assert trail.waiting == 1
    wait_until(lambda: events(world.store) == ["first.done"], "the line")
    audit("second.done", n=2)
    wait_until(lambda: events(world.store) == ["first.done", "second.done"], "the next line")


def test_lines_of_one_moment_share_a_record(world: World, trail: AuditTrail) -> None:
    for number in range(1200):
        audit("thing.done", number=number)
    trail.flush()
    assert len(world.store.list_records(KIND)) == 3
    assert [line["number"] for line in read_trail(world.store, 0, limit=5000)] == list(range(1200))


def test_lines_expire_after_their_retention(world: World, trail: AuditTrail) -> None:
    audit("thing.done")
    trail.flush()
    world.clock.advance(90 * 86_400 - 1)
    assert events(world.store) == ["thing.done"]
    world.clock.advance(1)
    assert events(world.store) == []


def test_the_newest_lines_since_a_time_and_of_an_event_are_read_oldest_first(
    world: World, trail: AuditTrail
) -> None:
    for event in ("login.refused", "login.succeeded", "loginx.refused", "login.refused"):
        audit(event)
        trail.flush()
        world.clock.advance(0.5)
    assert events(world.store) == ["login.refused", "login.succeeded", "loginx.refused", "login.refused"]
    assert events(world.store, event="login.refused") == ["login.refused", "login.refused"]
    assert events(world.store, event="login") == ["login.refused", "login.succeeded", "login.refused"]
    assert events(world.store, limit=2) == ["loginx.refused", "login.refused"]
    assert events(world.store, START_SECONDS + 0.5) == ["login.succeeded", "loginx.refused", "login.refused"]
    assert events(world.store, START_SECONDS + 2) == []


def test_since_cuts_within_lines_that_were_written_together(world: World, trail: AuditTrail) -> None:
    audit("early.done")
    world.clock.advance(0.4)
    audit("late.done")
    trail.flush()
    assert events(world.store, START_SECONDS + 0.2) == ["late.done"]


def test_while_the_store_is_away_lines_wait_and_nobody_fails(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    store = AwayStore(world.store)
    with kept(store, world.clock, 90) as trail:  # type: ignore[arg-type]
        store.is_away = True
        client = world.register()
        trail.flush()
        audit("thing.done")
        trail.flush()
        assert trail.waiting == 2
        assert "2 audit lines wait for the store: gone" in caplog.text
        store.is_away = False
        store.loses_answers = True
        trail.flush()
        store.loses_answers = False
        trail.flush()
        assert trail.waiting == 0
    lines = read_trail(world.store, 0, limit=10)
    assert [line["event"] for line in lines] == ["client.registered", "thing.done"], "each once"
    assert lines[0]["client_id"] == client["client_id"]


def test_more_lines_than_can_wait_are_dropped_and_counted_in_the_log(
    world: World, trail: AuditTrail, caplog: pytest.LogCaptureFixture
) -> None:
    record = logging.makeLogRecord({"event": "thing.done"})
    for _ in range(MOST_WAITING + 7):
        trail.emit(record)
    assert trail.waiting == MOST_WAITING
    trail.flush()
    assert trail.waiting == 0
    assert "7 audit lines are in the log only" in caplog.text
    assert len(events(world.store, limit=MOST_WAITING + 7)) == MOST_WAITING


def test_a_line_that_cannot_be_written_down_disturbs_no_other(
    world: World, trail: AuditTrail, caplog: pytest.LogCaptureFixture
) -> None:
    audit("odd.done", value={1, 2}, other=object, text="ü\x00\n")
    audit("broken.done", value="\ud800")
    audit("thing.done")
    trail.flush()
    assert events(world.store) == ["odd.done", "thing.done"]
    assert "1 audit lines are in the log only" in caplog.text


def test_a_line_logged_while_others_are_written_is_written_next(world: World, trail: AuditTrail) -> None:
    writers = [gevent.spawn(trail.flush) for _ in range(5)]
    for number in range(50):
        audit("thing.done", number=number)
        writers.append(gevent.spawn(trail.flush))
        gevent.sleep(0)
    gevent.joinall(writers, raise_error=True)
    assert [line["number"] for line in read_trail(world.store, 0, limit=100)] == list(range(50))


def test_a_later_trail_takes_the_place_of_an_earlier_one(world: World, trail: AuditTrail) -> None:
    with kept(world.store, world.clock, 90) as later:
        audit("thing.done")
        assert (trail.waiting, later.waiting) == (0, 1)


def test_the_command_shows_what_a_serving_process_wrote_before_it_ended(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    changes = {"AUTHSERVER_PORT": str(port), "AUTHSERVER_PUBLIC_URL": f"http://localhost:{port}"}
    server = subprocess.Popen(
        [sys.executable, "-m", "authserver", "serve"],
        cwd=tmp_path,
        env=environment(tmp_path, **changes),
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the server")
        name = "[bold]A name[/nothing] \x1b[31m"
        metadata = registration(client_name=name)
        client = requests.post(f"http://127.0.0.1:{port}/register", json=metadata, timeout=10).json()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    shown = run(tmp_path, "audit", "--json", "--event", "client", **changes)
    (line,) = json.loads(shown.stdout)
    assert line["event"] == "client.registered"
    assert line["client_id"] == client["client_id"]
    for_people = run(tmp_path, "audit", "--since", "7d", **changes)
    assert client["client_id"] in for_people.stdout
    assert "\x1b" not in for_people.stdout
    assert run(tmp_path, "audit", "--since", "2100-01-01", **changes).stdout == "nothing happened\n"
    assert run(tmp_path, "audit", "--since", "yesterday", **changes).returncode == 2


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
