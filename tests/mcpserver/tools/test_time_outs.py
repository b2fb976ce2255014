"""A tool that a time-out of its own ends: the call is answered all the same."""

import pytest

from tests.mcpserver.client import Client
from tests.mcpserver.conftest import MakeWorld


@pytest.fixture
def client(make_world: MakeWorld) -> Client:
    return make_world(tool_modules=("tests.mcpserver.tools.late_tools",)).client()


@pytest.mark.parametrize("name", ["give_up", "give_up_with_context"])
@pytest.mark.parametrize("in_session", [False, True])
def test_a_time_out_that_a_tool_does_not_catch_is_a_failure_with_a_reference(
    client: Client, name: str, in_session: bool
) -> None:
    caller = client.open_session("2025-11-25") if in_session else client
    result = caller.call(name).result
    assert result["isError"] is True
    assert "reference" in result["content"][0]["text"]
    assert caller.call("hello_mcp").status == 200
