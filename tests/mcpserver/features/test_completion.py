"""Completion: suggestions for arguments of prompts and variables of templates."""

from typing import Any

import pytest
from mcp_types import methods

from mcpserver.tools import Context, prompt
from tests.mcpserver.client import MODERN, Client
from tests.mcpserver.conftest import World
from tests.mcpserver.features.conftest import VERSIONS

PROMPT = {"type": "ref/prompt", "name": "suggest"}
TEMPLATE = {"type": "ref/resource", "uri": "test://paint/{colour}/{size}"}
NOTE = {"type": "ref/resource", "uri": "note://{name}"}


def params(ref: dict[str, str], name: str, value: str = "", **others: str) -> dict[str, Any]:
    body: dict[str, Any] = {"ref": ref, "argument": {"name": name, "value": value}}
    return body | ({"context": {"arguments": others}} if others else {})


def complete(client: Client, ref: dict[str, str], name: str, value: str = "", **others: str) -> Any:
    result = client.modern("completion/complete", params(ref, name, value, **others)).result
    methods.validate_server_result("completion/complete", MODERN, result)
    return result["completion"]


def test_types_with_few_values_complete_by_themselves_the_best_first(client: Client) -> None:
    assert complete(client, PROMPT, "language")["values"] == ["python", "ruby", "rust"]
    assert complete(client, PROMPT, "language", "RU")["values"] == ["ruby", "rust"]
    assert complete(client, PROMPT, "language", "t")["values"] == ["python", "rust"]
    assert complete(client, TEMPLATE, "colour", "b")["values"] == ["blue"]
    review = {"type": "ref/prompt", "name": "review"}
    assert complete(client, review, "thorough")["values"] == ["true", "false"]
    assert complete(client, review, "tone")["values"] == ["red", "blue"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_revision_has_it(world: World, version: str) -> None:
    session = world.client().open_session(version)
    result = session.request("completion/complete", params(PROMPT, "language", "py")).result
    methods.validate_server_result("completion/complete", version, result)
    assert result == {"completion": {"values": ["python"], "total": 1, "hasMore": False}}


def test_what_was_filled_in_before_narrows_the_suggestions(client: Client) -> None:
    assert complete(client, PROMPT, "framework", "", language="python")["values"] == ["flask", "django"]
    assert complete(client, PROMPT, "framework") == {"values": [], "total": 0, "hasMore": False}


@pytest.mark.requirement("MCP-COMPLETE-LIMIT")
def test_at_most_a_hundred_are_sent_and_the_rest_is_announced(client: Client) -> None:
    many = complete(client, PROMPT, "many", "x")
    assert (len(many["values"]), many["total"], many["hasMore"]) == (100, 150, True)
    endless = complete(client, PROMPT, "endless", "x")
    assert (len(endless["values"]), endless["hasMore"]) == (100, True)
    assert "total" not in endless


def test_an_argument_that_nobody_completes_has_no_suggestions(client: Client) -> None:
    assert complete(client, PROMPT, "free", "x") == {"values": [], "total": 0, "hasMore": False}


@pytest.mark.requirement("MCP-COMPLETE-ACCESS")
def test_suggestions_are_the_callers_own(world: World, notes: dict[str, list[str]]) -> None:
    notes["tenant.alice"] = ["one", "two"]
    notes["tenant.bob"] = ["three"]
    assert complete(world.client(), NOTE, "name", "t")["values"] == ["two"]
    assert complete(world.client("bob"), NOTE, "name", "t")["values"] == ["three"]


@pytest.mark.requirement("MCP-COMPLETE-ACCESS")
def test_suggestions_need_the_scopes_of_what_they_are_for(client: Client) -> None:
    ref = {"type": "ref/prompt", "name": "expensive"}
    answer = client.modern("completion/complete", params(ref, "subject"))
    assert answer.status == 403
    assert b"secret" not in answer.body


@pytest.mark.requirement("MCP-COMPLETE-INVALID")
@pytest.mark.parametrize(
    "body",
    [
        params({"type": "ref/prompt", "name": "unknown"}, "language"),
        params({"type": "ref/resource", "uri": "test://unknown"}, "language"),
        params({"type": "ref/other", "name": "suggest"}, "language"),
        params(PROMPT, "unknown"),
        params({"type": "ref/resource", "uri": "test://readme"}, "name"),
        {"ref": PROMPT},
        {"argument": {"name": "language", "value": ""}},
        {"ref": PROMPT, "argument": {"name": "language", "value": 7}},
        {"ref": PROMPT, "argument": "language"},
        params(PROMPT, "language") | {"context": {"arguments": {"language": 7}}},
        {},
    ],
)
def test_what_cannot_be_completed_is_invalid_params(client: Client, body: dict[str, Any]) -> None:
    for answer in (
        client.modern("completion/complete", body),
        client.open_session("2025-11-25").request("completion/complete", body),
    ):
        assert (answer.status, answer.error["code"]) == (200, -32602)


@pytest.mark.parametrize("name", ["wrong", "mistaken", "asking"])
def test_a_mistake_is_an_internal_error_with_a_reference(client: Client, name: str) -> None:
    capabilities = {"io.modelcontextprotocol/clientCapabilities": {"roots": {}}}
    error = client.modern("completion/complete", params(PROMPT, name), meta=capabilities).error
    assert error["code"] == -32603
    assert "reference" in error["message"]
    assert "hunter2" not in error["message"]


def test_a_function_with_other_parameters_is_refused_when_decorated() -> None:
    def function(word: str) -> str:
        """Say a word."""
        return word

    def too_many(value: str, arguments: dict[str, str], more: int) -> list[str]:
        return []

    def nothing(ctx: Context) -> list[str]:
        return []

    for wrong in (too_many, nothing):
        with pytest.raises(TypeError, match="completion"):
            prompt(completions={"word": wrong})(function)
