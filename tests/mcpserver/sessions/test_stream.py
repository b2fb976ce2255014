"""The event stream by itself: order, memory, readers and writers that wait for each other."""

import gevent
import pytest

from mcpserver.sessions.stream import EventStream

NEVER_SECONDS = 5.0


def read_all(stream: EventStream, reader: int) -> list[bytes]:
    found: list[bytes] = []
    while (events := stream.read(reader, NEVER_SECONDS)) is not None:
        found += [data for _, data in events]
    return found


def test_events_come_in_order_with_numbers_from_one() -> None:
    stream = EventStream()
    reader = stream.attach()
    stream.send(b"a")
    stream.send(b"b")
    assert list(stream.read(reader, 0) or ()) == [(1, b"a"), (2, b"b")]


def test_a_finished_stream_is_read_to_its_end() -> None:
    stream = EventStream()
    reader = stream.attach()
    stream.send(b"a")
    stream.finish(b"z")
    stream.send(b"late")
    assert read_all(stream, reader) == [b"a", b"z"]


def test_a_writer_waits_for_a_slow_reader_and_nothing_is_lost() -> None:
    stream = EventStream(capacity=64)
    reader = stream.attach()
    events = [str(n).encode() for n in range(1000)]

    def write() -> None:
        for event in events:
            stream.send(event)
        stream.finish()

    writer = gevent.spawn(write)
    gevent.sleep(0)
    assert not writer.ready()
    assert read_all(stream, reader) == events


def test_what_is_not_urgent_leaves_half_of_the_room_to_the_rest() -> None:
    stream = EventStream(capacity=100)
    reader = stream.attach()
    patient = gevent.spawn(lambda: [stream.send(b"patient", is_urgent=False) for _ in range(60)])
    gevent.sleep(0)
    assert not patient.ready()
    assert not stream.is_full()
    stream.send(b"urgent")
    events = [data for _, data in stream.read(reader, 0) or ()]
    assert events == [b"patient"] * 50 + [b"urgent"]
    patient.join(NEVER_SECONDS)
    assert len(stream.read(reader, 0) or ()) == 10


def test_a_writer_waits_when_the_bytes_are_too_many() -> None:
    stream = EventStream(capacity_bytes=1000)
    stream.attach()
    stream.send(b"x" * 900)
    writer = gevent.spawn(stream.send, b"y" * 200)
    gevent.sleep(0)
    assert not writer.ready()
    stream.close()
    writer.join(NEVER_SECONDS)
    assert writer.ready()


def test_one_event_larger_than_the_memory_still_passes() -> None:
    stream = EventStream(capacity_bytes=10)
    reader = stream.attach()
    stream.send(b"x" * 100)
    assert [data for _, data in stream.read(reader, 0) or ()] == [b"x" * 100]
    stream.send(b"y" * 100)
    assert [data for _, data in stream.read(reader, 0) or ()] == [b"y" * 100]


def test_a_response_never_pushes_out_what_was_not_read() -> None:
    stream = EventStream(capacity=64)
    reader = stream.attach()
    while not stream.is_full():
        stream.send(b"notification")
    waiting = len([*range(32)])
    for _ in range(waiting):
        stream.force(b"response")
    read = [data for _, data in stream.read(reader, 0) or ()]
    assert read.count(b"notification") == 32
    assert read.count(b"response") == 32


def test_without_a_reader_the_oldest_events_make_room() -> None:
    stream = EventStream(capacity=64)
    for number in range(1000):
        stream.send(str(number).encode())
    stream.finish(b"end")
    kept = read_all(stream, stream.attach(0))
    assert len(kept) <= 64
    assert kept[-2:] == [b"999", b"end"]


def test_a_writer_goes_on_when_its_reader_leaves() -> None:
    stream = EventStream(capacity=34)
    reader = stream.attach()
    writer = gevent.spawn(lambda: [stream.send(b"x") for _ in range(10)])
    gevent.sleep(0)
    assert not writer.ready()
    stream.detach(reader)
    writer.join(NEVER_SECONDS)
    assert writer.ready()


def test_the_next_reader_goes_on_where_the_last_one_was() -> None:
    stream = EventStream()
    first = stream.attach()
    stream.send(b"a")
    stream.read(first, 0)
    stream.send(b"b")
    second = stream.attach()
    assert stream.read(first, 0) is None
    assert [data for _, data in stream.read(second, 0) or ()] == [b"b"]


@pytest.mark.parametrize(("after", "expected"), [(0, [b"a", b"b"]), (1, [b"b"]), (2, []), (99, [])])
def test_a_reader_may_name_the_event_it_has(after: int, expected: list[bytes]) -> None:
    stream = EventStream()
    stream.send(b"a")
    stream.send(b"b")
    stream.finish()
    assert read_all(stream, stream.attach(after)) == expected


def test_an_event_ahead_of_the_stream_does_not_hide_what_comes() -> None:
    stream = EventStream()
    reader = stream.attach(10**9)
    stream.send(b"a")
    assert [data for _, data in stream.read(reader, 0) or ()] == [b"a"]


def test_a_reader_that_left_does_not_detach_its_successor() -> None:
    stream = EventStream()
    first = stream.attach()
    second = stream.attach()
    stream.detach(first)
    stream.send(b"a")
    assert stream.read(second, 0)


def test_the_first_event_is_announced_once() -> None:
    stream = EventStream()
    announced = []
    stream.on_first_event = lambda: announced.append(1)
    stream.send(b"a")
    stream.send(b"b")
    assert announced == [1]
