"""Tools with a JSON Schema that was written by hand: shown as it stands, and every call is held to it."""

import time
from typing import Any

import pytest

from mcpserver.tools import Context, tool
from tests.mcpserver.client import Client
from tests.mcpserver.features import sample_features


def takes_all(arguments: dict[str, Any]) -> str:
    """Take anything."""
    return ""


def called(client: Client, arguments: Any) -> Any:
    return client.call("own_schema", arguments).result


def test_the_schema_is_listed_word_for_word(client: Client) -> None:
    (entry,) = [t for t in client.modern("tools/list").result["tools"] if t["name"] == "own_schema"]
    schema = entry["inputSchema"]
    assert schema == dict(sample_features.own_schema.signature.input_schema)
    assert {"$schema", "$defs", "allOf", "if", "then", "else", "additionalProperties"} <= schema.keys()
    assert schema["$defs"]["address"]["$anchor"] == "address"


@pytest.mark.requirement("MCP-TOOL-VALIDATES")
@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({}, "email"),
        ({"phone": 7}, "phone"),
        ({"phone": "1"}, "email"),
        ({"phone": "1", "address": {}}, "address"),
        ({"email": "aa@", "more": 1}, "more"),
    ],
)
def test_arguments_that_do_not_fit_are_explained_to_the_model(
    client: Client, arguments: Any, where: str
) -> None:
    result = called(client, arguments)
    assert result["isError"] is True
    assert "Invalid arguments" in result["content"][0]["text"]
    assert where in result["content"][0]["text"]


def test_arguments_that_fit_arrive_whole(client: Client) -> None:
    result = called(client, {"phone": "1", "address": {"city": "x"}})
    assert result["content"][0]["text"] == "address phone"


def test_what_was_sent_is_not_repeated(client: Client) -> None:
    text = called(client, {"phone": ["hunter2"], "x" * 5000: 1})["content"][0]["text"]
    assert "hunter2" not in text
    assert len(text) < 1000


def test_a_costly_pattern_costs_little(client: Client) -> None:
    started = time.monotonic()
    assert called(client, {"email": "a" * 5000 + "b"})["isError"] is True
    assert time.monotonic() - started < 2


@pytest.mark.requirement("MCP-SCHEMA-DIALECT", "MCP-SCHEMA-REF")
@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"type": "object", "properties": {"a": {"type": "wrong"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://example.com/schema.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"type": "object", "$schema": "https://example.com/dialect"},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
    ],
)
def test_a_schema_that_cannot_be_served_is_refused_when_decorated(schema: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        tool(input_schema=schema)(takes_all)


@pytest.mark.requirement("MCP-SCHEMA-DIALECT")
def test_other_dialects_are_judged_by_their_own_rules() -> None:
    draft_7 = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "dependencies": {"a": ["b"]},
    }
    made = tool(input_schema=draft_7)(takes_all)
    assert made.signature.read({"b": 1}) == {"arguments": {"b": 1}}
    with pytest.raises(ValueError, match="b"):
        made.signature.read({"a": 1})


def test_a_schema_may_refer_to_itself() -> None:
    schema = {"type": "object", "properties": {"child": {"$ref": "#"}}, "required": ["name"]}
    made = tool(input_schema=schema)(takes_all)
    assert made.signature.read({"name": 1, "child": {"name": 2}})
    with pytest.raises(ValueError, match="child"):
        made.signature.read({"name": 1, "child": {}})


def test_the_function_takes_all_arguments_at_once() -> None:
    def two(a: int, b: int) -> str:
        """Take two."""
        return ""

    def only_context(ctx: Context) -> str:
        """Take none."""
        return ""

    for function in (two, only_context):
        with pytest.raises(TypeError, match="one parameter"):
            tool(input_schema={"type": "object"})(function)
