"""Tasks, a clock and a connection for tests of the stores."""

import secrets
from typing import Any, Self

import redis
from redis.cluster import RedisCluster

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


class PlainLink:
    """A connection to Redis without any care."""

    def __init__(self, url: str, *, cluster: bool) -> None:
        self._client: Any = (RedisCluster if cluster else redis.Redis).from_url(url, decode_responses=True)

    def run(self, script: str, key: str, *values: str | int) -> Any:
        """Run a script on one key."""
        return self._client.execute_command("EVAL", script, 1, key, *values)

    def command(self, *words: str | int) -> Any:
        """Run one command."""
        return self._client.execute_command(*words)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


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
