"""Tasks and a clock for tests of the stores."""

import secrets
from typing import Any

from mcpserver.tasks.model import Task

TTL_SECONDS = 100.0
MOST_PER_CALLER = 5


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def a_task(clock: Clock, **members: Any) -> Task:
    """Return a task that has just begun."""
    usual = {
        "id": secrets.token_urlsafe(24),
        "subject": "tenant.alice",
        "client_id": "client-1",
        "scopes": frozenset({"mcp:tools"}),
        "process_id": "a process",
        "created_at_seconds": clock(),
        "updated_at_seconds": clock(),
        "expires_at_seconds": clock() + TTL_SECONDS,
    }
    return Task(**(usual | members))
