"""Subscriptions to tasks: each notification is what tasks/get would have said (SEP-2663)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mcpserver.conftest import World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.tasks.conftest import TASKS, TaskClient, accept, task_client

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


def tasks_told(messages: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """Yield the tasks that notifications tell of, without what names the subscription."""
    for message in messages:
        assert message["method"] == "notifications/tasks", message
        params = dict(message["params"])
        assert params.pop("_meta") == {SUBSCRIPTION: 1}
        yield params


def messages_of(client: TaskClient, *task_ids: str) -> Iterator[Any]:
    """Open a subscription and yield its messages."""
    return (event.message for event in client.listen(*task_ids).events())


def plain(task: dict[str, Any]) -> dict[str, Any]:
    """Return a task of tasks/get without what every result has."""
    return {key: value for key, value in task.items() if key not in ("resultType", "_meta")}


@pytest.mark.requirement("MCP-TASK-NOTIFIED")
def test_a_subscription_tells_the_state_at_once_and_then_each_change(client: TaskClient) -> None:
    task_id = client.start("asking")
    waiting = client.until(task_id, "input_required")
    messages = messages_of(client, task_id)
    acknowledged = next(messages)
    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    assert acknowledged["params"]["notifications"] == {"taskIds": [task_id]}
    told = tasks_told(messages)
    assert next(told) == plain(waiting)

    client.ask("update", task_id, inputResponses={key: accept("A") for key in waiting["inputRequests"]})
    while (state := next(told))["status"] != "input_required" or state == plain(waiting):
        pass
    assert [each["params"]["message"] for each in state["inputRequests"].values()] == ["First, again?"]
    client.ask("cancel", task_id)
    assert next(told)["status"] == "cancelled"
    assert "resultType" not in state


def test_the_last_notification_has_the_result(client: TaskClient) -> None:
    own = probe("told job")
    task_id = client.start("job", {"name": "told job"})
    told = messages_of(client, task_id)
    next(told)
    states = tasks_told(told)
    assert next(states)["status"] == "working"
    own.released.set()
    state = next(states)
    assert state["result"]["content"][0]["text"] == "told job was a task"
    assert state == plain(client.get(task_id))


def test_a_task_that_was_over_before_is_told_once(client: TaskClient) -> None:
    task_id = client.start("failing", {"how": "request"})
    over = client.until(task_id)
    messages = messages_of(client, task_id)
    next(messages)
    assert next(tasks_told(messages)) == plain(over)


@pytest.mark.requirement("MCP-TASK-NOTIFIED")
def test_progress_of_a_task_is_its_message_and_no_notification_of_its_own(client: TaskClient) -> None:
    own = probe("reporting")
    answer = client.client.modern(
        "tools/call",
        {"name": "reporting", "arguments": {"name": "reporting"}},
        meta={**client.meta, "progressToken": "p", "io.modelcontextprotocol/logLevel": "debug"},
    )
    before, created = (event.message for event in answer.events())
    assert before["method"] == "notifications/progress"
    assert created["result"]["resultType"] == "task"
    task_id = created["result"]["taskId"]
    messages = messages_of(client, task_id)
    next(messages)
    states = tasks_told(messages)
    first = next(states)
    own.released.set()
    last = next(states)
    while last["status"] == "working":
        last = next(states)
    assert first["statusMessage"] in ("begun", "two of three")
    assert last["result"]["content"][0]["text"] == "reported"


@pytest.mark.requirement("MCP-TASK-OWNER")
def test_tasks_of_others_are_not_agreed_on_and_not_told(world: World, client: TaskClient) -> None:
    own = probe("not told")
    theirs = client.start("job", {"name": "not told"})
    bob = task_client(world, "bob")
    messages = messages_of(bob, theirs, "made-up")
    assert next(messages)["params"]["notifications"] == {}
    own.released.set()
    client.until(theirs)
    mine = bob.start("failing", {"how": "tool"})
    assert bob.until(mine)["status"] == "completed"
    bob.client.opened[0].connection.sock.settimeout(0.2)
    try:
        raise AssertionError(next(messages))
    except TimeoutError:
        pass


@pytest.mark.requirement("MCP-TASK-NEEDED")
def test_a_client_without_the_extension_cannot_subscribe_to_tasks(world: World) -> None:
    answer = TaskClient(world.client(), {}).listen("x")
    assert answer.status == 400
    assert answer.error["code"] == -32021
    assert answer.error["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}
