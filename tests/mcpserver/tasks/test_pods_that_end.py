"""Tasks of servers that stop, or die: real processes on one Redis."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.mcpserver.pods import Pod, Pods, running
from tests.mcpserver.tasks.conftest import TASKS as EXTENSION
from tests.mcpserver.tasks.conftest import TERMINAL, TaskClient
from tests.support.waiting import wait_until

DRAIN_SECONDS = 3


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    with running(tmp_path_factory.mktemp("pods")) as started:
        starting = [gevent.spawn(_start, started) for _ in range(4)]
        gevent.joinall(starting, raise_error=True)
        yield started


def _start(pods: Pods) -> Pod:
    return pods.start(
        MCPSERVER_TOOL_MODULES='["tests.mcpserver.tasks.pod_jobs"]',
        MCPSERVER_DRAIN_SECONDS=str(DRAIN_SECONDS),
    )


def client_of(pods: Pods, pod: Pod) -> TaskClient:
    """Return a client of one server that knows tasks."""
    return TaskClient(pods.client(pod), {"extensions": {EXTENSION: {}}})


@pytest.fixture
def mortal(pods: Pods) -> Iterator[Pod]:
    """A server that the test ends; the first one stays."""
    yield (pod := pods.started[-1])
    if pod.process.poll() is None:
        pod.kill()
    pods.started.remove(pod)


@pytest.fixture
def there(pods: Pods) -> TaskClient:
    return client_of(pods, pods.started[0])


def ended(client: TaskClient, task_id: str) -> Any:
    """Return a task once it is over."""

    def state() -> Any:
        task = client.get(task_id)
        return task if task["status"] in TERMINAL else None

    return wait_until(state, "the task is over", deadline_seconds=40)


def test_a_task_ends_well_while_its_server_stops(
    pods: Pods, mortal: Pod, there: TaskClient, tmp_path: Path
) -> None:
    task_id = client_of(pods, mortal).start("file_job", {"path": str(tmp_path / "go")})
    mortal.terminate()
    assert there.get(task_id)["status"] == "working"
    (tmp_path / "go").touch()
    assert mortal.process.wait(20) == 0
    assert there.get(task_id)["result"]["content"][0]["text"] == "there"


def test_a_task_that_a_stopping_server_cannot_finish_has_failed(
    pods: Pods, mortal: Pod, there: TaskClient, tmp_path: Path
) -> None:
    task_id = client_of(pods, mortal).start("file_job", {"path": str(tmp_path / "never")})
    mortal.terminate()
    assert mortal.process.wait(20) == 0
    task = there.get(task_id)
    assert task["status"] == "failed"
    assert task["error"]["message"] == task["statusMessage"]


def test_a_task_of_a_server_that_was_killed_has_failed_and_listeners_are_told(
    pods: Pods, mortal: Pod, there: TaskClient, tmp_path: Path
) -> None:
    task_id = client_of(pods, mortal).start("file_job", {"path": str(tmp_path / "never")})
    messages = (event.message for event in there.listen(task_id).events())
    assert next(messages)["params"]["notifications"] == {"taskIds": [task_id]}
    assert next(messages)["params"]["status"] == "working"
    mortal.kill()
    task = ended(there, task_id)
    assert task["status"] == "failed"
    assert task["error"] == {"code": -32603, "message": "The server process that ran this task is gone"}
    assert next(messages)["params"]["status"] == "failed"
