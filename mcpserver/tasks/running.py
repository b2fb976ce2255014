"""Tasks that run in this process, and what any process may ask about every task.

``protocol.call_tasks`` starts one for a call, ``protocol.task_methods`` reads, answers and cancels them. All
of it goes through the store, and every change is published: that is how the process where a task runs hears
of answers and cancellation, and how listeners hear of everything. Must not know how a result is made.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

import gevent
from gevent import Greenlet
from gevent.event import Event

from mcpserver import metrics
from mcpserver.changes.model import Change, TaskChanged
from mcpserver.changes.protocol import Changes
from mcpserver.principal import Principal
from mcpserver.tasks.model import FinalStatus, Task
from mcpserver.tasks.protocol import Processes, TaskNotFound, TaskStore, TasksUnavailable

INTERNAL_ERROR: Final = -32603
_LOST: Final = {"code": INTERNAL_ERROR, "message": "The server process that ran this task is gone"}
_OVERDUE: Final = {"code": INTERNAL_ERROR, "message": "The task took longer than it may"}
_REPORTED_EVERY_SECONDS: Final = 1.0
_TRIED_AGAIN_AFTER_SECONDS: Final = 1.0
# A task that waits for answers looks by itself after this, should word of a change have been lost.
_LOOKS_EVERY_SECONDS: Final = 15.0
_MOST_CHARACTERS: Final = 1000
_log = logging.getLogger(__name__)


class Tasks:
    """All tasks of this server.

    Args:
        store: keeps them.
        processes: those that share it.
        changes: where changes are published, and heard of.
        clock: seconds since 1970.
        ttl_seconds: how long a task is kept; it may run for half of that.
    """

    def __init__(
        self,
        store: TaskStore,
        processes: Processes,
        changes: Changes,
        clock: Callable[[], float],
        *,
        ttl_seconds: float,
    ) -> None:
        self._store = store
        self._processes = processes
        self._changes = changes
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._running: dict[str, RunningTask] = {}
        self._finishing = 0
        changes.watch(self._hear)

    def start(
        self,
        principal: Principal,
        scopes: frozenset[str],
        message: str | None,
        cancel: Callable[[], object],
    ) -> "RunningTask":
        """Make a task of what runs already; every process finds it from here on.

        Args:
            principal: whose it is.
            scopes: what its tool needs.
            message: what goes on, for people.
            cancel: ends the function, without waiting.

        Raises:
            TooManyTasks: the caller has too many.
            TasksUnavailable: it could not be kept.
        """
        now = self._clock()
        task = Task(
            id=secrets.token_urlsafe(24),
            subject=principal.subject,
            client_id=principal.client_id,
            scopes=scopes,
            process_id=self._processes.own_id,
            created_at_seconds=now,
            updated_at_seconds=now,
            expires_at_seconds=now + self._ttl_seconds,
            message=_words(message) if message is not None else None,
        )
        self._store.add(task)
        overdue = gevent.spawn_later(self._ttl_seconds / 2, self._end_overdue, task.id)
        running = RunningTask(task, self, cancel, overdue)
        self._running[task.id] = running
        metrics.tasks(len(self._running))
        return running

    def get(self, principal: Principal, task_id: str) -> Task:
        """Return the state of a caller's task; one whose process is gone has failed.

        Raises:
            TaskNotFound: see there.
            TasksUnavailable: see there.
        """
        task = self._store.get(task_id)
        # The client too: another application of the same person has nothing to do with it.
        if task is None or (task.subject, task.client_id) != (principal.subject, principal.client_id):
            raise TaskNotFound("Task not found")
        if not task.is_over and not self._processes.is_alive(task.process_id):
            task = self.change(task_id, lambda each: each.ended("failed", self._clock(), error=_LOST)) or task
        return task

    def answer(self, task_id: str, responses: Mapping[str, Any]) -> None:
        """Keep a client's answers, and let the task go on with them.

        Raises:
            TasksUnavailable: see there.
        """
        self.change(task_id, lambda task: task.answered(responses, self._clock()))

    def cancel(self, task_id: str) -> None:
        """End a task; one that is over stays as it is.

        Raises:
            TasksUnavailable: see there.
        """
        self.change(task_id, lambda task: task.ended("cancelled", self._clock()))

    def finish(
        self,
        task_id: str,
        status: FinalStatus,
        *,
        result: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep how a task ended whose function is over; waits until the store takes it."""
        running = self._running.pop(task_id, None)
        metrics.tasks(len(self._running))
        if running is not None:
            running.over()
        self._finishing += 1
        try:
            self._insist(task_id, lambda task: task.ended(status, self._clock(), result=result, error=error))
        finally:
            self._finishing -= 1

    def is_busy(self) -> bool:
        """Say whether tasks run in this process, or how they ended is not kept yet."""
        return bool(self._running or self._finishing)

    def change(self, task_id: str, made_of: Callable[[Task], Task]) -> Task | None:
        """Replace a state by what is made of it, and say so to everybody; None: the task is forgotten.

        Raises:
            TasksUnavailable: see there.
        """
        while (task := self._store.get(task_id)) is not None:
            changed = made_of(task)
            if changed is task:
                return task
            try:
                is_kept = self._store.replace(changed)
            except TasksUnavailable:
                # Perhaps it was kept: whoever listens looks for itself.
                self._changes.publish(TaskChanged(task_id))
                raise
            if is_kept:
                self._changes.publish(TaskChanged(task_id))
                return changed
        return None

    def read(self, task_id: str) -> Task | None:
        """Return the state of a task, whoever's it is.

        Raises:
            TasksUnavailable: see there.
        """
        return self._store.get(task_id)

    def now(self) -> float:
        """Return the time."""
        return self._clock()

    def _insist(self, task_id: str, made_of: Callable[[Task], Task]) -> None:
        give_up_at_seconds = self._clock() + self._ttl_seconds
        while self._clock() < give_up_at_seconds:
            try:
                self.change(task_id, made_of)
                return
            except TasksUnavailable as error:
                _log.warning(
                    "a task's end is not kept yet: %s", error, extra={"detail": error.private_detail}
                )
                gevent.sleep(_TRIED_AGAIN_AFTER_SECONDS)

    def _hear(self, _position: str, change: Change) -> None:
        if isinstance(change, TaskChanged) and (running := self._running.get(change.task_id)) is not None:
            running.wake()
            gevent.spawn(self._look, running)

    def _look(self, running: "RunningTask") -> None:
        """Stop a function whose task is over."""
        while running.task_id in self._running:
            try:
                task = self._store.get(running.task_id)
            except TasksUnavailable:
                gevent.sleep(_TRIED_AGAIN_AFTER_SECONDS)
                continue
            if task is None or task.is_over:
                running.cancel()
            return

    def _end_overdue(self, task_id: str) -> None:
        # The function is stopped by what follows: it hears that its task is over.
        self._insist(task_id, lambda task: task.ended("failed", self._clock(), error=_OVERDUE))


class RunningTask:
    """A task whose function runs in this process.

    Args:
        task: as it was added.
        tasks: where it is kept.
        cancel: ends the function, without waiting.
        overdue: what ends it when it takes too long.
    """

    def __init__(
        self, task: Task, tasks: Tasks, cancel: Callable[[], object], overdue: "Greenlet[..., None]"
    ) -> None:
        self.first_state = task
        self.task_id = task.id
        self.cancel = cancel
        self._tasks = tasks
        self._overdue = overdue
        self._asked = 0
        self._read: set[str] = set()
        self._news = Event()
        self._reported_at_seconds = task.created_at_seconds

    def report(self, message: str) -> None:
        """Say what goes on; what follows too closely is left out."""
        now = self._tasks.now()
        if 0 <= now - self._reported_at_seconds < _REPORTED_EVERY_SECONDS:
            return
        self._reported_at_seconds = now
        try:
            self._tasks.change(self.task_id, lambda task: task.reported(_words(message), now))
        except TasksUnavailable:
            _log.info("a report was left out")

    def ask(self, requests: Mapping[str, Mapping[str, Any]]) -> Mapping[str, dict[str, Any]]:
        """Ask the client and wait for all answers: the task is input_required until they are there.

        Args:
            requests: method and params by key.

        Raises:
            TasksUnavailable: the questions could not be kept.
        """
        # SEP-2663, "Task Update Requests": a key is never used twice in the life of a task.
        names = {f"{key}-{self._asked + place}": key for place, key in enumerate(requests, 1)}
        self._asked += len(names)
        asked = {name: requests[key] for name, key in names.items()}
        read = frozenset(self._read)
        self._tasks.change(self.task_id, lambda task: task.asked(asked, self._tasks.now(), read=read))
        answers = self._answers_to(frozenset(names))
        self._read.update(names)
        return {key: answers[name] for name, key in names.items()}

    def _answers_to(self, names: frozenset[str]) -> Mapping[str, Any]:
        while True:
            news = self._news
            try:
                task = self._tasks.read(self.task_id)
            except TasksUnavailable:
                gevent.sleep(_TRIED_AGAIN_AFTER_SECONDS)
                continue
            if task is not None and names <= task.answers.keys():
                return task.answers
            news.wait(_LOOKS_EVERY_SECONDS)

    def wake(self) -> None:
        """Make it look for answers."""
        news, self._news = self._news, Event()
        news.set()

    def over(self) -> None:
        """Its function has ended."""
        self._overdue.kill(block=False)


def _words(message: str) -> str:
    """Return what of a message can be kept and sent."""
    return message[:_MOST_CHARACTERS].encode(errors="replace").decode()
