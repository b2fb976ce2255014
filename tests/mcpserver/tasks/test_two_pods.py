"""Two servers on one Redis: each answers for the tasks of the other."""

from collections.abc import Callable

import pytest

from tests.authserver.store.backends import RedisServer
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.tasks.conftest import TaskClient, accept, task_client
from tests.support.waiting import wait_until

JOBS = ("tests.mcpserver.tasks.sample_jobs",)
Pod = Callable[[], World]


@pytest.fixture
def pod(make_world: MakeWorld, one_redis: RedisServer) -> Pod:
    with one_redis.client() as client:
        client.flushall()
    return lambda: make_world(tool_modules=JOBS, redis_url=one_redis.url)


@pytest.fixture
def here(pod: Pod) -> TaskClient:
    return task_client(pod())


@pytest.fixture
def there(pod: Pod) -> TaskClient:
    return task_client(pod())


def test_a_task_is_found_by_every_process_as_soon_as_it_is_told(here: TaskClient, there: TaskClient) -> None:
    own = probe("found elsewhere")
    task_id = here.start("job", {"name": "found elsewhere"})
    assert there.get(task_id)["status"] == "working"
    own.released.set()
    assert there.until(task_id)["result"]["content"][0]["text"] == "found elsewhere was a task"


def test_answers_and_questions_cross_between_processes(here: TaskClient, there: TaskClient) -> None:
    task_id = here.start("asking")
    requests = there.until(task_id, "input_required")["inputRequests"]
    there.ask("update", task_id, inputResponses={key: accept("A") for key in requests})
    again = there.until(task_id, "input_required")["inputRequests"]
    here.ask("update", task_id, inputResponses={key: accept("B") for key in again})
    result = there.until(task_id)["result"]["structuredContent"]
    assert result == {"first": "A", "second": "A", "again": "B"}


def test_a_task_is_stopped_from_another_process(here: TaskClient, there: TaskClient) -> None:
    own = probe("stopped elsewhere")
    task_id = here.start("job", {"name": "stopped elsewhere"})
    there.ask("cancel", task_id)
    assert there.get(task_id)["status"] == "cancelled"
    assert own.ended.get(timeout=10) == "CallCancelled"


def test_a_subscription_is_told_of_tasks_in_another_process(here: TaskClient, there: TaskClient) -> None:
    own = probe("told elsewhere")
    task_id = here.start("job", {"name": "told elsewhere"})
    messages = (event.message for event in there.listen(task_id).events())
    assert next(messages)["params"]["notifications"] == {"taskIds": [task_id]}
    assert next(messages)["params"]["status"] == "working"
    own.released.set()
    assert next(messages)["params"]["status"] == "completed"


def test_the_limit_is_one_for_all_processes(make_world: MakeWorld, one_redis: RedisServer) -> None:
    with one_redis.client() as client:
        client.flushall()
    pods = [
        task_client(make_world(tool_modules=JOBS, redis_url=one_redis.url, max_tasks_per_caller=2))
        for _ in range(2)
    ]
    for each in pods:
        each.start("failing", {"how": "tool"})
    assert [each.call("failing", {"how": "tool"}).result["resultType"] for each in pods] == ["complete"] * 2


def test_while_redis_is_away_clients_are_told_to_come_back_and_nothing_is_lost(
    here: TaskClient, one_redis: RedisServer
) -> None:
    own = probe("outage")
    task_id = here.start("job", {"name": "outage"})
    one_redis.kill()
    try:
        refused = here.ask("get", task_id)
        assert refused.status == 503
        assert refused.headers["Retry-After"]
        own.released.set()
        assert own.ended.get(timeout=10) == "done"
    finally:
        one_redis.start()
    wait_until(lambda: here.ask("get", task_id).status == 200, "redis is back")
    assert here.until(task_id)["status"] == "completed"
