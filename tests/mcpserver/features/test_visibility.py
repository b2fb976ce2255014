"""Tools that some callers do not know of."""

import pytest

from tests.mcpserver.client import Client
from tests.mcpserver.conftest import World


def names(client: Client) -> list[str]:
    return [each["name"] for each in client.modern("tools/list").result["tools"]]


@pytest.mark.requirement("MCP-TOOL-ACCESS")
def test_a_tool_is_listed_for_whom_it_is_visible(world: World) -> None:
    assert "for_bob" in names(world.client("bob"))
    assert "for_bob" not in names(world.client("alice"))
    session = world.client("alice").open_session("2025-11-25")
    assert "for_bob" not in [each["name"] for each in session.request("tools/list").result["tools"]]


@pytest.mark.requirement("MCP-TOOL-ACCESS")
def test_for_others_it_is_as_if_it_were_not_there(world: World) -> None:
    assert world.client("bob").call("for_bob").result["content"][0]["text"] == "hello bob"
    alice = world.client("alice")
    hidden, unknown = alice.call("for_bob").error, alice.call("none").error
    assert hidden == {"code": -32602, "message": "Unknown tool: for_bob"}
    assert hidden["code"] == unknown["code"]


def test_a_mistake_in_the_answer_hides_the_tool_and_nothing_else(client: Client) -> None:
    assert "for_nobody_knows" not in names(client)
    assert "hello_mcp" in names(client)
    assert client.call("for_nobody_knows").error["code"] == -32602


def test_the_order_is_the_same_each_time(client: Client) -> None:
    assert names(client) == names(client)
