"""Tasks in Redis: every process that shares it finds them.

Made by ``app``. Must not connect by itself: it is given a link. All keys below one prefix, the hash tag in
braces (a script touches the keys of one tag only, so that it works on a Cluster)::

    {task:<hash of id>}      hash    number, state (JSON), expires_at
    {tasks:<hash of sub>}    zset    ids of a person's tasks by expiry

What expires carries PX, by which Redis forgets it, and ``expires_at`` by the server's clock, by which it is
absent.
"""

from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from math import ceil
from typing import Any, Final

import orjson

from mcpserver.redis_link import PREFIX, RedisLink, RedisUnavailable
from mcpserver.tasks.model import Task
from mcpserver.tasks.protocol import TasksUnavailable, TooManyTasks

# KEYS: of a person. ARGV: now, most, id, expires_at, px.
_COUNT: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return 1
"""
# KEYS: of a task. ARGV: number, state, expires_at, px.
_ADD: Final = """
redis.call('HSET', KEYS[1], 'number', ARGV[1], 'state', ARGV[2], 'expires_at', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
# KEYS: of a task. ARGV: number, state, now.
_REPLACE: Final = """
local kept = redis.call('HMGET', KEYS[1], 'number', 'expires_at')
if not kept[1] or tonumber(kept[1]) ~= tonumber(ARGV[1]) - 1 then return 0 end
if tonumber(kept[2]) <= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'number', ARGV[1], 'state', ARGV[2])
return 1
"""


class RedisTaskStore:
    """A ``TaskStore``.

    Args:
        link: to Redis.
        clock: seconds since 1970.
        most_per_caller: tasks of one person.
    """

    def __init__(self, link: RedisLink, clock: Callable[[], float], most_per_caller: int) -> None:
        self._link = link
        self._clock = clock
        self._most_per_caller = most_per_caller

    def add(self, task: Task) -> None:
        """See ``TaskStore``."""
        now = self._clock()
        px = ceil((task.expires_at_seconds - now) * 1000)
        expires_at = repr(task.expires_at_seconds)
        counted = self._run(
            _COUNT, _key_of_person(task.subject), repr(now), self._most_per_caller, task.id, expires_at, px
        )
        if not counted:
            raise TooManyTasks("Too many tasks are kept")
        self._run(_ADD, _key(task.id), task.number, _written(task), expires_at, px)

    def get(self, task_id: str) -> Task | None:
        """See ``TaskStore``."""
        try:
            state = self._link.command("HGET", _key(task_id), "state")
        except RedisUnavailable as error:
            raise _unavailable(error) from error
        if state is None:
            return None
        task = _read(state)
        return task if task.expires_at_seconds > self._clock() else None

    def replace(self, task: Task) -> bool:
        """See ``TaskStore``."""
        now = repr(self._clock())
        return bool(self._run(_REPLACE, _key(task.id), task.number, _written(task), now))

    def _run(self, script: str, key: str, *values: str | int) -> Any:
        try:
            return self._link.run(script, key, *values)
        except RedisUnavailable as error:
            raise _unavailable(error) from error


def _key(task_id: str) -> str:
    # Ids that come from clients may be anything.
    return f"{PREFIX}{{task:{sha256(task_id.encode(errors='replace')).hexdigest()}}}"


def _key_of_person(subject: str) -> str:
    return f"{PREFIX}{{tasks:{sha256(subject.encode()).hexdigest()}}}"


def _written(task: Task) -> str:
    return orjson.dumps({**asdict(task), "scopes": sorted(task.scopes)}).decode()


def _read(state: str) -> Task:
    members = orjson.loads(state)
    return Task(**{**members, "scopes": frozenset(members["scopes"])})


def _unavailable(error: RedisUnavailable) -> TasksUnavailable:
    return TasksUnavailable("Tasks cannot be reached", private_detail=error.private_detail)
