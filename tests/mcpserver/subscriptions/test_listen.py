"""subscriptions/listen of 2026-07-28: agreed on first, then told what was asked for and nothing else."""

from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcpserver import app
from mcpserver.revocations import Revocations
from mcpserver.transports import listening
from tests.mcpserver.client import Client
from tests.mcpserver.conftest import MakeWorld, TokenIssuer, World
from tests.mcpserver.subscriptions.conftest import TOOLS, Subscriber, change_list, listen, update
from tests.support.waiting import wait_until

ALL = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}


@pytest.mark.requirement("MCP-SUB-ACK")
def test_what_was_agreed_on_comes_first(alice: Client) -> None:
    subscriber = Subscriber(alice, **ALL, resourceSubscriptions=["test://one", "test://many/2"])
    assert subscriber.answer.headers["Content-Type"] == "text/event-stream"
    assert subscriber.answer.headers["X-Accel-Buffering"] == "no"
    assert subscriber.agreed == {**ALL, "resourceSubscriptions": ["test://one", "test://many/2"]}


@pytest.mark.requirement("MCP-SUB-ID")
@pytest.mark.parametrize("request_id", ["a name", 7, -1, 0])
def test_every_message_names_the_subscription(alice: Client, request_id: Any) -> None:
    subscriber = Subscriber(alice, id=request_id, toolsListChanged=True)
    change_list(alice, "tools")
    assert subscriber.told() == ["tools"]  # which checks the name


@pytest.mark.requirement("MCP-SUB-ASKED-ONLY")
@pytest.mark.parametrize("kind", ["tools", "prompts", "resources"])
def test_only_the_lists_that_were_asked_for_are_told(alice: Client, kind: str) -> None:
    subscriber = Subscriber(alice, **{f"{kind}ListChanged": True})
    for other in {"tools", "prompts", "resources"} - {kind}:
        change_list(alice, other)
    update(alice, "test://one", everybody=True)
    change_list(alice, kind)
    assert subscriber.told() == [kind]


@pytest.mark.requirement("MCP-SUB-ASKED-ONLY")
def test_only_the_resources_that_were_asked_for_are_told(alice: Client) -> None:
    subscriber = Subscriber(alice, resourceSubscriptions=["test://many/a", "test://many/b"])
    for name in "cbda":
        update(alice, f"test://many/{name}")
    assert subscriber.told(2) == ["test://many/b", "test://many/a"]


@pytest.mark.requirement("MCP-SUB-ASKED-ONLY")
@pytest.mark.parametrize("value", [False, None])
def test_what_is_switched_off_is_not_asked_for(alice: Client, value: Any) -> None:
    subscriber = Subscriber(alice, toolsListChanged=value, promptsListChanged=True)
    assert subscriber.agreed == {"promptsListChanged": True}


@pytest.mark.requirement("MCP-SUB-ACK")
def test_resources_that_are_not_there_or_not_for_the_caller_are_not_agreed_on(
    world: World, alice: Client
) -> None:
    asked = ["test://nowhere", "not a URI", "", "test://secret", "test://one", "x" * 5000]
    assert Subscriber(alice, resourceSubscriptions=asked).agreed == {"resourceSubscriptions": ["test://one"]}
    invited = world.client("carol", scope="mcp:tools model:invoke")
    both = {"resourceSubscriptions": ["test://secret", "test://one"]}
    assert Subscriber(invited, **both).agreed == both


@pytest.mark.requirement("MCP-SUB-ACK")
def test_a_subscription_may_be_to_nothing(alice: Client) -> None:
    assert Subscriber(alice).agreed == {}
    assert Subscriber(alice, resourceSubscriptions=[]).agreed == {}


def test_a_resource_that_is_asked_for_twice_is_told_once(alice: Client) -> None:
    subscriber = Subscriber(alice, resourceSubscriptions=["test://one"] * 3, toolsListChanged=True)
    assert subscriber.agreed["resourceSubscriptions"] == ["test://one"]
    update(alice, "test://one")
    change_list(alice, "tools")
    assert subscriber.told(2) == ["test://one", "tools"]


@pytest.mark.requirement("MCP-SUB-NO-REPORTS")
def test_what_calls_report_stays_on_their_own_streams(alice: Client) -> None:
    subscriber = Subscriber(alice, **ALL)
    meta = {"progressToken": "p", "io.modelcontextprotocol/logLevel": "debug"}
    reports = [event.message for event in alice.call("report", meta=meta).events()]
    assert len(reports) == 10
    change_list(alice, "tools")
    assert subscriber.told() == ["tools"]


def test_a_client_may_have_several_subscriptions(alice: Client) -> None:
    first = Subscriber(alice, id=1, toolsListChanged=True)
    second = Subscriber(alice, id=2, toolsListChanged=True, promptsListChanged=True)
    change_list(alice, "prompts")
    change_list(alice, "tools")
    assert first.told() == ["tools"]
    assert second.told(2) == ["prompts", "tools"]


def test_saving_a_snippet_tells_its_resource_and_the_list(alice: Client) -> None:
    subscriber = Subscriber(alice, resourcesListChanged=True, resourceSubscriptions=["snippet://a%20b"])
    assert alice.call("save_snippet", {"snippetname": "a b", "snippet": "text"}).status == 200
    assert subscriber.told(2) == ["snippet://a%20b", "resources"]
    assert alice.call("delete_snippet", {"snippetname": "a b"}).status == 200
    assert subscriber.told(2) == ["snippet://a%20b", "resources"]


@pytest.mark.parametrize(
    "notifications",
    [None, [], "all", {"resourceSubscriptions": "test://one"}, {"resourceSubscriptions": [1]}],
)
def test_a_filter_of_another_shape_is_invalid_params(alice: Client, notifications: Any) -> None:
    assert listen(alice, notifications).error["code"] == -32602


def test_a_subscription_without_a_filter_is_invalid_params(alice: Client) -> None:
    assert alice.modern("subscriptions/listen").error["code"] == -32602


def test_too_many_resources_are_refused(alice: Client) -> None:
    answer = listen(alice, {"resourceSubscriptions": [f"test://many/{n}" for n in range(1001)]})
    assert answer.error["code"] == -32602
    assert "1000" in answer.error["message"]


def test_names_that_are_too_long_together_are_refused(alice: Client) -> None:
    uris = [f"test://many/{n}-{'x' * 4000}" for n in range(66)]
    assert listen(alice, {"resourceSubscriptions": uris}).error["code"] == -32602
    assert len(Subscriber(alice, resourceSubscriptions=uris[:60]).agreed["resourceSubscriptions"]) == 60


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=3), each, max_size=3),
    max_leaves=6,
)
_MEMBERS = st.sampled_from([*ALL, "resourceSubscriptions", "taskIds", "_meta", "other"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notifications=_VALUES | st.dictionaries(_MEMBERS, _VALUES))
def test_no_filter_fails(busy_client: Client, notifications: Any) -> None:
    answer = listen(busy_client, notifications)
    if answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream":
        assert next(answer.events()).message["method"] == "notifications/subscriptions/acknowledged"
        answer.close()
    else:
        assert answer.error["code"] in (-32602, -32600, -32021)


@pytest.fixture
def busy_client(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(listening, "MAX_PER_CALLER", 10_000)
    return world.client()


@pytest.mark.requirement("MCP-SUB-LEAVING")
def test_a_person_has_a_bounded_number_of_subscriptions_and_leaving_makes_room(
    alice: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "MAX_PER_CALLER", 2)
    first = Subscriber(alice, toolsListChanged=True)
    Subscriber(alice, toolsListChanged=True)
    refused = listen(alice, {})
    assert (refused.status, refused.error["code"], refused.headers["Retry-After"]) == (429, -32001, "5")
    assert Subscriber(bob).agreed == {}
    first.answer.close()
    wait_until(lambda: listen(alice, {}).status == 200, "the first is over")


@pytest.mark.requirement("MCP-SUB-KEEPALIVE")
def test_silence_is_broken_by_comments(make_world: MakeWorld) -> None:
    subscriber = Subscriber(make_world(keepalive_seconds=0.05, tool_modules=TOOLS).client())
    lines = [subscriber.answer.raw.readline() for _ in range(4)]
    assert lines == [b": keep-alive\n", b"\n"] * 2


@pytest.mark.requirement("MCP-SUB-CLOSURE")
def test_a_subscription_ends_with_its_result_when_the_token_expires(world: World) -> None:
    subscriber = Subscriber(world.client(lifetime_seconds=1.5), toolsListChanged=True)
    (last,) = subscriber.rest()
    assert "result" in last


@pytest.mark.requirement("MCP-SUB-CLOSURE")
def test_a_subscription_ends_with_its_result_when_the_session_is_revoked(
    make_world: MakeWorld, token_issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "Revocations", partial(Revocations, poll_seconds=0.02))
    world = make_world(revocation_url=f"{token_issuer.url}/revoked", tool_modules=TOOLS)
    revoked, other = world.client(), world.client(sid="session-2")
    ending = Subscriber(revoked, toolsListChanged=True)
    going_on = Subscriber(other, toolsListChanged=True)
    monkeypatch.setattr(token_issuer, "revoked", ["session-1"])
    (last,) = ending.rest()
    assert "result" in last
    change_list(other, "tools")
    assert going_on.told() == ["tools"]
    world.app.drain()


@pytest.mark.requirement("MCP-SUB-CLOSURE")
def test_subscriptions_end_with_their_results_when_the_server_stops(world: World, alice: Client) -> None:
    before = Subscriber(alice, toolsListChanged=True)
    world.app.drain()
    (last,) = before.rest()
    assert "result" in last
    (last,) = Subscriber(alice, toolsListChanged=True).rest()
    assert "result" in last


@pytest.mark.requirement("MCP-SUB-DECLARED")
def test_several_workers_that_share_nothing_promise_nothing(make_world: MakeWorld) -> None:
    client = make_world(workers=2, tool_modules=TOOLS).client()
    capabilities = client.modern("server/discover").result["capabilities"]
    assert "listChanged" not in str(capabilities)
    assert "subscribe" not in str(capabilities)
    answer = listen(client, {"toolsListChanged": True})
    assert (answer.status, answer.error["code"]) == (404, -32601)


@pytest.mark.requirement("MCP-SUB-ERAS")
@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_revisions_before_know_no_such_method(alice: Client, version: str) -> None:
    answer = alice.open_session(version).request("subscriptions/listen", {"notifications": {}})
    assert answer.error["code"] == -32601


@pytest.mark.requirement("MCP-SUB-DECLARED")
def test_what_is_told_is_declared(alice: Client) -> None:
    capabilities = alice.modern("server/discover").result["capabilities"]
    assert capabilities["tools"] == {"listChanged": True}
    assert capabilities["prompts"] == {"listChanged": True}
    assert capabilities["resources"] == {"listChanged": True, "subscribe": True}
