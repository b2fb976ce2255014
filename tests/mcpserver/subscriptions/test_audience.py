"""Nobody hears of what only somebody else can see."""

import time

import pytest

from mcpserver.changes.memory import MemoryChanges
from mcpserver.changes.model import ListChanged, ResourceUpdated, TaskChanged
from mcpserver.principal import Principal
from mcpserver.protocol.call import Call
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.jsonrpc import Request
from mcpserver.protocol.request_state import RequestStates
from mcpserver.protocol.resource_methods import ResourceMethods
from mcpserver.protocol.subscriptions import Filter, Subscriptions
from mcpserver.tools.registry import Features
from mcpserver.transports.running import SilentChannel
from tests.mcpserver.client import META, Client
from tests.mcpserver.conftest import World
from tests.mcpserver.subscriptions import publishing_tools
from tests.mcpserver.subscriptions.conftest import Subscriber, change_list, update

ALL = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}


@pytest.mark.requirement("MCP-SUB-AUDIENCE")
def test_ones_own_changes_are_told_to_oneself_alone(alice: Client, bob: Client) -> None:
    asked = {**ALL, "resourceSubscriptions": ["test://one"]}
    alices, bobs = Subscriber(alice, **asked), Subscriber(bob, **asked)
    update(alice, "test://one")
    change_list(alice, "resources")
    change_list(bob, "tools")
    assert alices.told(3) == ["test://one", "resources", "tools"]
    assert bobs.told() == ["tools"]


@pytest.mark.requirement("MCP-SUB-AUDIENCE")
def test_what_everybody_sees_is_told_to_everybody(alice: Client, bob: Client) -> None:
    asked = {**ALL, "resourceSubscriptions": ["test://one"]}
    listeners = [Subscriber(client, **asked) for client in (alice, bob)]
    update(alice, "test://one", everybody=True)
    change_list(alice, "resources", everybody=True)
    change_list(alice, "prompts")
    for listener in listeners:
        assert listener.told(3) == ["test://one", "resources", "prompts"]


@pytest.mark.requirement("MCP-SUB-AUDIENCE")
def test_another_application_of_the_same_person_is_told_too(world: World, alice: Client) -> None:
    subscriber = Subscriber(world.client("alice", client_id="client-2"), resourceSubscriptions=["test://one"])
    update(alice, "test://one")
    assert subscriber.told() == ["test://one"]


@pytest.mark.requirement("MCP-SUB-AUDIENCE")
def test_a_session_is_told_of_its_persons_changes_alone(alice: Client, bob: Client) -> None:
    session = bob.open_session("2025-06-18")
    assert session.request("resources/subscribe", {"uri": "test://one"}).result == {}
    events = session.listen().events()
    update(alice, "test://one")
    change_list(alice, "resources")
    change_list(alice, "tools")
    assert next(events).message["method"] == "notifications/tools/list_changed"


@pytest.mark.parametrize(
    ("change", "is_told"),
    [
        (ListChanged("tools", None), True),
        (ListChanged("tools", "alice"), True),
        (ListChanged("tools", "bob"), False),
        (ListChanged("prompts", None), False),
        (ResourceUpdated("test://one", "alice"), True),
        (ResourceUpdated("test://one", None), True),
        (ResourceUpdated("test://one", "bob"), False),
        (ResourceUpdated("test://one/", "alice"), False),
        (TaskChanged("mine"), True),
        (TaskChanged("other"), False),
    ],
)
def test_a_filter_decides_by_kind_and_person(
    change: ListChanged | ResourceUpdated | TaskChanged, is_told: bool
) -> None:
    own = Filter("alice", frozenset({"tools"}), {"test://one"}, frozenset({"mine"}))
    assert own.wants(change) is is_told


def _rules(features: Features) -> Subscriptions:
    states = RequestStates(["x" * 40], 60, time.time)
    return Subscriptions(features, ResourceMethods(features, Contexts(MemoryChanges(), states, None)))


def _asking() -> Call:
    principal = Principal(
        subject="alice",
        client_id="client",
        scopes=frozenset({"mcp:tools"}),
        tenant_id="tenant",
        object_id="alice",
        roles=(),
        session_id="session",
        expires_at_seconds=0,
        token_id="token",
        key_id="key",
    )
    params = {"notifications": {**ALL, "resourceSubscriptions": ["test://one"]}, "_meta": META}
    request = Request(1, "subscriptions/listen", params)
    return Call(principal, request, MODERN, SilentChannel(), None, None, {})


@pytest.mark.requirement("MCP-SUB-ACK")
def test_kinds_that_are_not_served_are_not_agreed_on() -> None:
    rules = _rules(Features((publishing_tools.update,)))
    agreed = rules.agreed(_asking())
    assert (agreed.kinds, list(agreed.uris)) == ({"tools"}, [])
    assert rules.of_session("alice", ()).kinds == {"tools"}
    assert rules.methods().keys() == {"subscriptions/listen"}
    assert _rules(Features((), (publishing_tools.many,))).agreed(_asking()).kinds == {"tools", "resources"}
    assert _rules(Features((), (), (publishing_tools.words,))).agreed(_asking()).kinds == {"tools", "prompts"}
