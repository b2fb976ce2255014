"""Calls that go on as tasks: made by the server, fetched, answered and cancelled later (SEP-2663)."""

from datetime import datetime

import pytest

from tests.mcpserver.conftest import World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.tasks.conftest import TASKS, TaskClient, accept, task_client

ENVELOPE = {"taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs"}


@pytest.mark.requirement("MCP-TASK-DURABLE")
def test_a_call_that_becomes_a_task_is_answered_at_once_and_its_result_is_fetched_later(
    client: TaskClient,
) -> None:
    own = probe("a job")
    created = client.call("job", {"name": "a job"}).result
    assert created.keys() == ENVELOPE | {"statusMessage", "resultType", "_meta"}
    assert created["resultType"] == "task"
    assert (created["status"], created["statusMessage"]) == ("working", "Waiting for a job")
    for member in ("ttlMs", "pollIntervalMs"):
        assert isinstance(created[member], int)
        assert created[member] > 0
    assert datetime.fromisoformat(created["createdAt"]) <= datetime.fromisoformat(created["lastUpdatedAt"])

    working = client.get(created["taskId"])
    assert (working["resultType"], working["status"]) == ("complete", "working")
    assert working.keys() == created.keys()

    own.released.set()
    done = client.until(created["taskId"])
    assert done["status"] == "completed"
    assert done["result"]["content"] == [{"type": "text", "text": "a job was a task"}]
    assert "error" not in done
    assert "inputRequests" not in done
    assert client.get(created["taskId"]) == done


def test_a_tool_without_a_context_becomes_a_task_as_a_whole(client: TaskClient) -> None:
    own = probe("plain")
    task_id = client.start("plain", {"name": "plain"})
    own.released.set()
    assert client.until(task_id)["result"]["content"][0]["text"] == "plainly done"


@pytest.mark.requirement("MCP-TASK-EXPERIMENT")
def test_a_tool_that_is_no_task_is_none_whatever_it_or_the_client_tries(client: TaskClient) -> None:
    result = client.call("at_once", task={"ttl": 60000, "pollInterval": 100}).result
    assert result["resultType"] == "complete"
    assert result["content"][0]["text"] == "a task: False"


@pytest.mark.requirement("MCP-TASK-ERRORS")
def test_what_a_tool_reports_as_its_error_is_a_result(client: TaskClient) -> None:
    task = client.until(client.start("failing", {"how": "tool"}))
    assert task["status"] == "completed"
    assert task["result"]["isError"] is True
    assert task["result"]["content"][0]["text"] == "in words"


def test_a_bug_in_a_tool_is_a_result_that_does_not_say_what_it_was(client: TaskClient) -> None:
    task = client.until(client.start("failing", {"how": "bug"}))
    assert task["status"] == "completed"
    assert task["result"]["isError"] is True
    assert "secret" not in str(task)


@pytest.mark.requirement("MCP-TASK-ERRORS")
def test_an_error_of_the_protocol_is_a_failure_with_that_error(client: TaskClient) -> None:
    task = client.until(client.start("failing", {"how": "request"}))
    assert task["status"] == "failed"
    assert task["error"] == {"code": -32603, "message": "by code", "data": {"why": "so"}}
    assert task["statusMessage"] == "by code"
    assert "result" not in task


def test_a_result_that_is_not_json_is_a_failure(client: TaskClient) -> None:
    task = client.until(client.start("failing", {"how": "json"}))
    assert (task["status"], task["error"]["code"]) == ("failed", -32603)


def test_a_task_that_asks_what_the_client_does_not_offer_has_failed(client: TaskClient) -> None:
    task = client.until(client.start("failing", {"how": "asks"}))
    assert task["status"] == "failed"
    assert task["error"]["code"] == -32021
    assert task["error"]["data"] == {"requiredCapabilities": {"sampling": {}}}


@pytest.mark.requirement("MCP-TASK-CANCEL")
def test_a_cancelled_task_stops_and_says_so(client: TaskClient) -> None:
    own = probe("cancelled job")
    task_id = client.start("job", {"name": "cancelled job"})
    acknowledged = client.ask("cancel", task_id).result
    assert acknowledged.keys() == {"resultType", "_meta"}
    assert acknowledged["resultType"] == "complete"
    assert own.ended.get(timeout=10) == "CallCancelled"
    task = client.until(task_id)
    assert task["status"] == "cancelled"
    assert not task.keys() & {"result", "error", "inputRequests"}


@pytest.mark.requirement("MCP-TASK-CANCEL")
def test_a_task_that_is_over_stays_as_it_is_when_it_is_cancelled(client: TaskClient) -> None:
    task_id = client.start("failing", {"how": "tool"})
    before = client.until(task_id)
    assert client.ask("cancel", task_id).result["resultType"] == "complete"
    assert client.ask("update", task_id, inputResponses={"x": {}}).result["resultType"] == "complete"
    assert client.get(task_id) == before


def test_a_client_that_leaves_does_not_cancel_what_is_a_task(client: TaskClient) -> None:
    own = probe("left job")
    answer = client.call("job", {"name": "left job"})
    answer.close()
    assert own.started.is_set()
    own.released.set()
    assert own.ended.get(timeout=10) == "done"
    assert client.until(answer.result["taskId"])["status"] == "completed"


@pytest.mark.parametrize(
    "capabilities", [{}, {"tasks": {}}, {"extensions": {TASKS: True}}, {"extensions": []}]
)
@pytest.mark.requirement("MCP-TASK-DECLARED")
def test_a_client_without_the_extension_is_answered_by_the_call(
    world: World, capabilities: dict[str, object]
) -> None:
    own = probe("no extension")
    own.released.set()
    client = TaskClient(world.client(), capabilities)
    result = client.call("job", {"name": "no extension"}).result
    assert result["resultType"] == "complete"
    assert result["content"][0]["text"] == "no extension was a call"


@pytest.mark.requirement("MCP-TASK-NEEDED")
@pytest.mark.parametrize("capabilities", [{}, {"tasks": {}}, {"extensions": {TASKS: True}}])
def test_a_client_without_the_extension_is_told_what_the_tool_needs(
    world: World, capabilities: dict[str, object]
) -> None:
    client = TaskClient(world.client(), capabilities)
    answer = client.call("ask_before")
    assert answer.status == 400
    assert answer.error["code"] == -32021
    assert answer.error["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}


@pytest.mark.requirement("MCP-TASK-DECLARED")
@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_revisions_before_have_no_tasks(world: World, version: str) -> None:
    own = probe("legacy")
    own.released.set()
    session = world.client().open_session(version)
    assert session.call("job", {"name": "legacy"}).result["content"][0]["text"] == "legacy was a call"
    assert session.call("ask_before").error["code"] == -32021
    for method in ("get", "update", "cancel", "list", "result"):
        assert session.request(f"tasks/{method}", {"taskId": "x"}).error["code"] == -32601


@pytest.mark.requirement("MCP-TASK-NEEDED")
@pytest.mark.parametrize("method", ["get", "update", "cancel"])
def test_the_methods_need_the_extension_with_each_request(world: World, method: str) -> None:
    answer = TaskClient(world.client(), {}).ask(method, "x", inputResponses={})
    assert answer.status == 400
    assert answer.error["code"] == -32021
    assert answer.error["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}


@pytest.mark.requirement("MCP-TASK-OWNER", "MCP-TASK-UNKNOWN")
@pytest.mark.parametrize("method", ["get", "update", "cancel"])
def test_a_task_that_is_unknown_or_somebody_elses_is_not_found(
    world: World, client: TaskClient, method: str
) -> None:
    own = probe("alice's")
    task_id = client.start("job", {"name": "alice's"})
    strangers = (task_client(world, "bob"), task_client(world, client_id="another-client"))
    refusals = [each.ask(method, task_id, inputResponses={}) for each in strangers]
    refusals.append(client.ask(method, "made-up", inputResponses={}))
    assert {(each.status, each.error["code"], each.error["message"]) for each in refusals} == {
        (200, -32602, "Invalid params: Task not found")
    }
    assert client.get(task_id)["status"] == "working"
    own.released.set()


@pytest.mark.requirement("MCP-TASK-UNKNOWN")
@pytest.mark.parametrize("task_id", [None, 7, {}, ["x"]])
def test_an_id_that_is_no_text_is_invalid(client: TaskClient, task_id: object) -> None:
    for method in ("get", "update", "cancel"):
        answer = client.client.modern(
            f"tasks/{method}", {"taskId": task_id}, meta=client.meta, headers={"Mcp-Name": "x"}
        )
        assert (answer.status, answer.error["code"]) in ((200, -32602), (400, -32020))


@pytest.mark.requirement("MCP-TASK-HEADER")
@pytest.mark.parametrize("method", ["get", "update", "cancel"])
@pytest.mark.parametrize("name", ["another", None])
def test_the_header_repeats_the_id(client: TaskClient, method: str, name: str | None) -> None:
    headers = {"Mcp-Name": name} if name is not None else {}
    answer = client.client.modern(f"tasks/{method}", {"taskId": "x"}, meta=client.meta, headers=headers)
    assert (answer.status, answer.error["code"]) == (400, -32020)


@pytest.mark.requirement("MCP-TASK-EXPERIMENT")
@pytest.mark.parametrize("method", ["list", "result"])
def test_methods_of_the_experiment_before_are_not_found(client: TaskClient, method: str) -> None:
    answer = client.ask(method, "x")
    assert (answer.status, answer.error["code"]) == (404, -32601)


@pytest.mark.requirement("MCP-TASK-OWNER")
def test_a_result_needs_the_scopes_of_its_tool(world: World, client: TaskClient) -> None:
    task_id = client.start("guarded_job")
    assert client.until(task_id)["status"] == "completed"
    narrow = task_client(world, scope="mcp:tools")
    answer = narrow.ask("get", task_id)
    assert answer.status == 403
    assert 'scope="mcp:tools snippets:read"' in answer.headers["WWW-Authenticate"]


@pytest.mark.requirement("MCP-TASK-ID")
def test_an_id_cannot_be_guessed(client: TaskClient) -> None:
    ids = {client.start("failing", {"how": "tool"}) for _ in range(5)}
    assert len(ids) == 5
    assert all(len(each) >= 32 and each.isascii() for each in ids)


def test_the_extension_is_declared_where_a_tool_may_be_a_task(client: TaskClient) -> None:
    capabilities = client.client.modern("server/discover").result["capabilities"]
    assert capabilities["extensions"] == {TASKS: {}}
    assert "tasks" not in capabilities
    legacy = client.client.post(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "tests", "version": "1"},
            },
        }
    )
    assert not legacy.result["capabilities"].keys() & {"tasks", "extensions"}


@pytest.mark.requirement("MCP-TASK-ROUNDS")
def test_questions_before_the_task_are_rounds_of_the_call(client: TaskClient) -> None:
    asked = client.call("ask_before").result
    assert asked["resultType"] == "input_required"
    assert asked["inputRequests"].keys() == {"name"}
    assert "taskId" not in asked
    created = client.call(
        "ask_before", inputResponses={"name": accept("Alice")}, requestState=asked["requestState"]
    ).result
    assert created["resultType"] == "task"
    assert not created.keys() & {"requestState", "inputRequests"}
    waiting = client.until(created["taskId"], "input_required")
    assert "requestState" not in waiting
    (key,) = waiting["inputRequests"]
    client.ask("update", created["taskId"], inputResponses={key: accept("Bob")})
    assert client.until(created["taskId"])["result"]["content"][0]["text"] == "Alice and Bob"
