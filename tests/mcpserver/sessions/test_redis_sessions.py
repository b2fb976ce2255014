"""Sessions in Redis: whose they are, how long they live, and what processes tell each other about them."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gevent
import orjson
import pytest
from gevent.event import Event

from mcpserver.errors import JsonRpcError, Unanswered, Unavailable
from mcpserver.principal import Principal
from mcpserver.redis_link import RedisUnavailable
from mcpserver.sessions.protocol import SessionNotFound, TooManySessions
from mcpserver.sessions.redis_layout import EVERYBODY
from mcpserver.sessions.redis_session import RedisSession
from mcpserver.sessions.redis_stream import RedisStream
from mcpserver.sessions.session import MAX_RUNNING_CALLS
from tests.authserver.store.backends import RedisServer
from tests.mcpserver.sessions.conftest import ALICE, BOB, VERSION, Pod, Pods, person
from tests.support.waiting import wait_until

LONG_SECONDS = 10.0
QUESTION = {"q": ("elicitation/create", {"message": "?"})}


@pytest.fixture
def here(pods: Pods) -> RedisSession:
    return pods.here.sessions.open(ALICE, VERSION, {"sampling": {}})


@pytest.fixture
def there(pods: Pods, here: RedisSession) -> RedisSession:
    return pods.there.sessions.get(here.id, ALICE)


@pytest.fixture
def short_lived(one_redis: RedisServer) -> Iterator[Pods]:
    with one_redis.client() as client:
        client.flushall()
    both = Pods(Pod(one_redis, idle_seconds=1), Pod(one_redis, idle_seconds=1), one_redis, is_cluster=False)
    yield both
    both.here.stop()
    both.there.stop()


def start(session: RedisSession, request_id: Any) -> tuple[RedisStream, Event]:
    """Start a call; the event says that it was cancelled."""
    stream, cancelled = session.new_stream(), Event()
    session.take_room(request_id, stream)
    session.started(request_id, cancelled.set)
    return stream, cancelled


def pass_time(seconds: float) -> None:
    """Let time pass: Redis's own, by which sessions expire."""
    end_at = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end_at, "time passes")


def end(session: RedisSession, request_id: Any, stream: RedisStream) -> None:
    session.ended(request_id)
    stream.outbox.wait()


def test_every_process_finds_a_session_with_all_that_is_known(pods: Pods, here: RedisSession) -> None:
    here.log_level = "error"
    here.initialized("2025-06-18", {"roots": {}})
    here.changes_seen = "1-1"
    here.subscribe("test://one")
    found = wait_until(
        lambda: (each := pods.there.sessions.get(here.id, ALICE)).changes_seen and each, "the position"
    )
    assert (found.id, found.version, found.log_level) == (here.id, "2025-06-18", "error")
    assert found.capabilities == {"roots": {}}
    found.standalone_stream().attach()
    assert found.subscribed == {"test://one"}


@pytest.mark.requirement("MCP-SESSION-ID")
def test_ids_are_unguessable_and_visible_ascii(pods: Pods) -> None:
    ids = {pods.here.sessions.open(person(str(n)), VERSION, {}).id for n in range(3)}
    assert len(ids) == 3
    assert all(len(each) >= 32 and each.isascii() and each.isprintable() and " " not in each for each in ids)


@pytest.mark.requirement("MCP-SESSION-OWNER")
@pytest.mark.parametrize("stranger", [BOB, person("alice", "client-2")])
def test_a_session_is_found_by_its_caller_alone(pods: Pods, here: RedisSession, stranger: Principal) -> None:
    for attempt in (pods.there.sessions.get, pods.there.sessions.close):
        with pytest.raises(SessionNotFound):
            attempt(here.id, stranger)
    assert pods.there.sessions.get(here.id, ALICE)


@pytest.mark.parametrize("unknown", ["", "nothing", "{session:1}", "\ud800", "x" * 10_000, "a\x00b"])
def test_an_id_that_is_none_is_not_found(pods: Pods, unknown: str) -> None:
    with pytest.raises(SessionNotFound):
        pods.here.sessions.get(unknown, ALICE)


def test_an_idle_session_ends_and_leaves_nothing_behind(short_lived: Pods) -> None:
    session = short_lived.here.sessions.open(ALICE, VERSION, {})
    stream, _ = start(session, 1)
    stream.finish(b"z")
    end(session, 1, stream)
    with short_lived.server.client() as client:
        assert list(client.scan_iter("*{session:*"))
        wait_until(lambda: not list(client.scan_iter("*{session*")), "nothing is left")
    with pytest.raises(SessionNotFound):
        short_lived.there.sessions.get(session.id, ALICE)


def test_use_in_any_process_keeps_a_session(short_lived: Pods) -> None:
    session_id = short_lived.here.sessions.open(ALICE, VERSION, {}).id
    for pod in (short_lived.here, short_lived.there) * 2:
        pass_time(0.6)
        assert pod.sessions.get(session_id, ALICE)


def test_a_session_whose_call_runs_or_whose_stream_is_read_does_not_become_idle(short_lived: Pods) -> None:
    running = short_lived.here.sessions.open(ALICE, VERSION, {})
    stream, cancelled = start(running, 1)
    stream.send(b"progress")
    read = short_lived.here.sessions.open(ALICE, VERSION, {})
    standalone = read.standalone_stream()
    reader = standalone.attach()
    pass_time(2.5)
    assert short_lived.there.sessions.get(read.id, ALICE)
    elsewhere = short_lived.there.sessions.get(running.id, ALICE).stream(stream.number)
    assert elsewhere is not None
    assert elsewhere.read(elsewhere.attach(0), 1) == [(1, b"progress")]
    assert not cancelled.is_set()
    standalone.detach(reader)


def test_a_caller_has_a_bounded_number_over_all_processes(pods: Pods) -> None:
    opened = [pod.sessions.open(ALICE, VERSION, {}) for pod in (pods.here, pods.there, pods.here)]
    for client in ("client-1", "client-2"):
        with pytest.raises(TooManySessions):
            pods.there.sessions.open(person("alice", client), VERSION, {})
    assert pods.there.sessions.open(BOB, VERSION, {})
    pods.there.sessions.close(opened[0].id, ALICE)
    assert pods.here.sessions.open(ALICE, VERSION, {})


def test_sessions_that_are_only_read_count_all_the_same(short_lived: Pods) -> None:
    opened = [short_lived.here.sessions.open(ALICE, VERSION, {}) for _ in range(3)]
    streams = [session.standalone_stream() for session in opened]
    for stream in streams:
        stream.attach()
    pass_time(2)
    with pytest.raises(TooManySessions):
        short_lived.there.sessions.open(ALICE, VERSION, {})


def test_when_far_fewer_are_allowed_than_before_they_make_room_bit_by_bit(pods: Pods) -> None:
    with pods.server.client() as client:
        later = time.time() + 1000
        client.zadd(EVERYBODY, {f"of-before-{number}": later + number for number in range(10_000)})
        assert pods.here.sessions.open(ALICE, VERSION, {})
        assert 9_900 < client.zcard(EVERYBODY) < 10_000


def test_the_session_that_was_idle_longest_makes_room(pods: Pods) -> None:
    opened = [pods.here.sessions.open(person(str(n)), VERSION, {}) for n in range(5)]
    pods.there.sessions.open(BOB, VERSION, {})
    with pytest.raises(SessionNotFound):
        pods.here.sessions.get(opened[0].id, person("0"))
    assert pods.here.sessions.get(opened[1].id, person("1"))


def test_closing_it_in_one_process_ends_its_calls_and_streams_in_another(
    pods: Pods, here: RedisSession, there: RedisSession
) -> None:
    stream, cancelled = start(here, 1)
    stream.send(b"progress")
    standalone = here.standalone_stream()
    reading = gevent.spawn(standalone.read, standalone.attach(), LONG_SECONDS)
    reading.join(0.1)
    pods.there.sessions.close(there.id, ALICE)
    assert cancelled.wait(2)
    assert reading.get(timeout=2) is None
    assert there.closed
    with pytest.raises(SessionNotFound):
        pods.here.sessions.get(here.id, ALICE)
    stream.finish(b"too late")
    with pods.server.client() as client:
        assert not list(client.scan_iter("*{session:*"))


def test_a_cancellation_reaches_the_process_that_runs_the_call(
    here: RedisSession, there: RedisSession
) -> None:
    calls = {request_id: start(here, request_id) for request_id in (1, "1", "two")}
    there.notified("notifications/cancelled", {"requestId": "1"})
    assert calls["1"][1].wait(2)
    assert not calls[1][1].is_set()
    for nothing in (7, None, 1.5, [], "no such", True):
        there.notified("notifications/cancelled", {"requestId": nothing})
    there.notified("notifications/other", {"requestId": "two"})
    assert not calls["two"][1].wait(0.1)


def test_a_cancellation_whose_message_got_lost_only_comes_later(
    pods: Pods, here: RedisSession, there: RedisSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cancelled = start(here, 1)
    monkeypatch.setattr(pods.here.sessions, "_here", {})
    there.notified("notifications/cancelled", {"requestId": 1})
    assert not cancelled.wait(0.2)
    here.keep(time.time(), LONG_SECONDS)
    assert cancelled.is_set()


def test_an_id_is_used_by_one_call_at_a_time_and_calls_are_bounded(
    here: RedisSession, there: RedisSession
) -> None:
    stream, _ = start(here, 0)
    with pytest.raises(JsonRpcError, match="is running"):
        start(there, 0)
    for number in range(1, MAX_RUNNING_CALLS):
        start(there, number)
    with pytest.raises(JsonRpcError, match="Too many calls"):
        start(here, "more")
    assert here.is_running()
    end(here, 0, stream)
    start(there, "more")


def test_a_call_whose_process_is_gone_is_answered_and_gives_its_room_back(
    pods: Pods, here: RedisSession, there: RedisSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = start(here, 1)
    stream.send(b"progress")
    here.take_room("two", here.standalone_stream())
    gone = pods.here.link.own_id
    monkeypatch.setattr(pods.there.link, "is_alive", lambda process_id: process_id != gone)
    # An id is free again that only seemed to be in use.
    there.take_room(1, there.new_stream())
    elsewhere = there.stream(stream.number)
    assert elsewhere is not None
    found = elsewhere.read(elsewhere.attach(1), LONG_SECONDS)
    assert found is not None
    ((_, response),) = found
    assert orjson.loads(response) == {
        "jsonrpc": "2.0",
        "id": 1,
        "error": {"code": -32603, "message": "The server process that ran this call is gone"},
    }
    standalone = there.standalone_stream()
    ((_, response),) = standalone.read(standalone.attach(0), LONG_SECONDS) or ()
    assert orjson.loads(response)["id"] == "two"


def test_a_call_that_never_began_because_an_answer_got_lost_takes_no_room(
    here: RedisSession, there: RedisSession, pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pods.here.link.run

    def lossy(*words: Any) -> Any:
        run(*words)
        raise RedisUnavailable("the answer is lost")

    with monkeypatch.context() as lost:
        lost.setattr(pods.here.link, "run", lossy)
        with pytest.raises(Unavailable):
            start(here, 1)
    start(here, 1)
    wait_until(lambda: not pods.here.sessions.is_busy(), "what was taken is given back")
    with pytest.raises(JsonRpcError, match="is running"):
        start(there, 1)


def test_a_process_that_only_seemed_gone_stops_what_was_given_up(
    pods: Pods, here: RedisSession, there: RedisSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, cancelled = start(here, 1)
    stream.send(b"progress")
    monkeypatch.setattr(pods.there.link, "is_alive", lambda _process_id: False)
    there.bury_lost()
    here.keep(time.time(), LONG_SECONDS)
    assert cancelled.is_set()
    stream.finish(b"too late")
    stream.outbox.wait()
    found = stream.read(stream.attach(0), LONG_SECONDS)
    assert [number for number, _ in found or ()] == [1, 2]


def asked(session: RedisSession, stream: RedisStream) -> Any:
    """Return the question on a stream that is read."""
    ((_, data),) = stream.read(stream.attach(), LONG_SECONDS) or ()
    return orjson.loads(data)


def test_an_answer_that_comes_to_another_process_reaches_the_call(
    here: RedisSession, there: RedisSession
) -> None:
    stream = here.new_stream()
    asking = gevent.spawn(here.ask, stream, QUESTION)
    question = asked(here, stream)
    there.answered("someone else's", {"n": 0}, None)
    there.answered(None, None, {"message": "no id"})
    there.answered(question["id"], {"n": 1}, None)
    there.answered(question["id"], {"n": 2}, None)
    assert asking.get(timeout=2) == {"q": {"n": 1}}


def test_an_error_for_an_answer_and_no_answer_are_told_the_call(
    here: RedisSession, there: RedisSession
) -> None:
    stream = here.new_stream()
    asking = gevent.spawn(here.ask, stream, QUESTION)
    there.answered(asked(here, stream)["id"], None, {"code": -1, "message": "declined"})
    with pytest.raises(Unanswered, match="declined"):
        asking.get(timeout=2)
    with pytest.raises(Unanswered, match="in time"):
        here.ask(stream, QUESTION)
    stream.outbox.wait()
    withdrawal = orjson.loads((stream.read(stream.attach(), 1) or ())[-1][1])
    assert withdrawal["method"] == "notifications/cancelled"


def test_an_answer_whose_message_got_lost_only_comes_later(
    pods: Pods, here: RedisSession, there: RedisSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = here.new_stream()
    asking = gevent.spawn(here.ask, stream, QUESTION)
    question = asked(here, stream)
    monkeypatch.setattr(pods.here.sessions, "_here", {})
    there.answered(question["id"], {"n": 1}, None)
    asking.join(0.2)
    assert not asking.ready()
    here.keep(time.time(), LONG_SECONDS)
    assert asking.get(timeout=2) == {"q": {"n": 1}}


def test_subscriptions_made_elsewhere_are_known_where_the_stream_is_read(
    here: RedisSession, there: RedisSession
) -> None:
    here.subscribe("test://one")
    stream = there.standalone_stream()
    stream.attach()
    assert there.subscribed == {"test://one"}
    here.subscribe("test://two")
    here.unsubscribe("test://one")
    wait_until(lambda: there.subscribed == {"test://two"}, "the message")


def test_subscriptions_are_bounded(here: RedisSession, there: RedisSession) -> None:
    here.subscribe("a" * 200_000)
    here.subscribe("a" * 200_000)
    with pytest.raises(JsonRpcError, match="too many subscriptions"):
        there.subscribe("b" * 100_000)
    here.unsubscribe("a" * 200_000)
    there.subscribe("b" * 100_000)


def test_what_messages_got_lost_about_is_looked_up_when_they_come_again(
    pods: Pods, here: RedisSession, there: RedisSession
) -> None:
    stream = there.standalone_stream()
    reader = stream.attach()
    _, cancelled = start(there, 1)
    reading = gevent.spawn(stream.read, reader, LONG_SECONDS)
    reading.join(0.1)
    with pods.server.client() as client:
        # They are heard no more until the connection is made again.
        listeners = client.execute_command("CLIENT", "LIST", "TYPE", "pubsub")
        here.notified("notifications/cancelled", {"requestId": 1})
        assert listeners
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        here.standalone_stream().send(b"a")
        here.subscribe("test://one")
    assert reading.get(timeout=3) == [(1, b"a")]
    assert cancelled.wait(3)
    wait_until(lambda: there.subscribed == {"test://one"}, "it is looked up")


def test_while_redis_is_away_callers_are_told_to_come_again(pods: Pods, here: RedisSession) -> None:
    stream, cancelled = start(here, 1)
    pods.server.stop()
    for attempt in (
        lambda: pods.here.sessions.get(here.id, ALICE),
        lambda: pods.here.sessions.open(ALICE, VERSION, {}),
        lambda: start(here, 2),
        lambda: here.answered("q", {}, None),
    ):
        with pytest.raises(Unavailable):
            attempt()
    with pytest.raises(Unanswered):
        here.ask(stream, QUESTION)
    here.changes_seen = "7-7"
    assert here.is_running()
    assert not cancelled.is_set()
    pods.start_redis()
    found = wait_until(lambda: pods.there.sessions.get(here.id, ALICE), "redis is back")
    wait_until(lambda: pods.there.sessions.get(here.id, ALICE).changes_seen == "7-7", "what waited")
    assert found.version == VERSION


def test_expired_tokens_do_not_matter_here(pods: Pods, here: RedisSession) -> None:
    later = replace(ALICE, expires_at_seconds=int(time.time()) + 10, token_id="another")
    assert pods.there.sessions.get(here.id, later).id == here.id
