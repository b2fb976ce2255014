"""Tools that fail: what the client sees, what the log keeps, and that nothing else breaks."""

import logging
import re

import pytest
from mcp_types import methods

from tests.mcpserver.client import MODERN, Client
from tests.mcpserver.conftest import World


def test_what_a_tool_says_to_the_model_is_a_result(client: Client) -> None:
    result = client.call("refuse").result
    methods.validate_server_result("tools/call", MODERN, result)
    assert (result["isError"], result["content"][0]["text"]) == (True, "Say please")


def test_a_bug_is_a_reference_for_the_client_and_a_traceback_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        text = client.call("crash").result["content"][0]["text"]
    assert "hunter2" not in text
    assert re.fullmatch(r"The tool failed \(reference [\w-]{16}\)", text)
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("kind", ["surrogate", "object", "huge"])
def test_a_result_that_is_no_json_is_a_failure_with_a_reference(client: Client, kind: str) -> None:
    for _ in range(2):
        answer = client.call("junk", {"kind": kind}, id="mine")
        assert answer.status == 200
        assert answer.json["id"] == "mine"
        assert "reference" in str(answer.json)


@pytest.mark.parametrize("kind", ["surrogate", "object"])
def test_such_a_result_does_not_leave_a_session_hanging(client: Client, kind: str) -> None:
    session = client.open_session("2025-11-25")
    assert "reference" in str(session.call("junk", {"kind": kind}).json)
    assert session.call("hello_mcp").status == 200


@pytest.mark.parametrize("in_session", [True, False])
def test_a_tool_that_tries_to_end_the_process_fails_like_any_other(client: Client, in_session: bool) -> None:
    caller = client.open_session("2025-11-25") if in_session else client
    assert "reference" in str(caller.call("junk", {"kind": "leaves"}).json)
    assert caller.call("hello_mcp").status == 200


def test_a_result_of_another_type_than_promised_is_a_failure(client: Client) -> None:
    result = client.call("broken_promise").result
    assert result["isError"] is True
    assert "structuredContent" not in result


def test_failures_are_counted_by_tool(client: Client) -> None:
    client.call("crash")
    text = client.send("GET", path="/metrics").body.decode()
    assert 'mcpserver_tool_duration_seconds_count{outcome="failed",tool="crash"}' in text


def test_unknown_tools_make_no_new_time_series(client: Client) -> None:
    client.call("made_up_by_a_client")
    assert "made_up_by_a_client" not in client.send("GET", path="/metrics").body.decode()


def test_sounds_are_described_to_a_revision_that_has_none(world: World) -> None:
    for version in ("2025-03-26", "2025-11-25"):
        result = world.client().open_session(version).call("play").result
        methods.validate_server_result("tools/call", version, result)
        assert result["content"][0]["type"] == "audio"
