"""2026-07-28 over Streamable HTTP: results as JSON, streams where something is reported, leaving cancels."""

from typing import Any

import orjson
import pytest
from mcp_types import methods

from tests.mcpserver.client import META, MODERN, Client
from tests.mcpserver.conftest import World
from tests.mcpserver.probing_tools import probe

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
LOG_KEY = {"io.modelcontextprotocol/logLevel": "info"}
PROGRESS = {"progressToken": "p"}


def test_a_call_without_reports_is_answered_as_one_json_object(client: Client) -> None:
    answer = client.call("hello_mcp", id="a")
    methods.validate_server_result("tools/call", MODERN, answer.result)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["id"] == "a"
    assert answer.result["content"] == [{"type": "text", "text": "Hello I am MCPTool!"}]
    assert answer.result["resultType"] == "complete"


def test_no_session_is_opened_or_echoed(client: Client) -> None:
    answer = client.call("hello_mcp", headers={"Mcp-Session-Id": "made-up", "Last-Event-ID": "1_1"})
    assert answer.status == 200
    assert answer.headers["Mcp-Session-Id"] is None


def test_a_call_that_reports_progress_becomes_a_stream_that_the_response_ends(client: Client) -> None:
    answer = client.call("report", meta=PROGRESS)
    assert answer.headers["X-Accel-Buffering"] == "no"
    messages = [event.message for event in answer.events()]
    assert [m["method"] for m in messages[:-1]] == ["notifications/progress"] * 3
    for message in messages[:-1]:
        methods.parse_server_notification(message["method"], MODERN, message["params"])
        assert message["params"]["progressToken"] == "p"
    assert messages[-1]["id"] == 1
    methods.validate_server_result("tools/call", MODERN, messages[-1]["result"])


def test_streams_of_this_revision_have_no_event_ids(client: Client) -> None:
    assert {event.id for event in client.call("report", meta=PROGRESS).events()} == {None}


def test_log_lines_are_sent_only_to_a_client_that_asks_for_them(client: Client) -> None:
    assert client.call("report").result["content"][0]["text"] == "reported"
    messages = [event.message for event in client.call("report", meta=LOG_KEY).events()]
    lines = [m["params"]["data"] for m in messages[:-1]]
    assert lines == ["line 1", "line 2", "line 3"]
    for message in messages[:-1]:
        methods.parse_server_notification(message["method"], MODERN, message["params"])


def test_a_client_that_leaves_its_stream_cancels_the_call(client: Client) -> None:
    own = probe("leaves-stream")
    answer = client.call("wait", {"name": "leaves-stream", "says": True}, meta=PROGRESS)
    assert next(answer.events()).message["method"] == "notifications/progress"
    answer.close()
    assert own.ended.get(timeout=1) == "cancelled"


@pytest.mark.parametrize("tool", ["wait", "wait_silently"])
def test_a_client_that_leaves_before_anything_was_sent_cancels_the_call(world: World, tool: str) -> None:
    own = probe(f"leaves-{tool}")
    client = world.client()
    params = {"name": tool, "arguments": {"name": f"leaves-{tool}"}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": tool}
    connection = client.start("POST", orjson.dumps(message), headers)
    assert own.started.wait(5)
    connection.close()
    assert own.ended.get(timeout=1) == "cancelled"
    assert client.call("hello_mcp").status == 200


def test_a_call_that_is_silent_for_long_is_kept_alive_by_comments(make_world: Any) -> None:
    client = make_world(keepalive_seconds=0.05).client()
    own = probe("silent")
    answer = client.call("wait", {"name": "silent"})
    lines = [answer.raw.readline() for _ in range(2)]
    assert lines == [b": keep-alive\n", b"\n"]
    own.released.set()
    assert [event.message["result"]["content"][0]["text"] for event in answer.events()] == ["waited"]


def test_a_stream_ends_when_the_token_expires(world: World) -> None:
    own = probe("expires")
    client = world.client(lifetime_seconds=2)
    answer = client.call("wait", {"name": "expires", "says": True}, meta=PROGRESS)
    assert len(list(answer.events())) == 1
    assert own.ended.get(timeout=1) == "cancelled"


def test_a_notification_of_an_unknown_revision_is_refused(client: Client) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/anything"}
    answer = client.post(message, {"MCP-Protocol-Version": "v999"})
    assert (answer.status, answer.error["code"], answer.json["id"]) == (400, -32022, None)


def test_a_response_is_refused_because_nothing_was_asked(client: Client) -> None:
    answer = client.post({"jsonrpc": "2.0", "id": 1, "result": {}}, {"MCP-Protocol-Version": MODERN})
    assert (answer.status, answer.error["code"]) == (400, -32600)


def test_a_batch_is_refused(client: Client) -> None:
    answer = client.post([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], {"MCP-Protocol-Version": MODERN})
    assert (answer.status, answer.error["code"]) == (400, -32600)


@pytest.mark.parametrize("http_method", ["GET", "DELETE"])
def test_get_and_delete_without_a_session_are_not_allowed(client: Client, http_method: str) -> None:
    answer = client.send(http_method, headers={"MCP-Protocol-Version": MODERN})
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


def test_a_call_of_an_unknown_tool_is_invalid_params(client: Client) -> None:
    answer = client.call("no_such_tool", id=-5)
    assert answer.error["code"] == -32602
    assert answer.json["id"] == -5


def test_a_call_without_arguments_is_a_call_with_none(client: Client) -> None:
    assert client.modern("tools/call", {"name": "hello_mcp"}).status == 200


def test_an_unknown_cursor_is_refused(client: Client) -> None:
    assert client.modern("tools/list", {"cursor": "nowhere"}).error["code"] == -32602


def test_the_right_scopes_open_the_same_tool(world: World) -> None:
    assert world.client(scope="mcp:tools model:invoke").call("expensive").status == 200
