"""Tasks that run in this process, and the way to those that run in others.

``protocol.contexts`` starts one when a function asks for it; ``protocol.task_methods`` reads, answers and
cancels them. Every change is published. Must not know what a task does, nor how a result is made.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import gevent
from gevent.event import Event

from mcpserver.changes.model import TaskChanged
from mcpserver.changes.protocol import Changes
from mcpserver.principal import Principal
from mcpserver.tasks.model import Task, TaskStatus
from mcpserver.tasks.protocol import Processes, TaskNotFound, TaskStore

# A result can be fetched for at least this long.
_KEPT_SECONDS: Final = 600.0
_LOST: Final = {"code": -32603, "message": "The server that ran this task has stopped"}
_EXPIRED: Final = {"code": -32603, "message": "The task took longer than it may"}


class RunningTask:
    """A task whose function runs in this process.

    Args:
        task: as it was added.
        save: keeps a new state.
        cancel: ends the function without waiting.
    """

    def __init__(self, task: Task, save: Callable[[Task], bool], cancel: Callable[[], object]) -> None:
        self.task = task
        self.cancel = cancel
        self._save = save
        self._asked = 0
        self._answers: dict[str, dict[str, Any]] = {}
        self._answered = Event()

    def report(self, message: str) -> None:
        """Say what goes on."""
        self._change(message=message)

    def ask(self, requests: Mapping[str, Mapping[str, Any]]) -> Mapping[str, dict[str, Any]]:
        """Ask the client and wait for all answers: the task is input_required until they are there.

        Args:
            requests: method and params by key.
        """
        # SEP-2663, "Task Update Requests": a key is never used twice in the life of a task.
        names = {}
        for key in requests:
            self._asked += 1
            names[f"{key}-{self._asked}"] = key
        self._answers.clear()
        self._answered.clear()
        outstanding = {name: requests[key] for name, key in names.items()}
        self._change(status="input_required", input_requests=outstanding)
        self._answered.wait()
        return {key: self._answers[name] for name, key in names.items()}

    def answer(self, responses: Mapping[str, Any]) -> None:
        """Take answers; what was not asked, or is no object, is ignored."""
        outstanding = dict(self.task.input_requests)
        taken = {k: v for k, v in responses.items() if k in outstanding and isinstance(v, dict)}
        if not taken:
            return
        self._answers.update(taken)
        left = {name: each for name, each in outstanding.items() if name not in taken}
        self._change(status="input_required" if left else "working", input_requests=left)
        if not left:
            self._answered.set()

    def end(
        self,
        status: TaskStatus,
        *,
        now: float,
        result: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep how it ended; what it ended with can be fetched for a while."""
        ttl = max(self.task.ttl_seconds, now - self.task.created_at_seconds + _KEPT_SECONDS)
        self._change(status=status, input_requests={}, result=result, error=error, ttl_seconds=ttl)

    def _change(self, **changes: Any) -> None:
        changed = replace(self.task, **changes)
        if self._save(changed):
            self.task = changed


class Tasks:
    """All tasks of this server.

    Args:
        store: keeps the records.
        processes: those that share it.
        changes: where changes are published.
        clock: seconds since 1970.
        ttl_seconds: how long a task may take and is kept.
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

    def start(self, principal: Principal, message: str | None, cancel: Callable[[], object]) -> RunningTask:
        """Make a task of what runs already; every process finds it from here on.

        Raises:
            TooManyTasks: the caller has too many.
        """
        now = self._clock()
        task = Task(
            id=secrets.token_urlsafe(24),
            subject=principal.subject,
            client_id=principal.client_id,
            process_id=self._processes.own_id,
            created_at_seconds=now,
            updated_at_seconds=now,
            ttl_seconds=self._ttl_seconds,
            message=message,
        )
        self._store.add(task)
        running = self._running[task.id] = RunningTask(task, self._save, cancel)
        gevent.spawn_later(self._ttl_seconds, self._expire, task.id)
        return running

    def finish(
        self,
        running: RunningTask,
        status: TaskStatus,
        *,
        result: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep how a task ended."""
        self._running.pop(running.task.id, None)
        running.end(status, now=self._clock(), result=result, error=error)

    def get(self, principal: Principal, task_id: str) -> Task:
        """Return the state of a caller's task; one whose process is gone has failed.

        Raises:
            TaskNotFound: see there.
        """
        task = self._store.get(task_id)
        # The client too: another application of the same person has nothing to do with it.
        if task is None or (task.subject, task.client_id) != (principal.subject, principal.client_id):
            raise TaskNotFound("Task not found")
        if not task.is_over and not self._processes.is_alive(task.process_id):
            task = replace(task, status="failed", input_requests={}, error=_LOST)
            self._save(task)
        return task

    def answer(self, principal: Principal, task_id: str, responses: Mapping[str, Any]) -> None:
        """Bring the client's answers to where the task runs.

        Raises:
            TaskNotFound: see there.
        """
        self._bring(self.get(principal, task_id), {"task": task_id, "responses": dict(responses)})

    def cancel(self, principal: Principal, task_id: str) -> None:
        """Ask a task to stop; one that is over stays as it is.

        Raises:
            TaskNotFound: see there.
        """
        self._bring(self.get(principal, task_id), {"task": task_id})

    def told(self, message: Mapping[str, Any]) -> None:
        """Act on what another process brings: answers, or without any a cancellation."""
        running = self._running.get(str(message.get("task")))
        if running is None:
            return
        responses = message.get("responses")
        if responses is None:
            running.cancel()
        else:
            running.answer(responses)

    def _bring(self, task: Task, message: dict[str, Any]) -> None:
        if task.is_over:
            return
        if task.process_id == self._processes.own_id:
            self.told(message)
        else:
            self._processes.tell(task.process_id, message)

    def _save(self, task: Task) -> bool:
        saved = self._store.replace(replace(task, updated_at_seconds=self._clock()))
        if saved:
            self._changes.publish(TaskChanged(task.id))
        return saved

    def _expire(self, task_id: str) -> None:
        running = self._running.get(task_id)
        if running is not None:
            self.finish(running, "failed", error=_EXPIRED)
            running.cancel()
