"""HTTP+SSE of 2024-11-05: what a session may do, and whose it is."""

from collections.abc import Iterator
from typing import Any

import pytest
from mcp_types import methods

from tests.mcpserver.client import Answer, Client, SentEvent, initialize
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.probing_tools import probe
from tests.support.waiting import wait_until


class Sse:
    """An open stream and its message endpoint."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answer = client.send("GET", path="/mcp/sse", headers={"Accept": "text/event-stream"})
        self.events: Iterator[SentEvent] = self.answer.events()
        self.path = "/mcp/" + next(self.events).data

    def ask(self, method: str, params: Any = None, id: Any = 1) -> Answer:
        return self.client.post(
            {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}, path=self.path
        )

    def next(self) -> Any:
        return next(self.events).message


@pytest.fixture
def sse(client: Client) -> Sse:
    return Sse(client)


@pytest.mark.parametrize("asked", ["2024-11-05", "2025-03-26", "2025-11-25"])
def test_the_revision_that_was_agreed_on_is_the_one_that_holds(sse: Sse, asked: str) -> None:
    sse.ask("initialize", initialize(asked)["params"])
    assert sse.next()["result"]["protocolVersion"] == asked
    sse.ask("tools/list")
    result = sse.next()["result"]
    methods.validate_server_result("tools/list", asked, result)
    assert ("outputSchema" in str(result)) == (asked >= "2025-06-18")


def test_a_cancelled_call_is_stopped_and_never_answered(sse: Sse) -> None:
    own = probe("sse-cancel")
    assert sse.ask("tools/call", {"name": "wait", "arguments": {"name": "sse-cancel"}}, id=5).status == 202
    assert own.started.wait(5)
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}}
    assert sse.client.post(cancel, path=sse.path).status == 202
    assert own.ended.get(timeout=1) == "cancelled"
    sse.ask("ping", id=6)
    assert sse.next()["id"] == 6


def test_a_client_that_leaves_ends_its_session_and_its_calls(sse: Sse) -> None:
    own = probe("sse-leaves")
    sse.ask("tools/call", {"name": "wait_silently", "arguments": {"name": "sse-leaves"}})
    assert own.started.wait(5)
    sse.answer.close()
    assert own.ended.get(timeout=1) == "cancelled"
    assert sse.ask("ping").status == 404


@pytest.mark.parametrize("stranger", [{"person": "bob"}, {"client_id": "client-2"}])
def test_nobody_else_may_send_messages(world: World, sse: Sse, stranger: dict[str, str]) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    answer = world.client(**stranger).post(message, path=sse.path)
    assert (answer.status, answer.json["error"]["message"]) == (404, "Session not found")


def test_a_client_that_does_not_read_is_told_to_wait(sse: Sse, world: World) -> None:
    own = probe("sse-flood")
    arguments = {"name": "sse-flood", "count": 10**9, "size": 4000}
    sse.ask("tools/call", {"name": "flood", "arguments": arguments}, id=1)
    wait_until(lambda: sse.ask("ping", id=2).status == 429, "the memory is full")
    assert world.client().call("hello_mcp").status == 200
    sse.answer.close()
    assert own.ended.get(timeout=5) == "cancelled"


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"5", b'{"jsonrpc":"2.0"}', b'[{"jsonrpc":"2.0","method":"x"}]']
)
def test_a_message_that_is_none_is_refused_at_once(sse: Sse, body: bytes) -> None:
    answer = sse.client.post(body, path=sse.path)
    assert answer.status == 400
    assert answer.error["code"] in (-32700, -32600)


def test_the_stream_is_refused_for_a_foreign_origin_and_without_a_token(world: World, client: Client) -> None:
    foreign = client.send("GET", path="/mcp/sse", headers={"Origin": "https://evil.example"})
    assert foreign.status == 403
    assert foreign.headers["Access-Control-Allow-Origin"] is None
    assert Client(world.port, "x").send("GET", path="/mcp/sse").status == 401


def test_the_stream_ends_with_the_token(world: World) -> None:
    assert list(Sse(world.client(lifetime_seconds=1.5)).events) == []


def test_an_idle_stream_is_kept_alive_by_comments(make_world: MakeWorld) -> None:
    sse = Sse(make_world(keepalive_seconds=0.05).client())
    assert sse.answer.raw.readline() == b": keep-alive\n"


def test_both_mounts_serve_the_stream(client: Client) -> None:
    headers = {"Accept": "text/event-stream"}
    answer = client.send("GET", path="/runtime/webhooks/mcp/sse", headers=headers)
    assert next(answer.events()).data.startswith("message?sessionId=")
