"""Streams in Redis: written in one process and read in another, by the rules of those in memory."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar

import gevent
import pytest

from mcpserver.redis_link import RedisUnavailable
from mcpserver.sessions.protocol import Stream
from mcpserver.sessions.redis_session import RedisSession
from tests.mcpserver.sessions.conftest import ALICE, VERSION, Pods
from tests.support.waiting import wait_until

LONG_SECONDS = 10.0
T = TypeVar("T")


@pytest.fixture
def here(pods: Pods) -> RedisSession:
    return pods.here.sessions.open(ALICE, VERSION, {})


@pytest.fixture
def there(pods: Pods, here: RedisSession) -> RedisSession:
    return pods.there.sessions.get(here.id, ALICE)


def read_all(stream: Stream, reader: int) -> list[bytes]:
    found: list[bytes] = []
    while (events := stream.read(reader, LONG_SECONDS)) is not None:
        found += [data for _, data in events]
    return found


def resumed(session: RedisSession, number: int) -> Stream:
    stream = session.stream(number)
    assert stream is not None
    return stream


def test_what_one_process_sends_wakes_the_reader_in_another(here: RedisSession, there: RedisSession) -> None:
    stream = there.standalone_stream()
    reader = stream.attach()
    reading = gevent.spawn(stream.read, reader, LONG_SECONDS)
    reading.join(0.1)
    here.standalone_stream().send(b"a")
    assert reading.get(timeout=1) == [(1, b"a")]


def test_a_finished_stream_is_read_to_its_end_elsewhere(here: RedisSession, there: RedisSession) -> None:
    stream = here.new_stream()
    stream.attach()
    stream.send(b"a")
    stream.finish(b"z")
    stream.send(b"late")
    stream.outbox.wait()
    elsewhere = resumed(there, stream.number)
    assert read_all(elsewhere, elsewhere.attach(0)) == [b"a", b"z"]


def test_an_answer_without_events_never_comes_to_redis(here: RedisSession, pods: Pods) -> None:
    stream = here.new_stream()
    reader = stream.attach()
    stream.finish()
    assert stream.read(reader, LONG_SECONDS) is None
    assert here.stream(stream.number) is None
    with pods.server.client() as client:
        assert not list(client.scan_iter(f"*:{stream.number}*"))


def test_a_writer_waits_for_a_slow_reader_elsewhere_and_nothing_is_lost(
    here: RedisSession, there: RedisSession
) -> None:
    stream = there.standalone_stream()
    reader = stream.attach()
    events = [str(number).encode() for number in range(300)]
    sent: list[bytes] = []

    def write() -> None:
        for event in events:
            here.standalone_stream().send(event)
            sent.append(event)
        here.standalone_stream().finish()

    writing = gevent.spawn(write)
    wait_until(lambda: len(sent) == 256 - 32, "the writer waits")
    writing.join(0.1)
    assert len(sent) == 256 - 32
    assert read_all(stream, reader) == events


def test_what_is_not_urgent_leaves_half_of_the_room_to_the_rest(here: RedisSession) -> None:
    stream = here.standalone_stream()
    reader = stream.attach()
    sent: list[int] = []

    def write() -> None:
        for number in range(150):
            stream.send(b"patient", is_urgent=False)
            sent.append(number)

    patient = gevent.spawn(write)
    wait_until(lambda: len(sent) == 128, "half of the room is taken")
    patient.join(0.1)
    assert not patient.ready()
    assert not stream.is_full()
    stream.send(b"urgent")
    events = [data for _, data in stream.read(reader, 0) or ()]
    assert events == [b"patient"] * 128 + [b"urgent"]
    # What was given out is read when the reader comes again.
    rest: list[bytes] = []
    while len(rest) < 22:
        rest += [data for _, data in stream.read(reader, LONG_SECONDS) or ()]
    assert rest == [b"patient"] * 22


def test_a_writer_waits_when_the_bytes_are_too_many_and_one_that_is_larger_passes(here: RedisSession) -> None:
    stream = here.standalone_stream()
    reader = stream.attach()
    stream.send(b"x" * 2_000_000)
    writer = gevent.spawn(stream.send, b"y" * 200)
    writer.join(0.3)
    assert not writer.ready()
    assert stream.is_full()
    assert [len(data) for _, data in stream.read(reader, 0) or ()] == [2_000_000]
    assert [data for _, data in stream.read(reader, LONG_SECONDS) or ()] == [b"y" * 200]


def test_a_response_never_pushes_out_what_was_not_read(here: RedisSession) -> None:
    stream = here.standalone_stream()
    reader = stream.attach()
    while not stream.is_full():
        stream.send(b"notification")
    for _ in range(40):
        stream.force(b"response")
    stream.outbox.wait()
    read = [data for _, data in stream.read(reader, 0) or ()]
    read += [data for _, data in stream.read(reader, 0) or ()]
    assert read.count(b"notification") == 256 - 32
    assert read.count(b"response") == 40


def test_without_a_reader_the_oldest_events_make_room(here: RedisSession, there: RedisSession) -> None:
    stream = here.new_stream()
    for number in range(500):
        stream.send(str(number).encode())
    stream.finish(b"end")
    stream.outbox.wait()
    elsewhere = resumed(there, stream.number)
    kept = read_all(elsewhere, elsewhere.attach(0))
    assert len(kept) <= 256
    assert kept[-2:] == [b"499", b"end"]


def test_a_writer_goes_on_when_its_reader_elsewhere_leaves(here: RedisSession, there: RedisSession) -> None:
    stream = there.standalone_stream()
    reader = stream.attach()
    writer = gevent.spawn(lambda: [here.standalone_stream().send(b"x") for _ in range(240)])
    wait_until(here.standalone_stream().is_full, "the writer waits")
    assert not writer.ready()
    stream.detach(reader)
    writer.join(2)
    assert writer.ready()


def test_the_next_reader_goes_on_where_the_last_one_was_which_leaves(
    here: RedisSession, there: RedisSession
) -> None:
    first_stream, second_stream = here.standalone_stream(), there.standalone_stream()
    first = first_stream.attach()
    first_stream.send(b"a")
    assert first_stream.read(first, 0)
    first_stream.send(b"b")
    leaving = gevent.spawn(read_all, first_stream, first)
    leaving.join(0.2)
    second = second_stream.attach()
    assert leaving.get(timeout=1) == [b"b"]
    assert second_stream.position == 2
    first_stream.send(b"c")
    assert second_stream.read(second, LONG_SECONDS) == [(3, b"c")]


@pytest.mark.parametrize(("after", "expected"), [(0, [b"a", b"b"]), (1, [b"b"]), (2, []), (10**30, [])])
def test_a_reader_may_name_the_event_it_has(
    here: RedisSession, there: RedisSession, after: int, expected: list[bytes]
) -> None:
    stream = here.new_stream()
    stream.send(b"a")
    stream.send(b"b")
    stream.finish()
    stream.outbox.wait()
    elsewhere = resumed(there, stream.number)
    assert read_all(elsewhere, elsewhere.attach(after)) == expected


def test_a_reader_that_left_does_not_detach_its_successor(here: RedisSession, there: RedisSession) -> None:
    left, read = here.standalone_stream(), there.standalone_stream()
    first = left.attach()
    second = read.attach()
    left.detach(first)
    left.outbox.wait()
    left.send(b"a")
    assert read.read(second, LONG_SECONDS)


def test_hanging_up_makes_the_reader_leave_and_another_one_gets_the_rest(
    here: RedisSession, there: RedisSession
) -> None:
    stream = here.new_stream()
    reader = stream.attach()
    stream.hang_up()
    assert stream.read(reader, LONG_SECONDS) is None
    stream.finish(b"rest")
    stream.outbox.wait()
    elsewhere = resumed(there, stream.number)
    assert read_all(elsewhere, elsewhere.attach(0)) == [b"rest"]


def test_the_first_event_is_announced_once(here: RedisSession) -> None:
    stream = here.new_stream()
    announced = []
    stream.on_first_event = lambda: announced.append(1)
    stream.send(b"a")
    stream.force(b"b")
    assert announced == [1]


def test_only_the_latest_finished_streams_can_be_resumed(here: RedisSession, there: RedisSession) -> None:
    streams = [here.new_stream() for _ in range(10)]
    for stream in streams:
        stream.finish(b"z")
        stream.outbox.wait()
    assert [there.stream(each.number) is not None for each in streams] == [False] * 2 + [True] * 8


def test_nothing_is_lost_while_redis_is_away(here: RedisSession, there: RedisSession, pods: Pods) -> None:
    stream, elsewhere = here.new_stream(), there.standalone_stream()
    reader = elsewhere.attach()
    stream.send(b"before")
    pods.server.stop()
    stream.finish(b"response")
    sending = gevent.spawn(here.standalone_stream().send, b"notification")
    assert elsewhere.read(reader, 0.5) == ()
    assert pods.here.sessions.is_busy()
    assert not sending.ready()
    pods.start_redis()
    stream.outbox.wait()
    sending.join(LONG_SECONDS)
    assert elsewhere.read(reader, LONG_SECONDS) == [(1, b"notification")]
    resumed_stream = resumed(there, stream.number)
    assert read_all(resumed_stream, resumed_stream.attach(0)) == [b"before", b"response"]
    assert not pods.here.sessions.is_busy()


def test_an_answer_of_redis_that_gets_lost_loses_and_doubles_nothing(
    here: RedisSession, there: RedisSession, pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pod in (pods.here, pods.there):
        monkeypatch.setattr(pod.link, "run", losing_answers(pod.link.run))
    stream, elsewhere = here.new_stream(), here.standalone_stream()
    reader = insisting(elsewhere.attach)
    for text in (b"a", b"b"):
        stream.send(text)
        elsewhere.send(text)
        elsewhere.force(text.upper())
    stream.finish(b"z")
    stream.outbox.wait()
    found: list[bytes] = []
    while len(found) < 4:
        found += [data for _, data in elsewhere.read(reader, LONG_SECONDS) or ()]
    assert found == [b"a", b"A", b"b", b"B"]
    again = insisting(lambda: there.stream(stream.number))
    assert again is not None
    assert read_all(again, insisting(lambda: again.attach(0))) == [b"a", b"b", b"z"]


def losing_answers(run: Callable[..., Any]) -> Callable[..., Any]:
    """Lose every other answer to a script."""
    turns = count()

    def lossy(*words: Any) -> Any:
        answer = run(*words)
        if next(turns) % 2 == 0:
            raise RedisUnavailable("the answer is lost")
        return answer

    return lossy


def insisting(attempt: Callable[[], T]) -> T:
    """Try until it is answered."""
    while True:
        with suppress(RedisUnavailable):
            return attempt()


def test_a_writer_does_not_wait_for_a_reader_whose_process_is_gone(
    here: RedisSession, there: RedisSession, pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.standalone_stream().attach()
    gone = pods.there.link.own_id
    monkeypatch.setattr(pods.here.link, "is_alive", lambda process_id: process_id != gone)
    writer = gevent.spawn(lambda: [here.standalone_stream().send(b"x") for _ in range(240)])
    writer.join(LONG_SECONDS)
    assert writer.ready()
