"""Tasks that ask their client: questions are fetched with the task, answers come by tasks/update."""

from typing import Any

import pytest

from tests.mcpserver.tasks.conftest import TaskClient, accept


def waiting(client: TaskClient, task_id: str) -> dict[str, Any]:
    """Return what a task asks, once it does."""
    requests: dict[str, Any] = client.until(task_id, "input_required")["inputRequests"]
    return requests


def key_of(requests: dict[str, Any], message: str) -> str:
    """Return the key of the question with a message."""
    (key,) = [key for key, each in requests.items() if each["params"]["message"] == message]
    return key


@pytest.mark.requirement("MCP-TASK-ANSWERS")
def test_questions_are_shown_until_they_are_answered_and_the_task_goes_on(client: TaskClient) -> None:
    task_id = client.start("asking")
    requests = waiting(client, task_id)
    assert {each["method"] for each in requests.values()} == {"elicitation/create"}
    assert {each["params"]["message"] for each in requests.values()} == {"First?", "Second?"}
    assert client.get(task_id)["inputRequests"] == requests

    responses = {key_of(requests, "First?"): accept("A"), key_of(requests, "Second?"): accept("B")}
    acknowledged = client.ask("update", task_id, inputResponses=responses).result
    assert acknowledged.keys() == {"resultType", "_meta"}
    again = waiting(client, task_id)
    assert [each["params"]["message"] for each in again.values()] == ["First, again?"]
    client.ask("update", task_id, inputResponses={key_of(again, "First, again?"): {"action": "decline"}})
    task = client.until(task_id)
    assert task["result"]["structuredContent"] == {"first": "A", "second": "B", "again": "decline"}
    assert "inputRequests" not in task


@pytest.mark.requirement("MCP-TASK-ANSWERS")
def test_what_is_answered_in_part_goes_on_waiting_for_the_rest(client: TaskClient) -> None:
    task_id = client.start("asking")
    requests = waiting(client, task_id)
    first, second = key_of(requests, "First?"), key_of(requests, "Second?")
    client.ask("update", task_id, inputResponses={second: accept("B")})
    left = client.get(task_id)
    assert left["status"] == "input_required"
    assert left["inputRequests"].keys() == {first}
    # An answer counts once.
    client.ask("update", task_id, inputResponses={second: accept("another")})
    client.ask("update", task_id, inputResponses={first: accept("A")})
    again = waiting(client, task_id)
    client.ask("update", task_id, inputResponses={next(iter(again)): {"action": "cancel"}})
    result = client.until(task_id)["result"]["structuredContent"]
    assert result == {"first": "A", "second": "B", "again": "cancel"}


@pytest.mark.requirement("MCP-TASK-KEYS")
def test_a_key_is_never_used_twice(client: TaskClient) -> None:
    task_id = client.start("asking")
    requests = waiting(client, task_id)
    client.ask("update", task_id, inputResponses={key: accept("x") for key in requests})
    again = waiting(client, task_id)
    assert not again.keys() & requests.keys()


@pytest.mark.requirement("MCP-TASK-KEYS")
@pytest.mark.parametrize("answer", [{}, {"action": "accept"}, {"action": "accept", "content": {"name": 7}}])
def test_an_answer_that_does_not_fit_is_asked_for_again_under_another_key(
    client: TaskClient, answer: dict[str, Any]
) -> None:
    task_id = client.start("asking")
    requests = waiting(client, task_id)
    first, second = key_of(requests, "First?"), key_of(requests, "Second?")
    client.ask("update", task_id, inputResponses={first: answer, second: accept("B")})
    again = waiting(client, task_id)
    assert not again.keys() & requests.keys()
    assert [each["params"]["message"] for each in again.values()] == ["First?"]


@pytest.mark.requirement("MCP-TASK-ANSWERS")
def test_answers_to_what_was_not_asked_are_ignored(client: TaskClient) -> None:
    task_id = client.start("asking")
    requests = waiting(client, task_id)
    result = client.ask("update", task_id, inputResponses={"unknown-key": {"ignored": True}}).result
    assert result["resultType"] == "complete"
    assert client.get(task_id)["inputRequests"] == requests


@pytest.mark.parametrize("responses", [None, [], "x", 7])
def test_responses_that_are_no_object_are_invalid(client: TaskClient, responses: object) -> None:
    task_id = client.start("asking")
    waiting(client, task_id)
    answer = client.ask("update", task_id, inputResponses=responses)
    assert (answer.status, answer.error["code"]) == (200, -32602)


def test_a_response_that_is_no_object_is_invalid_and_none_of_them_counts(client: TaskClient) -> None:
    task_id = client.start("asking")
    requests = waiting(client, task_id)
    first, second = requests
    answer = client.ask("update", task_id, inputResponses={first: accept("A"), second: 7})
    assert (answer.status, answer.error["code"]) == (200, -32602)
    assert client.get(task_id)["inputRequests"] == requests


def test_a_task_that_waits_for_answers_can_be_cancelled(client: TaskClient) -> None:
    task_id = client.start("asking")
    waiting(client, task_id)
    client.ask("cancel", task_id)
    assert client.until(task_id)["status"] == "cancelled"
    assert "inputRequests" not in client.get(task_id)
