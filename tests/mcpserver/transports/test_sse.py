"""HTTP+SSE of 2024-11-05."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.mcpserver.running import Server, call, events
from tests.support.waiting import wait_until


class Stream:
    """An open stream, its events as they come, and its message endpoint."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.response = server.send("", server.headers(), "/sse", "GET", stream=True)
        self.events = events(self.response)
        first = next(self.events)
        assert first["event"] == "endpoint"
        self.endpoint = first["data"]

    def post(self, message: Any, person: str = "alice") -> requests.Response:
        return self.server.send(message, self.server.headers(person), "/" + self.endpoint)

    def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(next(self.events)["data"])
        return message


@pytest.fixture
def stream(server: Server) -> Iterator[Stream]:
    opened = Stream(server)
    yield opened
    opened.response.close()


def test_the_endpoint_is_relative_so_that_it_survives_a_gateway(stream: Stream) -> None:
    assert stream.endpoint.startswith("message?sessionId=")


def test_messages_are_accepted_and_answered_on_the_stream(stream: Stream) -> None:
    params = {
        "protocolVersion": "2024-11-05",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    answer = stream.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    assert (answer.status_code, answer.content) == (202, b"")
    assert stream.next()["result"]["protocolVersion"] == "2024-11-05"
    stream.post(call("hello_mcp", 2))
    assert stream.next()["result"]["content"][0]["text"] == "Hello I am MCPTool!"


def test_progress_comes_before_the_result(stream: Stream) -> None:
    stream.post(call("count_to", 3, limit=2))
    kinds = []
    while "result" not in (message := stream.next()):
        kinds.append(message["method"])
    assert kinds.count("notifications/progress") == 2


def test_an_unknown_method_is_an_error_on_the_stream(stream: Stream) -> None:
    stream.post({"jsonrpc": "2.0", "id": 4, "method": "nothing"})
    assert stream.next()["error"]["code"] == -32601


@pytest.mark.requirement("MCP-AUTH-403-ALL-SCOPES")
def test_a_call_without_the_scopes_is_challenged_at_once(stream: Stream) -> None:
    answer = stream.post(call("needs_more"))
    assert answer.status_code == 403
    assert 'scope="mcp:tools model:invoke"' in answer.headers["WWW-Authenticate"]


def test_another_person_cannot_reach_the_session(stream: Stream) -> None:
    assert stream.post(call("hello_mcp"), person="bob").status_code == 404


def test_the_session_ends_with_its_stream(server: Server) -> None:
    stream = Stream(server)
    stream.response.close()
    wait_until(lambda: stream.post(call("hello_mcp")).status_code == 404, "the session is gone")


def test_a_client_that_tries_the_newer_transport_here_is_sent_back(server: Server) -> None:
    assert server.send(call("hello_mcp"), server.headers(), "/sse").status_code == 405


@pytest.mark.parametrize("query", ["", "?sessionId=", "?sessionId=a&sessionId=b", "?sessionId=unknown"])
def test_a_message_without_its_session_is_refused(server: Server, query: str) -> None:
    assert server.send(call("hello_mcp"), server.headers(), "/message" + query).status_code in (400, 404)
