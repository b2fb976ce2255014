"""A task as it is kept: an immutable record, replaced whole.

::

    working <--> input_required          completed, failed, cancelled: for good
       +-------------+------------------------^
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

EXTENSION: Final = "io.modelcontextprotocol/tasks"

TaskStatus = Literal["working", "input_required", "completed", "failed", "cancelled"]
TERMINAL: Final[frozenset[TaskStatus]] = frozenset(("completed", "failed", "cancelled"))


@dataclass(frozen=True, slots=True)
class Task:
    """One state of a task.

    Attributes:
        id: unguessable.
        subject, client_id: whose it is.
        process_id: where it runs.
        created_at_seconds, updated_at_seconds: since 1970.
        ttl_seconds: how long after its creation it is kept.
        message: what goes on, for people.
        input_requests: what the client is asked, by key: method and params.
        result: of the call; only when completed.
        error: a JSON-RPC error object; only when failed.
    """

    id: str
    subject: str
    client_id: str
    process_id: str
    created_at_seconds: float
    updated_at_seconds: float
    ttl_seconds: float
    status: TaskStatus = "working"
    message: str | None = None
    input_requests: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.status in TERMINAL

    @property
    def expires_at_seconds(self) -> float:
        """When it is forgotten."""
        return self.created_at_seconds + self.ttl_seconds
