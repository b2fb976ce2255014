"""What ``running`` asks of whoever keeps the tasks, and of the processes that share them."""

from typing import Protocol

from mcpserver.errors import McpServerError
from mcpserver.tasks.model import Task


class TaskNotFound(McpServerError):
    """There is no such task for this caller: never was, forgotten, or somebody else's."""


class TooManyTasks(McpServerError):
    """No further task can be kept for this caller."""


class TasksUnavailable(McpServerError):
    """The store does not answer; whether it did what it was asked is not known."""


class TaskStore(Protocol):
    """Keeps the latest state of each task until it expires. Verbs are atomic, and what they acknowledged is
    found by every process; each may raise TasksUnavailable.
    """

    def add(self, task: Task) -> None:
        """Keep a new task.

        Raises:
            TooManyTasks: its owner has too many that are kept.
        """

    def get(self, task_id: str) -> Task | None:
        """Return the latest state of a task that has not expired."""

    def replace(self, task: Task) -> bool:
        """Keep a state if the latest is the one it was made from; say whether it was kept."""


class Processes(Protocol):
    """The processes that share a store."""

    @property
    def own_id(self) -> str:
        """Names this one."""

    def is_alive(self, process_id: str) -> bool:
        """Say whether a process runs, as far as is known."""
