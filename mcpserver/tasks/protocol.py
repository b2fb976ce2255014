"""What ``running`` asks of whoever keeps the tasks' records, and of the way to other processes."""

from typing import Any, Protocol

from mcpserver.errors import McpServerError
from mcpserver.tasks.model import Task


class TaskNotFound(McpServerError):
    """There is no such task for this caller: never was, forgotten, or somebody else's."""


class TooManyTasks(McpServerError):
    """This caller has as many tasks as one may have."""


class TaskStore(Protocol):
    """Keeps records until they expire. Verbs are atomic; what ``add`` acknowledged, every process finds."""

    def add(self, task: Task) -> None:
        """Keep a new task.

        Raises:
            TooManyTasks: its owner has too many that are not forgotten.
        """

    def get(self, task_id: str) -> Task | None:
        """Return the latest state of a task that has not expired."""

    def replace(self, task: Task) -> bool:
        """Keep a new state, unless the task is over or gone already; say whether it was kept."""


class Processes(Protocol):
    """The processes that share a store."""

    @property
    def own_id(self) -> str:
        """Names this one."""

    def is_alive(self, process_id: str) -> bool:
        """Say whether a process still runs."""

    def tell(self, process_id: str, message: dict[str, Any]) -> None:
        """Bring a message to another process."""
