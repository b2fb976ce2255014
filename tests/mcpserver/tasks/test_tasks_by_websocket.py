"""Tasks over WebSocket: they are left alone by whatever ends calls there."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mcpserver.client import META
from tests.mcpserver.conftest import World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.tasks.conftest import CAPABILITIES, TASKS, TaskClient
from tests.mcpserver.transports.ws_client import WsClient
from tests.support.waiting import wait_until

DECLARED = META | {CAPABILITIES: {"extensions": {TASKS: {}}}}


@pytest.fixture
def ws(world: World) -> Iterator[WsClient]:
    client = WsClient(world.port, {"Authorization": f"Bearer {world.issuer.token()}"}).accepted()
    yield client
    client.close()


def ask(ws: WsClient, identifier: int, method: str, **params: Any) -> Any:
    """Send a request and return what answers it."""
    ws.request(identifier, method, {**params, "_meta": DECLARED})
    answer = ws.message()
    assert answer["id"] == identifier
    return answer["result"]


def start(ws: WsClient, identifier: int, name: str) -> str:
    """Start a job and return its task."""
    result = ask(ws, identifier, "tools/call", name="job", arguments={"name": name})
    assert result["resultType"] == "task"
    return str(result["taskId"])


def test_a_task_is_started_fetched_and_told_on_one_connection(ws: WsClient) -> None:
    own = probe("by websocket")
    task_id = start(ws, 1, "by websocket")
    assert ask(ws, 2, "tasks/get", taskId=task_id)["status"] == "working"
    ws.request(3, "subscriptions/listen", {"notifications": {"taskIds": [task_id]}, "_meta": DECLARED})
    assert ws.message()["params"]["notifications"] == {"taskIds": [task_id]}
    assert ws.message()["params"]["status"] == "working"
    own.released.set()
    told = ws.message()
    assert told["method"] == "notifications/tasks"
    assert told["params"]["result"]["content"][0]["text"] == "by websocket was a task"


def test_cancelling_the_request_does_not_cancel_its_task(ws: WsClient, client: TaskClient) -> None:
    own = probe("not cancelled")
    task_id = start(ws, 1, "not cancelled")
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    ws.send(cancelled)
    # The id is free again, and names another call.
    other = probe("another")
    another = start(ws, 1, "another")
    own.released.set()
    assert client.until(task_id)["status"] == "completed"
    other.released.set()
    assert client.until(another)["status"] == "completed"


def test_a_task_outlives_the_connection(world: World, ws: WsClient, client: TaskClient) -> None:
    own = probe("outlives")
    task_id = start(ws, 1, "outlives")
    ws.close()
    wait_until(lambda: len(world.app._core.ongoing._stays) == 1, "the connection is over, the task is not")
    assert client.get(task_id)["status"] == "working"
    own.released.set()
    assert client.until(task_id)["result"]["content"][0]["text"] == "outlives was a task"
