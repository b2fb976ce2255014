"""Asking in 2026-07-28: a call ends with its questions, and is made again with the answers."""

import time
from typing import Any

import pytest

from tests.mcpserver.asking.asking_tools import RUNS
from tests.mcpserver.client import Answer, Client
from tests.mcpserver.conftest import MakeWorld, World

_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
_FORMS = {"elicitation": {}}
_ALL = {"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}, "roots": {}}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    RUNS.clear()
    return make_world(tool_modules=("tests.mcpserver.asking.asking_tools",))


def _call(
    client: Client, name: str, arguments: Any = None, *, capabilities: Any = _ALL, **more: Any
) -> Answer:
    params = {"name": name, "arguments": arguments or {}, **more}
    return client.modern("tools/call", params, meta={_CAPABILITIES: capabilities})


def _accepts(**content: Any) -> dict[str, Any]:
    return {"action": "accept", "content": content}


def _text(answer: Answer) -> str:
    return str(answer.result["content"][0]["text"])


def test_a_call_ends_with_its_question_and_is_made_again_with_the_answer(client: Client) -> None:
    asked = _call(client, "introduce").result
    assert asked["resultType"] == "input_required"
    (request,) = asked["inputRequests"].values()
    assert request["method"] == "elicitation/create"
    schema = request["params"]["requestedSchema"]
    assert schema["required"] == ["name"]
    assert schema["properties"]["mood"]["enum"] == ["good", "bad"]
    assert schema["properties"]["age"]["default"] == 30
    answered = _call(
        client,
        "introduce",
        inputResponses={"who": _accepts(name="Ann", age=7)},
        requestState=asked["requestState"],
    )
    assert _text(answered) == "Hello, Ann (7, good)"
    assert RUNS == ["introduce", "introduce"]


def test_the_server_keeps_nothing_between_the_rounds(world: World, make_world: MakeWorld) -> None:
    """Another process with the same secret takes over."""
    secret = "s" * 40
    modules = ("tests.mcpserver.asking.asking_tools",)
    one, other = (make_world(tool_modules=modules, state_secret=secret).client() for _ in range(2))
    asked = _call(one, "two_steps").result
    second = _call(
        other, "two_steps", inputResponses={"input-1": _accepts(ok=True)}, requestState=asked["requestState"]
    ).result
    assert list(second["inputRequests"]) == ["input-2"]
    last = _call(
        one, "two_steps", inputResponses={"input-2": _accepts(ok=False)}, requestState=second["requestState"]
    )
    assert _text(last).startswith("True False")
    assert RUNS == ["computed"]


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_person_may_say_no(client: Client, action: str) -> None:
    assert _text(_call(client, "introduce", inputResponses={"who": {"action": action}})) == f"({action})"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"other": _accepts(name="Ann")},
        {"who": 7},
        {"who": None},
        {"who": {}},
        {"who": {"action": "maybe"}},
        {"who": {"action": "accept"}},
        {"who": _accepts()},
        {"who": _accepts(name="")},
        {"who": _accepts(name="Ann", age="old")},
        {"who": _accepts(name="Ann", mood="angry")},
    ],
)
def test_what_is_missing_or_does_not_fit_is_asked_for_again(client: Client, given: Any) -> None:
    asked = _call(client, "introduce", inputResponses=given)
    assert list(asked.result["inputRequests"]) == ["who"]


@pytest.mark.parametrize("given", [None, [], "x", 7])
def test_responses_that_are_no_object_are_invalid(client: Client, given: Any) -> None:
    assert _call(client, "introduce", inputResponses=given).error["code"] == -32602


def test_a_tool_that_catches_everything_does_not_swallow_the_question(client: Client) -> None:
    assert list(_call(client, "swallow").result["inputRequests"]) == ["any"]


@pytest.mark.parametrize(
    ("name", "capabilities", "required"),
    [
        ("introduce", {}, {"elicitation": {"form": {}}}),
        ("introduce", {"elicitation": {"url": {}}}, {"elicitation": {"form": {}}}),
        ("introduce", {"elicitation": True}, {"elicitation": {"form": {}}}),
        ("visit", _FORMS, {"elicitation": {"url": {}}}),
        ("think", _FORMS, {"sampling": {}}),
    ],
)
def test_what_a_client_does_not_offer_is_not_asked_of_it(
    client: Client, name: str, capabilities: Any, required: Any
) -> None:
    refused = _call(client, name, capabilities=capabilities)
    assert (refused.status, refused.error["code"]) == (400, -32021)
    assert refused.error["data"] == {"requiredCapabilities": required}


def test_tools_for_the_clients_model_take_the_capability_for_them(client: Client) -> None:
    refused = _call(client, "think", {"tools": True}, capabilities={"sampling": {}})
    assert refused.error["data"] == {"requiredCapabilities": {"sampling": {"tools": {}}}}
    assert "inputRequests" in _call(client, "think", {"tools": True}).result


def test_prompts_and_resources_ask_too(client: Client) -> None:
    meta = {_CAPABILITIES: _ALL}
    asked = client.modern("prompts/get", {"name": "about"}, meta=meta).result
    params = {"name": "about", "inputResponses": {"who": _accepts(name="tea")}}
    answered = client.modern("prompts/get", {**params, "requestState": asked["requestState"]}, meta=meta)
    assert answered.result["messages"][0]["content"]["text"] == "Think about tea"
    asked = client.modern("resources/read", {"uri": "ask://secret"}, meta=meta).result
    # An answer that is waited for is nothing to be kept.
    assert not asked.keys() & {"ttlMs", "cacheScope"}
    params = {"uri": "ask://secret", "inputResponses": {"show": _accepts(ok=True)}}
    answered = client.modern("resources/read", {**params, "requestState": asked["requestState"]}, meta=meta)
    assert answered.result["contents"][0]["text"] == "shown"


class TestStatesOfSomebodyElse:
    """requestState is good for one caller and one request."""

    def test_another_persons_is_refused(self, world: World) -> None:
        state = _call(world.client("alice"), "introduce").result["requestState"]
        refused = _call(world.client("bob"), "introduce", requestState=state)
        assert (refused.status, refused.error["code"]) == (404, -32602)

    def test_another_clients_is_refused(self, world: World) -> None:
        state = _call(world.client("alice"), "introduce").result["requestState"]
        other = world.client("alice", client_id="client-2")
        assert _call(other, "introduce", requestState=state).error["code"] == -32602

    def test_another_tools_and_other_arguments_are_refused(self, client: Client) -> None:
        state = _call(client, "introduce").result["requestState"]
        assert _call(client, "two_steps", requestState=state).error["code"] == -32602
        other = _call(client, "introduce", {"greeting": "Bye"}, requestState=state)
        assert other.error["code"] == -32602

    @pytest.mark.parametrize("forged", ["", "x", "ä", 7, None, {}, "gAAAA" * 100_000])
    def test_what_is_none_of_ours_is_refused(self, client: Client, forged: Any) -> None:
        assert _call(client, "introduce", requestState=forged).error["code"] == -32602

    def test_a_changed_one_is_refused(self, client: Client) -> None:
        state = _call(client, "introduce").result["requestState"]
        for place in (0, 5, len(state) // 2, len(state) - 1):
            changed = state[:place] + ("A" if state[place] != "A" else "B") + state[place + 1 :]
            assert _call(client, "introduce", requestState=changed).error["code"] == -32602

    def test_one_of_a_server_with_another_secret_is_refused(self, make_world: MakeWorld) -> None:
        modules = ("tests.mcpserver.asking.asking_tools",)
        one, other = (make_world(tool_modules=modules).client() for _ in range(2))
        state = _call(one, "introduce").result["requestState"]
        assert _call(other, "introduce", requestState=state).error["code"] == -32602

    def test_an_old_one_is_refused(self, make_world: MakeWorld) -> None:
        modules = ("tests.mcpserver.asking.asking_tools",)
        now = [time.time()]
        client = make_world(lambda: now[0], tool_modules=modules).client()
        state = _call(client, "introduce").result["requestState"]
        now[0] += 301
        assert _call(client, "introduce", requestState=state).error["code"] == -32602

    def test_a_secret_is_replaced_without_refusing_what_was_sealed_before(
        self, make_world: MakeWorld
    ) -> None:
        modules, old, new = ("tests.mcpserver.asking.asking_tools",), "o" * 40, "n" * 40
        before = make_world(tool_modules=modules, state_secret=old).client()
        after = make_world(tool_modules=modules, state_secret=f"{new},{old}").client()
        state = _call(before, "introduce").result["requestState"]
        answered = _call(after, "introduce", inputResponses={"who": _accepts(name="Ann")}, requestState=state)
        assert "Ann" in _text(answered)
