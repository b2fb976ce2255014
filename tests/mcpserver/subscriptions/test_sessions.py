"""What sessions of the revisions before 2026 are told on the stream that belongs to no request."""

from collections.abc import Iterator
from typing import Any

import pytest
from mcp_types import methods

from mcpserver.changes.memory import KEPT
from tests.mcpserver.client import Answer, Client, LegacyClient, initialize
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.subscriptions.conftest import TOOLS, change_list, short, update

VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")


def subscribe(session: LegacyClient, *uris: str) -> None:
    """Subscribe to resources."""
    for uri in uris:
        assert session.request("resources/subscribe", {"uri": uri}).result == {}


def messages(answer: Answer, version: str = "2025-11-25") -> Iterator[Any]:
    """Yield a stream's messages, each checked."""
    for event in answer.events():
        if event.data:
            message = event.message
            methods.parse_server_notification(message["method"], version, message.get("params"))
            yield message


def told(stream: Iterator[Any], times: int = 1) -> list[str]:
    """Return the next notifications, by short names."""
    return [short(next(stream)) for _ in range(times)]


@pytest.fixture
def session(alice: Client) -> LegacyClient:
    return alice.open_session("2025-11-25")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lists_and_what_was_subscribed_to_are_told(alice: Client, version: str) -> None:
    session = alice.open_session(version)
    subscribe(session, "test://one", "snippet://a")
    stream = messages(session.listen(), version)
    update(alice, "test://many/1")
    update(alice, "test://one")
    for kind in ("tools", "prompts", "resources"):
        change_list(alice, kind)
    assert alice.call("save_snippet", {"snippetname": "a", "snippet": "text"}).status == 200
    assert told(stream, 6) == ["test://one", "tools", "prompts", "resources", "snippet://a", "resources"]


def test_what_is_not_subscribed_to_any_more_is_not_told(alice: Client, session: LegacyClient) -> None:
    subscribe(session, "test://one", "test://many/1")
    stream = messages(session.listen())
    assert session.request("resources/unsubscribe", {"uri": "test://one"}).result == {}
    assert session.request("resources/unsubscribe", {"uri": "test://never"}).result == {}
    update(alice, "test://one")
    update(alice, "test://many/1")
    assert told(stream) == ["test://many/1"]


def test_a_subscription_that_is_made_while_the_stream_is_open_holds(
    alice: Client, session: LegacyClient
) -> None:
    stream = messages(session.listen())
    update(alice, "test://one")
    subscribe(session, "test://one")
    change_list(alice, "tools")
    update(alice, "test://one")
    assert told(stream, 2) == ["tools", "test://one"]


@pytest.mark.requirement("MCP-SUB-LOSSLESS")
def test_what_changed_before_the_stream_was_opened_is_told_when_it_is(
    alice: Client, session: LegacyClient
) -> None:
    subscribe(session, "test://one")
    update(alice, "test://one")
    update(alice, "test://many/1")
    change_list(alice, "tools")
    stream = messages(session.listen())
    assert told(stream, 2) == ["test://one", "tools"]
    change_list(alice, "prompts")
    assert told(stream) == ["prompts"]


def test_what_changed_before_the_session_began_is_not_told(alice: Client) -> None:
    change_list(alice, "tools")
    session = alice.open_session("2025-06-18")
    stream = messages(session.listen())
    change_list(alice, "prompts")
    assert told(stream) == ["prompts"]


@pytest.mark.requirement("MCP-SUB-LOSSLESS")
@pytest.mark.parametrize("resumes", [True, False])
def test_what_changed_between_two_streams_is_told_once(
    alice: Client, session: LegacyClient, resumes: bool
) -> None:
    subscribe(session, "test://one", "test://many/1")
    first = session.listen()
    events = first.events()
    assert next(events).data == ""
    update(alice, "test://one")
    last = next(events)
    first.close()
    update(alice, "test://many/1")
    change_list(alice, "tools")
    second = messages(session.listen(last.id if resumes else None))
    assert told(second, 2) == ["test://many/1", "tools"]
    change_list(alice, "prompts")
    assert told(second) == ["prompts"]


@pytest.mark.requirement("MCP-SUB-LOSSLESS")
def test_after_too_many_changes_all_that_is_watched_may_have_changed(
    alice: Client, bob: Client, session: LegacyClient
) -> None:
    subscribe(session, "test://one", "test://many/1")
    update(alice, "test://one")
    update(bob, "test://many/1", times=KEPT)
    stream = messages(session.listen())
    assert sorted(told(stream, 5)) == ["prompts", "resources", "test://many/1", "test://one", "tools"]
    update(alice, "test://one")
    assert told(stream) == ["test://one"]


def test_a_long_time_without_news_is_no_reason_to_tell_everything(
    alice: Client, bob: Client, session: LegacyClient
) -> None:
    first = session.listen()
    update(bob, "test://many/1", times=KEPT + 1)
    change_list(alice, "tools")
    assert told(messages(first)) == ["tools"]
    update(bob, "test://many/1", times=KEPT + 1)
    first.close()
    second = messages(session.listen())
    change_list(alice, "prompts")
    assert told(second) == ["prompts"]


def test_a_newer_stream_is_told_in_the_older_ones_place(alice: Client, session: LegacyClient) -> None:
    older, newer = session.listen(), session.listen()
    assert [event.data for event in older.events()] == [""]
    stream = messages(newer)
    for kind in ("tools", "prompts", "tools"):
        change_list(alice, kind)
    assert told(stream, 3) == ["tools", "prompts", "tools"]


def test_the_stream_of_a_call_is_told_nothing(alice: Client, session: LegacyClient) -> None:
    answer = session.call("change_list", {"kind": "tools"})
    assert answer.result["content"][0]["text"] == "said"
    assert told(messages(session.listen())) == ["tools"]


def test_a_resource_that_is_not_there_cannot_be_subscribed_to(session: LegacyClient) -> None:
    answer = session.request("resources/subscribe", {"uri": "test://nowhere"})
    assert (answer.error["code"], answer.error["data"]) == (-32002, {"uri": "test://nowhere"})


def test_a_resource_that_needs_more_scopes_is_a_challenge(session: LegacyClient) -> None:
    answer = session.request("resources/subscribe", {"uri": "test://secret"})
    assert answer.status == 403
    assert 'scope="mcp:tools model:invoke"' in answer.headers["WWW-Authenticate"]


def test_a_subscription_needs_a_session(alice: Client) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": {"uri": "test://one"}}
    answer = alice.post(request, {"MCP-Protocol-Version": "2025-11-25"})
    assert (answer.status, answer.error["code"]) == (400, -32600)


@pytest.mark.parametrize("method", ["resources/subscribe", "resources/unsubscribe"])
@pytest.mark.parametrize("params", [{}, {"uri": 1}, {"uri": None}, {"uri": ["test://one"]}])
def test_a_uri_is_needed(session: LegacyClient, method: str, params: dict[str, Any]) -> None:
    assert session.request(method, params).error["code"] == -32602


def test_a_session_has_a_bounded_number_of_subscriptions(
    session: LegacyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcpserver.sessions.session.MAX_SUBSCRIPTIONS", 2)
    subscribe(session, "test://many/1", "test://many/2")
    assert session.request("resources/subscribe", {"uri": "test://many/3"}).error["code"] == -32001
    subscribe(session, "test://many/1")
    assert session.request("resources/unsubscribe", {"uri": "test://many/1"}).result == {}
    subscribe(session, "test://many/3")


def test_the_uris_of_a_session_have_a_bounded_length_together(session: LegacyClient) -> None:
    uris = [f"test://many/{n}-{'x' * 4000}" for n in range(66)]
    codes = [session.request("resources/subscribe", {"uri": uri}).json.get("error") for uri in uris]
    assert codes[:60] == [None] * 60
    assert codes[-1]["code"] == -32001


@pytest.mark.requirement("MCP-SUB-ERAS")
@pytest.mark.parametrize("method", ["resources/subscribe", "resources/unsubscribe"])
def test_since_2026_07_28_there_are_no_such_methods(alice: Client, method: str) -> None:
    answer = alice.modern(method, {"uri": "test://one"})
    assert (answer.status, answer.error["code"]) == (404, -32601)


@pytest.mark.requirement("MCP-SUB-DECLARED")
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_told_is_declared(alice: Client, version: str) -> None:
    capabilities = alice.post(initialize(version)).result["capabilities"]
    assert capabilities["tools"] == {"listChanged": True}
    assert capabilities["prompts"] == {"listChanged": True}
    assert capabilities["resources"] == {"listChanged": True, "subscribe": True}


def test_several_workers_that_share_nothing_promise_nothing(make_world: MakeWorld) -> None:
    client = make_world(workers=2, tool_modules=TOOLS).client()
    assert "listChanged" not in str(client.post(initialize("2025-11-25")).result["capabilities"])


def test_the_stream_of_2024_11_05_is_told_as_well(world: World, alice: Client) -> None:
    answer = alice.send("GET", path="/mcp/sse", headers={"Accept": "text/event-stream"})
    events = answer.events()
    path = "/mcp/" + next(events).data
    subscribing = {"method": "resources/subscribe", "params": {"uri": "test://one"}}
    for id, request in enumerate((initialize("2024-11-05"), subscribing)):
        assert alice.post({**request, "jsonrpc": "2.0", "id": id}, path=path).status == 202
        assert next(events).message["id"] == id
    update(world.client("bob"), "test://one")
    update(alice, "test://one")
    change_list(alice, "tools")
    assert [short(next(events).message) for _ in range(2)] == ["test://one", "tools"]


def test_the_stream_of_2024_11_05_takes_no_subscription_of_2026(alice: Client) -> None:
    answer = alice.send("GET", path="/mcp/sse", headers={"Accept": "text/event-stream"})
    events = answer.events()
    path = "/mcp/" + next(events).data
    params = {"notifications": {"toolsListChanged": True}}
    request = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    assert alice.post(request, path=path).status == 202
    assert next(events).message["error"]["code"] == -32601
