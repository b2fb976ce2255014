"""Asking before 2026: requests to the client on the stream of the call, which waits for the answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mcpserver.client import LegacyClient, initialize
from tests.mcpserver.conftest import MakeWorld, World

_ALL = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(tool_modules=("tests.mcpserver.asking.asking_tools",), input_timeout_seconds=5)


def _session(world: World, capabilities: Any = _ALL, version: str = "2025-11-25") -> LegacyClient:
    client = world.client()
    opening = initialize(version)
    opening["params"]["capabilities"] = capabilities
    answer = client.post(opening)
    return LegacyClient(client, version, answer.headers["Mcp-Session-Id"])


def _messages(session: LegacyClient, name: str, arguments: Any = None) -> Iterator[Any]:
    for event in session.call(name, arguments).events():
        if event.data:
            yield event.message


def _respond(session: LegacyClient, request_id: Any, **outcome: Any) -> int:
    return session.client.post({"jsonrpc": "2.0", "id": request_id, **outcome}, session.headers).status


def _text(message: Any) -> str:
    return str(message["result"]["content"][0]["text"])


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_a_form_is_filled_in_while_the_call_waits(world: World, version: str) -> None:
    session = _session(world, version=version)
    messages = _messages(session, "introduce")
    asked = next(messages)
    assert asked["method"] == "elicitation/create"
    assert ("mode" in asked["params"]) is (version == "2025-11-25")
    result = {"action": "accept", "content": {"name": "Ann"}}
    assert _respond(session, asked["id"], result=result) == 202
    assert _text(next(messages)) == "Hello, Ann (30, good)"


def test_a_page_is_named_with_an_id(world: World) -> None:
    session = _session(world)
    messages = _messages(session, "visit")
    asked = next(messages)
    assert asked["params"]["url"] == "https://pay.example/1"
    assert asked["params"]["elicitationId"]
    _respond(session, asked["id"], result={"action": "accept"})
    assert _text(next(messages)) == "accept"


def test_what_a_client_does_not_offer_is_told_to_the_model(world: World) -> None:
    result = _session(world, {}).call("introduce").result
    assert result["isError"] is True
    assert "elicitation" in result["content"][0]["text"]


def test_an_error_of_the_client_is_told_to_the_model(world: World) -> None:
    session = _session(world)
    messages = _messages(session, "introduce")
    asked = next(messages)
    _respond(session, asked["id"], error={"code": -1, "message": "the person is asleep"})
    failed = next(messages)
    assert failed["result"]["isError"] is True
    assert "the person is asleep" in _text(failed)


def test_an_answer_that_does_not_fit_is_told_to_the_model_without_what_it_said(world: World) -> None:
    session = _session(world)
    messages = _messages(session, "introduce")
    asked = next(messages)
    _respond(session, asked["id"], result={"action": "accept", "content": {"name": "Ann", "age": "private"}})
    failed = next(messages)
    assert failed["result"]["isError"] is True
    assert "age" in _text(failed)
    assert "private" not in _text(failed)


def test_a_client_that_never_answers_is_told_that_the_answer_is_not_needed_any_more(
    make_world: MakeWorld,
) -> None:
    modules = ("tests.mcpserver.asking.asking_tools",)
    session = _session(make_world(tool_modules=modules, input_timeout_seconds=0.2))
    messages = _messages(session, "introduce")
    asked = next(messages)
    withdrawn = next(messages)
    assert (withdrawn["method"], withdrawn["params"]["requestId"]) == ("notifications/cancelled", asked["id"])
    assert "no answer in time" in _text(next(messages))


def test_nobody_elses_session_answers(world: World) -> None:
    session, stranger = _session(world), _session(world)
    messages = _messages(session, "introduce")
    asked = next(messages)
    result = {"action": "accept", "content": {"name": "Eve"}}
    assert _respond(stranger, asked["id"], result=result) == 202
    _respond(session, asked["id"], result={"action": "decline"})
    assert _text(next(messages)) == "(decline)"


def test_an_answer_counts_once_and_unknown_ones_not_at_all(world: World) -> None:
    session = _session(world)
    messages = _messages(session, "introduce")
    asked = next(messages)
    for unknown in ("x", 7, asked["id"] + "x"):
        assert _respond(session, unknown, result={"action": "cancel"}) == 202
    _respond(session, asked["id"], result={"action": "decline"})
    _respond(session, asked["id"], result={"action": "cancel"})
    assert _text(next(messages)) == "(decline)"


def test_a_call_that_is_cancelled_while_it_asks_withdraws_the_question(world: World) -> None:
    session = _session(world)
    messages = _messages(session, "introduce")
    asked = next(messages)
    session.notify("notifications/cancelled", {"requestId": session.last_id})
    assert next(messages)["params"]["requestId"] == asked["id"]
    assert list(messages) == []
