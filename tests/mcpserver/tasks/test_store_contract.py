"""What every task store does: states are replaced one by one, and forgotten in time."""

from dataclasses import replace

import gevent
import pytest

from mcpserver.tasks.model import Task
from mcpserver.tasks.protocol import TaskStore, TooManyTasks
from tests.mcpserver.tasks.stores import MOST_PER_CALLER, TTL_SECONDS, Clock, a_task


def test_what_was_added_is_found_as_it_was(store: TaskStore, clock: Clock) -> None:
    task = replace(
        a_task(clock),
        status="input_required",
        message="Ünïcödé ☃",
        requests={"a-1": {"method": "elicitation/create", "params": {"message": "?"}}},
        answers={"b-2": {"action": "accept", "content": {"x": [1, None, 2.5]}}},
        scopes=frozenset({"mcp:tools", "snippets:read"}),
    )
    store.add(task)
    assert store.get(task.id) == task
    assert store.get("another") is None


def test_a_state_is_replaced_by_the_one_made_from_it(store: TaskStore, clock: Clock) -> None:
    task = a_task(clock)
    store.add(task)
    done = task.ended("completed", clock() + 1, result={"content": []})
    assert store.replace(done)
    assert store.get(task.id) == done


def test_a_state_that_another_came_before_is_not_kept(store: TaskStore, clock: Clock) -> None:
    task = a_task(clock)
    store.add(task)
    first, second = task.reported("first", clock()), task.reported("second", clock())
    assert store.replace(first)
    assert not store.replace(second)
    assert store.get(task.id) == first


def test_of_many_changes_at_once_one_is_kept(store: TaskStore, clock: Clock) -> None:
    task = a_task(clock)
    store.add(task)
    states = [task.reported(f"message {number}", clock()) for number in range(20)]
    attempts = [gevent.spawn(store.replace, each) for each in states]
    gevent.joinall(attempts, raise_error=True)
    (kept,) = [state for state, attempt in zip(states, attempts, strict=True) if attempt.value]
    assert store.get(task.id) == kept


def test_what_has_expired_is_gone_and_is_not_brought_back(store: TaskStore, clock: Clock) -> None:
    task = a_task(clock)
    store.add(task)
    clock.advance(TTL_SECONDS - 1)
    assert store.get(task.id) == task
    clock.advance(1)
    assert store.get(task.id) is None
    assert not store.replace(task.reported("late", clock()))
    assert store.get(task.id) is None


def test_what_was_never_added_cannot_be_replaced(store: TaskStore, clock: Clock) -> None:
    assert not store.replace(a_task(clock).reported("x", clock()))


def test_a_person_has_so_many_tasks_and_no_more_until_some_are_forgotten(
    store: TaskStore, clock: Clock
) -> None:
    for _ in range(MOST_PER_CALLER - 1):
        store.add(a_task(clock))
    over = a_task(clock)
    store.add(over)
    store.replace(over.ended("completed", clock(), result={}))
    with pytest.raises(TooManyTasks):
        store.add(a_task(clock, client_id="another client"))
    store.add(a_task(clock, subject="somebody else"))
    clock.advance(TTL_SECONDS)
    store.add(a_task(clock))


def test_the_limit_holds_against_many_at_once(store: TaskStore, clock: Clock) -> None:
    def add() -> Task | None:
        task = a_task(clock)
        try:
            store.add(task)
        except TooManyTasks:
            return None
        return task

    attempts = [gevent.spawn(add) for _ in range(3 * MOST_PER_CALLER)]
    gevent.joinall(attempts, raise_error=True)
    added = [attempt.value for attempt in attempts if attempt.value is not None]
    assert len(added) == MOST_PER_CALLER
    assert all(store.get(each.id) == each for each in added)
