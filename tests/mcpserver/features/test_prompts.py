"""Prompts: arguments, messages of every kind, and errors."""

from typing import Any

import pytest
from mcp_types import methods

from mcpserver.tools import Prompt, prompt
from tests.mcpserver.client import MODERN, Client
from tests.mcpserver.conftest import World
from tests.mcpserver.features import sample_features
from tests.mcpserver.features.conftest import VERSIONS


def get(client: Client, name: str, **arguments: str) -> Any:
    return client.modern("prompts/get", {"name": name, "arguments": arguments})


def test_arguments_are_listed_as_the_signature_and_the_docstring_say(client: Client) -> None:
    prompts = {each["name"]: each for each in client.modern("prompts/list").result["prompts"]}
    assert prompts["review"]["arguments"] == [
        {"name": "code", "required": True, "description": "what to review."},
        {"name": "times", "required": False, "description": "how often."},
        {"name": "thorough", "required": False},
        {"name": "tone", "required": False},
    ]
    assert prompts["review"]["description"] == "Review code."
    assert "arguments" not in prompts["simple"]


def test_text_becomes_a_message_of_the_user(client: Client) -> None:
    result = client.modern("prompts/get", {"name": "simple"}).result
    methods.validate_server_result("prompts/get", MODERN, result)
    assert result["messages"] == [{"role": "user", "content": {"type": "text", "text": "Say something."}}]
    assert result["description"] == "Say something simple."


def test_arguments_arrive_as_text_and_are_read_as_their_types(client: Client) -> None:
    result = get(client, "review", code="x = 1", times="3", thorough="true", tone="red").result
    assert result["messages"][0]["content"]["text"] == "x = 1 3 True Colour.RED"


@pytest.mark.requirement("MCP-PROMPT-ARGUMENTS")
@pytest.mark.parametrize(
    "arguments", [{}, {"code": "x", "times": "many"}, {"code": "x", "tone": "loud"}, {"times": "1"}]
)
def test_arguments_that_are_missing_or_do_not_fit_are_invalid_params(
    client: Client, arguments: dict[str, str]
) -> None:
    error = get(client, "review", **arguments).error
    assert error["code"] == -32602
    assert "Invalid arguments" in error["message"]
    assert "many" not in error["message"]


@pytest.mark.requirement("MCP-PROMPT-ARGUMENTS")
@pytest.mark.parametrize("arguments", [{"code": 7}, {"code": {}}, [], "text", {"code": None}])
def test_arguments_are_texts(client: Client, arguments: Any) -> None:
    answer = client.modern("prompts/get", {"name": "review", "arguments": arguments})
    assert answer.error["code"] == -32602


@pytest.mark.requirement("MCP-PROMPT-UNKNOWN")
def test_an_unknown_prompt_is_invalid_params(client: Client) -> None:
    error = get(client, "x" * 1000).error
    assert error["code"] == -32602
    assert len(error["message"]) < 100


@pytest.mark.parametrize("version", [*VERSIONS, MODERN])
def test_messages_of_every_kind_reach_every_revision(world: World, version: str) -> None:
    client = world.client()
    params = {"name": "conversation"}
    answer = (
        client.modern("prompts/get", params)
        if version == MODERN
        else client.open_session(version).request("prompts/get", params)
    )
    methods.validate_server_result("prompts/get", version, answer.result)
    messages = answer.result["messages"]
    assert [each["role"] for each in messages] == ["user", "assistant", "user", "user", "user", "user"]
    link = "resource_link" if version >= "2025-06-18" else "text"
    assert [each["content"]["type"] for each in messages] == [
        *("text", "text", "image", "audio"),
        link,
        "resource",
    ]
    assert ("_meta" in messages[2]["content"]) == (version >= "2025-06-18")
    assert ("_meta" in messages[5]["content"]["resource"]) == (version >= "2025-06-18")


def test_a_prompt_without_its_scope_is_a_challenge(client: Client) -> None:
    answer = get(client, "expensive", subject="x")
    assert answer.status == 403
    assert 'scope="mcp:tools model:invoke"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", ["prompt_crash", "prompt_junk"])
def test_a_mistake_is_an_internal_error_with_a_reference(client: Client, name: str) -> None:
    answer = get(client, name)
    assert (answer.status, answer.error["code"]) == (200, -32603)
    assert "reference" in answer.error["message"]
    assert "hunter2" not in answer.error["message"]
    assert get(client, "simple").status == 200


def test_what_a_prompt_says_reaches_the_client(client: Client) -> None:
    assert get(client, "prompt_refuse").error == {"code": -32602, "message": "There is nothing to say"}


def test_a_prompt_may_report_first(client: Client) -> None:
    answer = client.modern("prompts/get", {"name": "prompt_reports"}, meta={"progressToken": 1})
    first, last = [event.message for event in answer.events()]
    assert first["method"] == "notifications/progress"
    assert last["result"]["messages"][0]["content"]["text"] == "reported"


def test_an_argument_that_text_cannot_be_read_as_is_refused_when_decorated() -> None:
    def function(items: list[str]) -> str:
        """Take a list."""
        return ""

    with pytest.raises(TypeError, match="items"):
        prompt()(function)
    with pytest.raises(TypeError, match="name"):
        prompt(name="no spaces")(sample_features.simple.function)
    with pytest.raises(TypeError, match="no argument"):
        prompt(completions={"other": lambda value: []})(sample_features.simple.function)


def test_a_decorated_function_can_still_be_called() -> None:
    assert isinstance(sample_features.simple, Prompt)
    assert sample_features.simple() == "Say something."
