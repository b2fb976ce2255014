"""A server with the sample jobs, and clients that know tasks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mcpserver.redis_link import RedisLink
from mcpserver.tasks.memory import MemoryTaskStore
from mcpserver.tasks.protocol import TaskStore
from mcpserver.tasks.redis import RedisTaskStore
from tests.authserver.store.backends import RedisServer
from tests.mcpserver.client import META, Answer, Client
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.tasks.stores import MOST_PER_CALLER, Clock
from tests.support.waiting import wait_until

TASKS = "io.modelcontextprotocol/tasks"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
TERMINAL = ("completed", "failed", "cancelled")


@dataclass
class TaskClient:
    """A client of 2026-07-28 that declares the extension, and whatever else it is given."""

    client: Client
    capabilities: dict[str, Any]

    @property
    def meta(self) -> dict[str, Any]:
        """What declares them."""
        return META | {CAPABILITIES: self.capabilities}

    def call(self, name: str, arguments: Any = None, **more: Any) -> Answer:
        """Call a tool."""
        params = {"name": name, "arguments": arguments or {}, **more}
        return self.client.modern("tools/call", params, meta=self.meta)

    def start(self, name: str, arguments: Any = None, **more: Any) -> str:
        """Call a tool that goes on as a task, and return the task's id."""
        result = self.call(name, arguments, **more).result
        assert result["resultType"] == "task", result
        return str(result["taskId"])

    def ask(self, method: str, task_id: Any, **params: Any) -> Answer:
        """Send tasks/<method> with all that belongs to it."""
        body = {"taskId": task_id, **params}
        return self.client.modern(f"tasks/{method}", body, meta=self.meta, headers={"Mcp-Name": str(task_id)})

    def get(self, task_id: str) -> Any:
        """Return the state of a task."""
        return self.ask("get", task_id).result

    def until(self, task_id: str, *statuses: str) -> Any:
        """Return the state of a task once it has one of these statuses; default: the last ones."""

        def state() -> Any:
            task = self.get(task_id)
            return task if task["status"] in (statuses or TERMINAL) else None

        return wait_until(state, f"the task is {statuses or TERMINAL}")

    def listen(self, *task_ids: str) -> Answer:
        """Open a subscription to tasks."""
        params = {"notifications": {"taskIds": list(task_ids)}}
        return self.client.modern("subscriptions/listen", params, meta=self.meta)


def accept(name: str) -> dict[str, Any]:
    """Return an answer to a question for a name."""
    return {"action": "accept", "content": {"name": name}}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(tool_modules=("tests.mcpserver.tasks.sample_jobs",))


@pytest.fixture
def client(world: World) -> TaskClient:
    return task_client(world)


def task_client(world: World, person: str = "alice", **claims: Any) -> TaskClient:
    """Return a client of a person that knows tasks and shows forms."""
    return TaskClient(world.client(person, **claims), {"elicitation": {}, "extensions": {TASKS: {}}})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("cluster"), cluster=True)
    yield server
    server.stop()


@pytest.fixture(params=["memory", "redis", "redis-cluster"])
def store(request: pytest.FixtureRequest, clock: Clock) -> Iterator[TaskStore]:
    if request.param == "memory":
        yield MemoryTaskStore(clock, MOST_PER_CALLER)
        return
    is_cluster = request.param == "redis-cluster"
    server = request.getfixturevalue("redis_cluster" if is_cluster else "one_redis")
    with server.client() as client:
        client.flushall()
    link = RedisLink(server.url, cluster=is_cluster)
    yield RedisTaskStore(link, clock, MOST_PER_CALLER)
    link.close()
