"""Tasks in this process: right for one worker; they end with it.

Made by ``app``. What has expired is forgotten when somebody adds a task, so that no timer is needed.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from mcpserver.tasks.model import Task
from mcpserver.tasks.protocol import TooManyTasks

MOST: Final = 10_000
_SWEPT_EVERY_SECONDS: Final = 10.0


class MemoryTaskStore:
    """A ``TaskStore``.

    Args:
        clock: seconds since 1970.
        most_per_caller: tasks of one person.
        most: tasks of all.
    """

    def __init__(self, clock: Callable[[], float], most_per_caller: int, most: int = MOST) -> None:
        self._clock = clock
        self._most_per_caller = most_per_caller
        self._most = most
        self._tasks: dict[str, Task] = {}
        self._per_person: Counter[str] = Counter()
        self._swept_at_seconds = clock()

    def add(self, task: Task) -> None:
        """See ``TaskStore``."""
        if self._is_full(task):
            self._sweep()
            if self._is_full(task):
                raise TooManyTasks("Too many tasks are kept")
        elif self._clock() - self._swept_at_seconds > _SWEPT_EVERY_SECONDS:
            self._sweep()
        self._tasks[task.id] = task
        self._per_person[task.subject] += 1

    def get(self, task_id: str) -> Task | None:
        """See ``TaskStore``."""
        task = self._tasks.get(task_id)
        return task if task is not None and task.expires_at_seconds > self._clock() else None

    def replace(self, task: Task) -> bool:
        """See ``TaskStore``."""
        current = self.get(task.id)
        if current is None or current.number != task.number - 1:
            return False
        self._tasks[task.id] = task
        return True

    def _is_full(self, task: Task) -> bool:
        return self._per_person[task.subject] >= self._most_per_caller or len(self._tasks) >= self._most

    def _sweep(self) -> None:
        now = self._swept_at_seconds = self._clock()
        for task in [each for each in self._tasks.values() if each.expires_at_seconds <= now]:
            del self._tasks[task.id]
            self._per_person[task.subject] -= 1
        self._per_person = +self._per_person


class OneProcess:
    """``Processes`` where there is only this one."""

    own_id: Final = "this"

    def is_alive(self, process_id: str) -> bool:
        """See ``Processes``."""
        return process_id == self.own_id
