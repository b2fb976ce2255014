"""2026-07-28 over Streamable HTTP: stateless requests whose headers mirror their bodies."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from mcp_types.methods import validate_server_result

from tests.mcpserver.running import META, MODERN, Server, events
from tests.support.waiting import wait_until


def error_of(response: Any, status: int, code: int) -> dict[str, Any]:
    """Return the error of a response, after looking at the rest of it."""
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (status, code), response.text
    assert body["id"] == 7
    error: dict[str, Any] = body["error"]
    return error


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in META.items() if not key.endswith(name)}


@pytest.mark.requirement("MCP-HTTP-REQUEST-TYPES")
def test_a_tool_call_is_answered_with_plain_json_by_any_worker(server: Server) -> None:
    answer = server.modern("tools/call", {"name": "hello_mcp"})
    assert answer.headers["Content-Type"] == "application/json"
    assert "Mcp-Session-Id" not in answer.headers
    result = answer.json()["result"]
    assert result["content"] == [{"type": "text", "text": "Hello I am MCPTool!"}]
    assert result["resultType"] == "complete"
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "mcpstack"


@pytest.mark.parametrize("method", ["server/discover", "tools/list", "tools/call"])
def test_each_result_is_of_the_revisions_own_shape(server: Server, method: str) -> None:
    params = {"name": "add", "arguments": {"a": 1}} if method == "tools/call" else None
    validate_server_result(method, MODERN, server.modern(method, params).json()["result"])


def test_discover_names_what_is_served_and_no_more(server: Server) -> None:
    result = server.modern("server/discover").json()["result"]
    assert result["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"]
    features = {"tools", "resources", "prompts", "completions", "logging"}
    assert set(result["capabilities"]) == {*features, "extensions"}


def test_lists_may_be_cached(server: Server) -> None:
    result = server.modern("tools/list").json()["result"]
    assert result["ttlMs"] > 0
    assert result["cacheScope"] == "public"


@pytest.mark.requirement("MCP-HTTP-META-REQUIRED")
@pytest.mark.parametrize("missing", ["protocolVersion", "clientCapabilities"])
def test_a_request_without_its_required_metadata_is_malformed(server: Server, missing: str) -> None:
    error_of(server.modern("tools/list", meta=without(missing)), 400, -32602)


def test_a_request_without_any_metadata_is_malformed(server: Server) -> None:
    error_of(server.modern("tools/list", meta=None), 400, -32602)


def test_a_request_without_client_info_is_served(server: Server) -> None:
    assert server.modern("tools/list", meta=without("clientInfo")).status_code == 200


@pytest.mark.requirement("MCP-HTTP-STANDARD-HEADERS", "MCP-HTTP-VERSION-HEADER")
@pytest.mark.parametrize("header", ["MCP_Protocol_Version", "Mcp_Method", "Mcp_Name"])
def test_a_missing_header_is_a_mismatch(server: Server, header: str) -> None:
    error_of(server.modern("tools/call", {"name": "hello_mcp"}, **{header: None}), 400, -32020)


@pytest.mark.requirement(
    "MCP-HTTP-BASE64", "MCP-HTTP-HEADER-CASE", "MCP-HTTP-HEADER-MISMATCH", "MCP-HTTP-VERSION-HEADER"
)
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("MCP_Protocol_Version", "2025-11-25"),
        ("Mcp_Method", "tools/list"),
        ("Mcp_Method", "TOOLS/CALL"),
        ("Mcp_Name", "add"),
        ("Mcp_Name", "HELLO_MCP"),
        ("Mcp_Name", "=?base64?!!!?="),
        ("Mcp_Name", "=?base64?" + base64.b64encode(b"add").decode() + "?="),
    ],
)
def test_a_header_that_differs_from_the_body_is_a_mismatch(server: Server, header: str, value: str) -> None:
    error_of(server.modern("tools/call", {"name": "hello_mcp"}, **{header: value}), 400, -32020)


@pytest.mark.requirement("MCP-HTTP-BASE64")
@pytest.mark.parametrize(
    "value", ["hello_mcp  ", "=?base64?" + base64.b64encode(b"hello_mcp").decode() + "?="]
)
def test_a_name_may_be_padded_or_encoded(server: Server, value: str) -> None:
    assert server.modern("tools/call", {"name": "hello_mcp"}, Mcp_Name=value).status_code == 200


@pytest.mark.requirement("MCP-HTTP-VERSION-UNSUPPORTED")
def test_a_version_nobody_knows_is_told_what_is_served(server: Server) -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "v999.0.0"}
    error = error_of(server.modern("tools/list", meta=meta, MCP_Protocol_Version="v999.0.0"), 400, -32022)
    assert error["data"]["requested"] == "v999.0.0"
    assert MODERN in error["data"]["supported"]


@pytest.mark.requirement("MCP-HTTP-METHOD-404")
@pytest.mark.parametrize(
    "method",
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "unknown/method", "tools/lisT"],
)
def test_a_method_that_the_revision_does_not_have_is_not_found(server: Server, method: str) -> None:
    error_of(server.modern(method), 404, -32601)


def test_an_unknown_tool_is_an_invalid_parameter(server: Server) -> None:
    error_of(server.modern("tools/call", {"name": "no_such_tool"}), 200, -32602)


@pytest.mark.parametrize("arguments", [[], "x", 3, True])
def test_arguments_that_are_no_object_are_invalid(server: Server, arguments: Any) -> None:
    error_of(server.modern("tools/call", {"name": "hello_mcp", "arguments": arguments}), 200, -32602)


@pytest.mark.requirement("MCP-HTTP-NOTIFICATION-202")
def test_a_notification_is_accepted_without_an_answer(server: Server) -> None:
    message = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"_meta": META, "requestId": 1},
    }
    answer = server.send(message, server.headers(MCP_Protocol_Version=MODERN))
    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.requirement("MCP-HTTP-REQUEST-TYPES", "MCP-HTTP-STREAM-RELATED")
def test_progress_turns_the_answer_into_a_stream_that_ends_with_the_result(server: Server) -> None:
    meta = {**META, "progressToken": "p"}
    answer = server.modern("tools/call", {"name": "count_to", "arguments": {"limit": 3}}, meta=meta)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    messages = [json.loads(event["data"]) for event in events(answer)]
    assert [m["params"]["progress"] for m in messages[:-1]] == [1, 2, 3]
    assert {m["method"] for m in messages[:-1]} == {"notifications/progress"}
    assert messages[-1]["result"]["content"][0]["text"] == "counted to 3"


def test_without_a_progress_token_or_a_log_level_nothing_is_sent_before_the_result(server: Server) -> None:
    answer = server.modern("tools/call", {"name": "count_to", "arguments": {"limit": 3}})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("info", 2), ("warning", 0)])
def test_log_lines_are_sent_from_the_level_on_that_the_request_names(
    server: Server, level: str, lines: int
) -> None:
    meta = {**META, "progressToken": 1, "io.modelcontextprotocol/logLevel": level}
    answer = server.modern("tools/call", {"name": "count_to", "arguments": {"limit": 2}}, meta=meta)
    methods = [json.loads(event["data"]).get("method") for event in events(answer)]
    assert methods.count("notifications/message") == lines


@pytest.mark.requirement("MCP-HTTP-CANCEL")
def test_a_client_that_leaves_its_stream_cancels_the_call(server: Server, tmp_path: Path) -> None:
    awaited = tmp_path / "awaited"
    meta = {**META, "progressToken": 1}
    answer = server.modern(
        "tools/call", {"name": "wait_for_file", "arguments": {"path": str(awaited)}}, meta=meta
    )
    next(events(answer))
    answer.close()
    wait_until(Path(f"{awaited}.stopped").exists, "the call is stopped", deadline_seconds=5)


def test_a_million_notifications_nobody_reads_leave_the_others_served(server: Server) -> None:
    meta = {**META, "progressToken": 1}
    answer = server.modern("tools/call", {"name": "count_to", "arguments": {"limit": 1_000_000}}, meta=meta)
    next(events(answer))
    assert server.modern("tools/call", {"name": "hello_mcp"}).status_code == 200
    answer.close()


@pytest.mark.requirement("MCP-AUTH-403-ALL-SCOPES")
def test_a_token_without_the_scopes_is_challenged_with_all_that_are_needed(server: Server) -> None:
    answer = server.modern("tools/call", {"name": "needs_more"})
    assert answer.status_code == 403
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="mcp:tools model:invoke"' in challenge
    assert "/.well-known/oauth-protected-resource/mcp" in challenge
