"""What tasks may take: time, number, and whose access ended."""

import pytest

from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.tasks.conftest import TaskClient, task_client
from tests.support.waiting import wait_until

JOBS = ("tests.mcpserver.tasks.sample_jobs",)


def test_a_task_that_takes_too_long_is_stopped_and_has_failed(make_world: MakeWorld) -> None:
    client = task_client(make_world(tool_modules=JOBS, task_ttl_seconds=2.0))
    own = probe("slow")
    task_id = client.start("job", {"name": "slow"})
    task = client.until(task_id)
    assert task["status"] == "failed"
    assert task["error"] == {"code": -32603, "message": "The task took longer than it may"}
    assert own.ended.get(timeout=10) == "CallCancelled"
    assert task["ttlMs"] == 2000


@pytest.mark.requirement("MCP-TASK-TTL")
def test_a_task_is_forgotten_after_its_time_and_not_before(make_world: MakeWorld) -> None:
    now = [1_000_000.0]
    world = make_world(clock=lambda: now[0], tool_modules=JOBS, task_ttl_seconds=100.0)
    client = task_client(world, exp=1_000_900, iat=999_990, nbf=999_990)
    task_id = client.start("failing", {"how": "tool"})
    client.until(task_id)
    now[0] += 99
    assert client.get(task_id)["status"] == "completed"
    now[0] += 1
    assert client.ask("get", task_id).error["code"] == -32602


def test_who_has_too_many_tasks_waits_for_the_call_or_is_told_to_come_back(make_world: MakeWorld) -> None:
    world = make_world(tool_modules=JOBS, max_tasks_per_caller=2)
    client = task_client(world)
    for _ in range(2):
        client.until(client.start("failing", {"how": "tool"}))
    probe("third").released.set()
    result = client.call("job", {"name": "third"}).result
    assert result["content"][0]["text"] == "third was a call"
    refused = client.call("guarded_job")
    assert refused.status == 429
    assert refused.error["message"] == "Too many tasks are kept"
    assert refused.headers["Retry-After"]
    assert task_client(world, "bob").start("failing", {"how": "tool"})


def test_a_task_of_a_session_that_is_revoked_is_stopped(world: World) -> None:
    client = task_client(world, sid="to be revoked")
    own = probe("revoked")
    task_id = client.start("job", {"name": "revoked"})
    world.app._core.ongoing.end_revoked(lambda session_id, _key_id: session_id == "to be revoked")
    assert own.ended.get(timeout=10) == "CallCancelled"
    assert client.until(task_id)["status"] == "cancelled"


def test_a_tool_that_reports_without_end_is_told_of_now_and_then(client: TaskClient) -> None:
    task_id = client.start("chatty")
    task = client.until(task_id)
    assert task["status"] == "completed"
    assert int(task["result"]["content"][0]["text"]) < 5


def test_workers_that_share_nothing_have_no_tasks_and_tools_run_as_calls(make_world: MakeWorld) -> None:
    client = task_client(make_world(tool_modules=JOBS, workers=2))
    assert "extensions" not in client.client.modern("server/discover").result["capabilities"]
    assert client.ask("get", "x").error["code"] == -32601
    assert client.call("guarded_job").result["content"][0]["text"] == "secret"
    undeclared = TaskClient(client.client, {})
    assert undeclared.call("guarded_job").result["content"][0]["text"] == "secret"


def test_what_is_over_is_swept_away(make_world: MakeWorld) -> None:
    now = [1_000_000.0]
    world = make_world(
        clock=lambda: now[0], tool_modules=JOBS, task_ttl_seconds=100.0, max_tasks_per_caller=1
    )
    client = task_client(world, exp=1_000_900, iat=999_990, nbf=999_990)
    client.until(client.start("failing", {"how": "tool"}))
    assert client.call("failing", {"how": "tool"}).result["resultType"] == "complete"
    now[0] += 100
    wait_until(lambda: client.call("failing", {"how": "tool"}).result["resultType"] == "task", "room")
