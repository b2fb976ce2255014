"""Tasks that run in one process while others are asked about them; stores that are away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gevent
import pytest
from gevent.event import Event

from mcpserver.changes.memory import MemoryChanges
from mcpserver.changes.model import TaskChanged
from mcpserver.principal import Principal
from mcpserver.tasks.model import Task
from mcpserver.tasks.protocol import TaskNotFound, TaskStore, TasksUnavailable
from mcpserver.tasks.running import RunningTask, Tasks
from tests.mcpserver.tasks.stores import TTL_SECONDS, Clock
from tests.support.waiting import wait_until

ALICE = Principal("tenant.alice", "tenant", "alice", "client-1", frozenset(), 0, "s", (), "t", "k")


@dataclass
class Process:
    """One of those that share a store."""

    own_id: str
    dead: set[str]

    def is_alive(self, process_id: str) -> bool:
        """Say whether nobody ended it."""
        return process_id not in self.dead


@dataclass
class FailingStore:
    """A store that can be away; what it was asked then did not happen."""

    store: TaskStore
    is_away: bool = False
    loses_answers: bool = False
    refused: int = 0
    users: int = 0

    def add(self, task: Task) -> None:
        """See ``TaskStore``."""
        with self._use():
            self.store.add(task)

    def get(self, task_id: str) -> Task | None:
        """See ``TaskStore``."""
        with self._use():
            return self.store.get(task_id)

    def replace(self, task: Task) -> bool:
        """See ``TaskStore``."""
        with self._use():
            is_kept = self.store.replace(task)
        if self.loses_answers:
            self.loses_answers = False
            raise TasksUnavailable("no answer")
        return is_kept

    @contextmanager
    def _use(self) -> Iterator[None]:
        if self.is_away:
            self.refused += 1
            raise TasksUnavailable("away")
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1


@dataclass
class Pods:
    """Two processes with one store and what they tell each other."""

    store: FailingStore
    dead: set[str] = field(default_factory=set)
    changes: MemoryChanges = field(default_factory=MemoryChanges)
    cancelled: Event = field(default_factory=Event)

    def pod(self, name: str, clock: Clock) -> Tasks:
        """Return the tasks as a process sees them."""
        return Tasks(self.store, Process(name, self.dead), self.changes, clock, ttl_seconds=TTL_SECONDS)

    def start(self, tasks: Tasks) -> RunningTask:
        """Start a task whose function only waits."""
        return tasks.start(ALICE, frozenset(), None, self.cancelled.set)


@pytest.fixture
def pods(store: TaskStore) -> Iterator[Pods]:
    pods = Pods(FailingStore(store))
    yield pods
    gevent.sleep(0)
    wait_until(lambda: not pods.store.users, "nobody looks any more")


@contextmanager
def asking(task: RunningTask, *keys: str) -> Iterator["gevent.Greenlet[..., Any]"]:
    """Let a task ask, and give what it will be answered."""
    requests = {key: {"method": "elicitation/create", "params": {}} for key in keys}
    greenlet = gevent.spawn(task.ask, requests)
    yield greenlet
    greenlet.kill()


def questions(tasks: Tasks, task: RunningTask, number: int) -> list[str]:
    """Return the keys of what a task asks, once it asks so many."""

    def keys() -> list[str]:
        asked = sorted(tasks.get(ALICE, task.task_id).requests)
        return asked if len(asked) == number else []

    return wait_until(keys, f"{number} questions")


def test_answers_reach_a_task_from_another_process(pods: Pods, clock: Clock) -> None:
    here, there = pods.pod("here", clock), pods.pod("there", clock)
    running = pods.start(here)
    with asking(running, "a", "b") as asked:
        first, second = questions(there, running, 2)
        assert there.get(ALICE, running.task_id).status == "input_required"
        there.answer(running.task_id, {first: {"n": 1}})
        gevent.sleep(0)
        assert not asked.ready()
        there.answer(running.task_id, {second: {"n": 2}})
        assert asked.get(timeout=10) == {"a": {"n": 1}, "b": {"n": 2}}
    assert there.get(ALICE, running.task_id).status == "working"


def test_two_questions_at_once_get_their_own_answers(pods: Pods, clock: Clock) -> None:
    here, there = pods.pod("here", clock), pods.pod("there", clock)
    running = pods.start(here)
    with asking(running, "q") as one, asking(running, "q") as two:
        first, second = questions(there, running, 2)
        there.answer(running.task_id, {second: {"n": 2}})
        assert two.get(timeout=10) == {"q": {"n": 2}}
        assert not one.ready()
        there.answer(running.task_id, {first: {"n": 1}})
        assert one.get(timeout=10) == {"q": {"n": 1}}


def test_a_cancellation_stops_a_task_in_another_process(pods: Pods, clock: Clock) -> None:
    here, there = pods.pod("here", clock), pods.pod("there", clock)
    running = pods.start(here)
    there.cancel(running.task_id)
    assert there.get(ALICE, running.task_id).status == "cancelled"
    assert pods.cancelled.wait(10)
    # What the function made of it comes too late.
    here.finish(running.task_id, "completed", result={})
    assert there.get(ALICE, running.task_id).status == "cancelled"


def test_a_task_whose_process_died_has_failed(pods: Pods, clock: Clock) -> None:
    here, there = pods.pod("here", clock), pods.pod("there", clock)
    running = pods.start(here)
    over = pods.start(here)
    here.finish(over.task_id, "completed", result={"content": []})
    assert there.get(ALICE, running.task_id).status == "working"
    pods.dead.add("here")
    lost = there.get(ALICE, running.task_id)
    assert lost.status == "failed"
    assert lost.error == {"code": -32603, "message": "The server process that ran this task is gone"}
    assert there.get(ALICE, over.task_id).status == "completed"


def test_a_process_that_only_seemed_dead_stops_what_was_given_up(pods: Pods, clock: Clock) -> None:
    here, there = pods.pod("here", clock), pods.pod("there", clock)
    running = pods.start(here)
    pods.dead.add("here")
    there.get(ALICE, running.task_id)
    pods.dead.clear()
    assert pods.cancelled.wait(10)
    assert here.get(ALICE, running.task_id).status == "failed"


def test_a_result_waits_for_a_store_that_is_away(pods: Pods, clock: Clock) -> None:
    here = pods.pod("here", clock)
    running = pods.start(here)
    pods.store.is_away = True
    finishing = gevent.spawn(here.finish, running.task_id, "completed", result={"content": []})
    wait_until(lambda: pods.store.refused > 0, "it is tried")
    assert not finishing.ready()
    assert here.is_busy()
    pods.store.is_away = False
    finishing.get(timeout=10)
    assert not here.is_busy()
    assert here.get(ALICE, running.task_id).status == "completed"


def test_a_result_that_was_kept_without_an_answer_is_told(pods: Pods, clock: Clock) -> None:
    here = pods.pod("here", clock)
    running = pods.start(here)
    told = []
    pods.changes.watch(lambda _position, change: told.append(change))
    pods.store.loses_answers = True
    here.finish(running.task_id, "completed", result={"content": []})
    assert here.get(ALICE, running.task_id).status == "completed"
    assert told == [TaskChanged(running.task_id)]


def test_a_task_that_waits_for_answers_outlives_a_store_that_is_away(pods: Pods, clock: Clock) -> None:
    here, there = pods.pod("here", clock), pods.pod("there", clock)
    running = pods.start(here)
    with asking(running, "a") as asked:
        (key,) = questions(there, running, 1)
        pods.store.is_away = True
        with pytest.raises(TasksUnavailable):
            there.answer(running.task_id, {key: {"n": 1}})
        running.wake()
        wait_until(lambda: pods.store.refused > 1, "the task looks")
        pods.store.is_away = False
        there.answer(running.task_id, {key: {"n": 1}})
        assert asked.get(timeout=10) == {"a": {"n": 1}}


def test_a_report_that_cannot_be_kept_is_left_out(pods: Pods, clock: Clock) -> None:
    here = pods.pod("here", clock)
    running = pods.start(here)
    clock.advance(2)
    pods.store.is_away = True
    running.report("unheard")
    pods.store.is_away = False
    clock.advance(2)
    running.report("heard \ud800" + "x" * 2000)
    message = here.get(ALICE, running.task_id).message
    assert message is not None
    assert message.startswith("heard ?x")
    assert len(message) == 1000


def test_a_task_is_its_clients_alone(pods: Pods, clock: Clock) -> None:
    here = pods.pod("here", clock)
    running = pods.start(here)
    for stranger in (
        Principal("tenant.bob", "tenant", "bob", "client-1", frozenset(), 0, "s", (), "t", "k"),
        Principal("tenant.alice", "tenant", "alice", "client-2", frozenset(), 0, "s", (), "t", "k"),
    ):
        with pytest.raises(TaskNotFound):
            here.get(stranger, running.task_id)
