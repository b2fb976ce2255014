"""The states of a task and how they follow each other."""

import pytest

from mcpserver.tasks.model import FinalStatus, Task
from tests.mcpserver.tasks.stores import Clock, a_task

QUESTION = {"method": "elicitation/create", "params": {}}


@pytest.fixture
def task() -> Task:
    return a_task(Clock())


def test_a_task_that_asks_waits_until_all_is_answered(task: Task) -> None:
    asked = task.asked({"a": QUESTION, "b": QUESTION}, 1, read=())
    assert asked.status == "input_required"
    half = asked.answered({"a": {"n": 1}, "never asked": {}}, 2)
    assert (half.status, half.requests, half.answers) == ("input_required", {"b": QUESTION}, {"a": {"n": 1}})
    whole = half.answered({"b": {"n": 2}, "a": {"n": 3}}, 3)
    assert (whole.status, whole.requests) == ("working", {})
    assert whole.answers == {"a": {"n": 1}, "b": {"n": 2}}


def test_answers_are_kept_until_the_task_asks_after_it_read_them(task: Task) -> None:
    answered = task.asked({"a": QUESTION, "b": QUESTION}, 1, read=()).answered({"a": {}, "b": {}}, 2)
    assert answered.asked({"c": QUESTION}, 3, read=("a",)).answers.keys() == {"b"}


def test_two_that_ask_at_once_wait_for_both(task: Task) -> None:
    both = task.asked({"a": QUESTION}, 1, read=()).asked({"b": QUESTION}, 2, read=())
    assert both.requests.keys() == {"a", "b"}
    assert both.answered({"a": {}}, 3).status == "input_required"


def test_what_changes_nothing_is_the_same_state(task: Task) -> None:
    assert task.answered({"a": {}}, 1) is task
    said = task.reported("x", 1)
    assert said.reported("x", 2) is said


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_what_is_over_stays_as_it_is(task: Task, status: FinalStatus) -> None:
    over = task.asked({"a": QUESTION}, 1, read=()).ended(status, 2, error={"code": 1, "message": "m"})
    assert over.requests == {}
    assert over.answered({"a": {}}, 3) is over
    assert over.asked({"b": QUESTION}, 3, read=()) is over
    assert over.reported("x", 3) is over
    assert over.ended("completed", 3, result={}) is over


def test_each_state_has_the_next_number_and_no_earlier_time(task: Task) -> None:
    later = task.reported("x", task.updated_at_seconds + 5)
    assert later.number == task.number + 1
    # The clock was set back.
    again = later.reported("y", task.created_at_seconds)
    assert again.updated_at_seconds == later.updated_at_seconds
