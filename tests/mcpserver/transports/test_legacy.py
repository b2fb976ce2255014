"""2025-03-26 to 2025-11-25 over Streamable HTTP: sessions, streams that can be resumed, batches of their
time.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp_types.methods import validate_server_result

from tests.mcpserver.running import Server, call, events, running
from tests.support.waiting import wait_until

VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")


def request(method: str, identifier: int = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        *((version, version) for version in VERSIONS),
        ("2024-11-05", "2024-11-05"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_initialize_agrees_on_a_revision(server: Server, asked: str, answered: str) -> None:
    params = {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = server.send(request("initialize", **params), server.headers())
    result = answer.json()["result"]
    assert result["protocolVersion"] == answered
    validate_server_result("initialize", answered, result)
    assert answer.headers["Mcp-Session-Id"].isascii()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_lists_and_calls_tools(server: Server, version: str) -> None:
    session = server.open_session(version)
    listed = server.send(request("tools/list"), session).json()["result"]
    validate_server_result("tools/list", version, listed)
    assert "hello_mcp" in [tool["name"] for tool in listed["tools"]]
    assert ("outputSchema" in json.dumps(listed)) == (version >= "2025-06-18")
    called = server.send(call("add", a=2, b=3), session).json()["result"]
    validate_server_result("tools/call", version, called)
    assert ("structuredContent" in called) == (version >= "2025-06-18")
    assert server.send(request("ping"), session).json()["result"] == {}


def test_a_session_that_was_ended_is_not_found(server: Server) -> None:
    session = server.open_session()
    assert server.send("", session, method="DELETE").status_code == 204
    assert server.send(request("ping"), session).status_code == 404


def test_another_persons_session_is_as_if_absent(server: Server) -> None:
    session = server.open_session(person="alice")
    stolen = {**session, **{"Authorization": server.headers("bob")["Authorization"]}}
    foreign = server.send(request("ping"), stolen)
    absent = server.send(request("ping"), {**stolen, "Mcp-Session-Id": "no-such-session"})
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()
    assert server.send("", stolen, method="DELETE").status_code == 404
    assert server.send("", stolen, method="GET").status_code == 404
    assert server.send(request("ping"), session).status_code == 200


def test_a_revision_nobody_knows_in_the_header_is_refused(server: Server) -> None:
    answer = server.send(request("ping"), {**server.open_session(), "MCP-Protocol-Version": "1999-01-01"})
    assert answer.status_code == 400


def test_without_a_session_tools_are_served_all_the_same(server: Server) -> None:
    answer = server.send(call("hello_mcp"), server.headers(MCP_Protocol_Version="2025-11-25"))
    assert answer.json()["result"]["content"][0]["text"] == "Hello I am MCPTool!"


def test_batches_belong_to_one_revision_only(server: Server) -> None:
    batch = [request("ping", 1), {"jsonrpc": "2.0", "method": "notifications/x"}, request("nothing", 2), 5]
    answers = server.send(batch, server.open_session("2025-03-26")).json()
    assert [(a["id"], a.get("error", {}).get("code")) for a in answers] == [
        (1, None),
        (2, -32601),
        (None, -32600),
    ]
    assert server.send(batch, server.open_session("2025-06-18")).status_code == 400
    assert server.send([], server.headers()).status_code == 400


def test_notifications_and_responses_are_accepted_without_an_answer(server: Server) -> None:
    session = server.open_session()
    for message in (
        {"jsonrpc": "2.0", "method": "notifications/x"},
        {"jsonrpc": "2.0", "id": 9, "result": {}},
    ):
        answer = server.send(message, session)
        assert (answer.status_code, answer.content) == (202, b"")


def test_the_log_level_is_the_sessions(server: Server) -> None:
    session = server.open_session()
    server.send(request("logging/setLevel", level="error"), session)
    answer = server.send(call("count_to", limit=2), session, stream=True)
    methods = [json.loads(event["data"] or "{}").get("method") for event in events(answer)]
    assert methods.count("notifications/message") == 0
    assert methods.count("notifications/progress") == 2


def test_a_client_that_lost_its_stream_resumes_where_it_was(server: Server, tmp_path: Path) -> None:
    session = server.open_session("2025-11-25")
    awaited = tmp_path / "awaited"
    lost = server.send(call("wait_for_file", path=str(awaited)), session, stream=True)
    seen = []
    for event in events(lost):
        seen.append(event)
        if json.loads(event["data"] or "{}").get("method") == "notifications/progress":
            break
    assert seen[0]["data"] == ""  # the event that primes the client
    lost.close()
    awaited.touch()
    resumed = server.send("", {**session, "Last-Event-ID": seen[-1]["id"]}, method="GET", stream=True)
    (last,) = [json.loads(event["data"]) for event in events(resumed)]
    assert last["result"]["content"][0]["text"] == "there"
    assert not Path(f"{awaited}.stopped").exists()


def test_clients_before_2025_11_25_are_sent_no_empty_event(server: Server) -> None:
    answer = server.send(call("count_to", limit=1), server.open_session("2025-06-18"), stream=True)
    assert "" not in [event["data"] for event in events(answer)]


def test_an_event_id_of_nobodys_is_refused(server: Server) -> None:
    for identifier in ("x", "99_1", "-1_1", "1_" + "9" * 40):
        headers = {**server.open_session(), "Last-Event-ID": identifier}
        assert server.send("", headers, method="GET").status_code == 400


def test_a_cancelled_call_stops_and_is_not_answered(server: Server, tmp_path: Path) -> None:
    session = server.open_session()
    awaited = tmp_path / "awaited"
    answer = server.send(call("wait_for_file", 5, path=str(awaited)), session, stream=True)
    arriving = events(answer)
    next(arriving)
    next(arriving)
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}}
    assert server.send(cancel, session).status_code == 202
    assert list(arriving) == []
    wait_until(Path(f"{awaited}.stopped").exists, "the call is stopped", deadline_seconds=5)


def test_a_stream_needs_a_session(server: Server) -> None:
    assert server.send("", server.headers(), method="GET").status_code == 405


def test_one_caller_cannot_take_all_the_sessions(tmp_path: Path) -> None:
    with running(tmp_path, MCPSERVER_MAX_SESSIONS_PER_CALLER="2") as small:
        small.open_session()
        small.open_session()
        params = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        refused = small.send(request("initialize", **params), small.headers())
        assert refused.status_code == 429
        assert refused.headers["Retry-After"]
        assert small.open_session(person="bob")


def test_several_workers_serve_old_clients_without_sessions(tmp_path: Path) -> None:
    with running(tmp_path, MCPSERVER_WORKERS="2") as two:
        params = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        answer = two.send(request("initialize", **params), two.headers())
        assert answer.status_code == 200
        assert "Mcp-Session-Id" not in answer.headers
        # A log level would have to be kept in a session.
        assert answer.json()["result"]["capabilities"].keys() == {
            "tools",
            "resources",
            "prompts",
            "completions",
        }
        assert two.send(call("hello_mcp"), two.headers(MCP_Protocol_Version="2025-11-25")).status_code == 200
        assert two.send("", two.headers(), "/sse", "GET").status_code == 503
        assert (
            b"mcpserver_tool_duration_seconds_count"
            in two.send("", {}, method="GET", path="/../metrics").content
        )
