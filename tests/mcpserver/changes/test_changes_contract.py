"""What changed is kept in order for a while, and told to whoever watches."""

import logging

import pytest

from mcpserver.changes.memory import KEPT
from mcpserver.changes.model import Change, ListChanged, ResourceUpdated, TaskChanged
from mcpserver.changes.protocol import Changes

TOOLS = ListChanged("tools", None)
PROMPTS = ListChanged("prompts", "alice")
UPDATED = ResourceUpdated("test://one", "alice")
Heard = list[tuple[str, Change]]


def hear(changes: Changes) -> Heard:
    """Watch, and return the list that fills."""
    heard: Heard = []
    changes.watch(lambda position, change: heard.append((position, change)))
    return heard


def test_whoever_watches_is_told_of_each_change_in_order(changes: Changes) -> None:
    first, second = hear(changes), hear(changes)
    for change in (TOOLS, UPDATED, TOOLS, TaskChanged("t")):
        changes.publish(change)
    assert [change for _, change in first] == [TOOLS, UPDATED, TOOLS, TaskChanged("t")]
    assert first == second


def test_who_watches_no_more_is_told_nothing(changes: Changes) -> None:
    heard: Heard = []
    unwatch = changes.watch(lambda position, change: heard.append((position, change)))
    unwatch()
    unwatch()
    changes.publish(TOOLS)
    assert heard == []


def test_the_same_callback_may_watch_twice(changes: Changes) -> None:
    heard: Heard = []

    def callback(position: str, change: Change) -> None:
        heard.append((position, change))

    changes.watch(callback)
    changes.watch(callback)()
    changes.publish(TOOLS)
    assert len(heard) == 1


def test_the_changes_after_a_position_are_remembered(changes: Changes) -> None:
    heard = hear(changes)
    start = changes.position()
    assert changes.since(start) == []
    changes.publish(TOOLS)
    middle = changes.position()
    changes.publish(PROMPTS)
    changes.publish(UPDATED)
    assert changes.since(start) == heard
    assert changes.since(middle) == heard[1:]
    assert [position for position, _ in heard][-1] == changes.position()
    assert changes.since(changes.position()) == []


def test_what_is_remembered_no_more_is_not_passed_off_as_nothing(changes: Changes) -> None:
    start = changes.position()
    changes.publish(TOOLS)
    second = changes.position()
    for _ in range(KEPT):
        changes.publish(UPDATED)
    assert changes.since(start) is None
    assert len(changes.since(second) or ()) == KEPT


@pytest.mark.parametrize("position", ["", "nowhere", "-1", "99999999"])
def test_a_position_that_was_never_there_is_not_remembered(changes: Changes, position: str) -> None:
    changes.publish(TOOLS)
    assert changes.since(position) is None


def test_a_watcher_that_fails_keeps_nobody_from_hearing(
    changes: Changes, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_position: str, _change: Change) -> None:
        raise RuntimeError("broken")

    changes.watch(fail)
    heard = hear(changes)
    with caplog.at_level(logging.ERROR):
        changes.publish(TOOLS)
    assert [change for _, change in heard] == [TOOLS]
    assert "a listener failed" in caplog.text


def test_a_watcher_may_leave_and_publish_while_it_is_told(changes: Changes) -> None:
    heard: Heard = []

    def once(position: str, change: Change) -> None:
        heard.append((position, change))
        unwatch()
        changes.publish(UPDATED)

    start = changes.position()
    unwatch = changes.watch(once)
    others = hear(changes)
    changes.publish(TOOLS)
    assert [change for _, change in heard] == [TOOLS]
    assert sorted(others) == list(changes.since(start) or ())
    assert [change for _, change in sorted(others)] == [TOOLS, UPDATED]
