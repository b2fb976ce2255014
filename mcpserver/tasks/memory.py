"""Tasks in this process: right for one worker; they end with it."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from mcpserver.tasks.model import Task
from mcpserver.tasks.protocol import TooManyTasks


class MemoryTaskStore:
    """Args: clock: seconds since 1970; most_per_caller: see the settings."""

    def __init__(self, clock: Callable[[], float], most_per_caller: int) -> None:
        self._clock = clock
        self._most_per_caller = most_per_caller
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._per_person: Counter[str] = Counter()

    def add(self, task: Task) -> None:
        """See ``TaskStore``."""
        self._forget_expired()
        if self._per_person[task.subject] >= self._most_per_caller:
            raise TooManyTasks("Too many of your tasks are kept")
        self._tasks[task.id] = task
        self._per_person[task.subject] += 1

    def get(self, task_id: str) -> Task | None:
        """See ``TaskStore``."""
        task = self._tasks.get(task_id)
        return task if task is not None and task.expires_at_seconds > self._clock() else None

    def replace(self, task: Task) -> bool:
        """See ``TaskStore``."""
        current = self.get(task.id)
        if current is None or current.is_over:
            return False
        self._tasks[task.id] = task
        return True

    def _forget_expired(self) -> None:
        now = self._clock()
        for task in [each for each in self._tasks.values() if each.expires_at_seconds <= now]:
            del self._tasks[task.id]
            self._per_person[task.subject] -= 1
            if not self._per_person[task.subject]:
                del self._per_person[task.subject]


class OneProcess:
    """``Processes`` where there is only this one."""

    own_id = "this"

    def is_alive(self, process_id: str) -> bool:
        """See ``Processes``."""
        return process_id == self.own_id

    def tell(self, process_id: str, _message: dict[str, Any]) -> None:
        """See ``Processes``: there is nobody to tell."""
        raise LookupError(process_id)
