"""A teller sends what is due as fast as its listener reads, and each thing once while it waits."""

from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event

from mcpserver.errors import Unavailable
from mcpserver.transports.teller import Teller


class Listener:
    """Reads while it is let."""

    def __init__(self) -> None:
        self.reads = Event()
        self.reads.set()
        self.heard: list[bytes] = []
        self.told: list[str] = []

    def send(self, notification: bytes) -> None:
        """Take a notification."""
        self.reads.wait()
        self.heard.append(notification)


def made(listener: Listener) -> Teller:
    teller = Teller(listener.send, listener.told.append)
    teller.begin()
    return teller


def settle(condition: Callable[[], bool]) -> None:
    """Give greenlets their turns until something is so."""
    for _ in range(100):
        if condition():
            return
        gevent.sleep(0)
    raise AssertionError("it did not come true")


def test_what_is_noted_is_sent_in_order() -> None:
    listener = Listener()
    teller = made(listener)
    for number in range(5):
        teller.note(str(number), b"%d" % number)
    assert listener.heard == [], "whoever notes does not wait for the listener"
    settle(lambda: not teller.is_behind)
    assert listener.heard == [b"0", b"1", b"2", b"3", b"4"]
    assert listener.told == ["0", "1", "2", "3", "4"]


def test_what_is_due_already_is_sent_once_and_what_changes_while_it_is_sent_again() -> None:
    listener = Listener()
    listener.reads.clear()
    teller = made(listener)
    teller.note("1", b"a")
    gevent.sleep(0)
    for position in range(2, 1000):
        teller.note(str(position), b"a")
        teller.note(str(position), b"b")
    assert teller.is_behind
    listener.reads.set()
    settle(lambda: not teller.is_behind)
    assert listener.heard == [b"a", b"a", b"b"]
    assert listener.told == ["1", "2", "2"], "no position is told before all up to it is"


def test_what_was_missed_comes_first_and_is_not_repeated() -> None:
    listener = Listener()
    teller = Teller(listener.send, listener.told.append)
    teller.note("8", b"live")
    teller.note("9", b"both")
    gevent.sleep(0)
    assert listener.heard == []
    teller.begin([("1", b"missed"), ("2", b"both")])
    settle(lambda: not teller.is_behind)
    assert listener.heard == [b"missed", b"both", b"live"]
    assert listener.told == ["1", "2", "8"]


def test_what_cannot_be_sent_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcpserver.transports.teller._TRIED_AGAIN_AFTER_SECONDS", 0)
    listener = Listener()
    failures = [Unavailable("away", "for a while", retry_after_seconds=1)] * 2

    def send(notification: bytes) -> None:
        if failures:
            raise failures.pop()
        listener.send(notification)

    teller = Teller(send, listener.told.append)
    teller.begin([("1", b"a"), ("2", b"b")])
    settle(lambda: not teller.is_behind)
    assert (listener.heard, listener.told) == ([b"a", b"b"], ["1", "2"])


def test_nothing_is_sent_after_the_end_and_what_was_not_sent_is_known() -> None:
    listener = Listener()
    listener.reads.clear()
    teller = made(listener)
    teller.note("1", b"a")
    gevent.sleep(0)
    teller.end()
    teller.note("2", b"b")
    listener.reads.set()
    gevent.sleep(0)
    gevent.sleep(0)
    assert (listener.heard, listener.told) == ([], [])
    assert teller.is_behind


def test_there_is_no_greenlet_while_nothing_is_due() -> None:
    listener = Listener()
    teller = made(listener)
    for _ in range(3):
        teller.note("1", b"a")
        settle(lambda: not teller.is_behind)
        assert teller._greenlet is None or teller._greenlet.dead
    assert listener.heard == [b"a"] * 3
