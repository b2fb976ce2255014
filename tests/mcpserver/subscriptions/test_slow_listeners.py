"""A listener that does not read harms nobody, and is told once of what changed meanwhile."""

import gevent
import pytest

from tests.mcpserver.client import Client
from tests.mcpserver.conftest import World
from tests.mcpserver.subscriptions.conftest import Subscriber, change_list, listen, update

LONG = "x" * 3000
FLOOD = 20_000


def _uris() -> list[str]:
    return [f"test://many/{number}-{LONG}" for number in range(50)]


@pytest.mark.requirement("MCP-SUB-LOSSLESS")
def test_what_changes_often_while_nobody_reads_is_told_once(alice: Client) -> None:
    subscriber = Subscriber(alice, resourceSubscriptions=_uris(), toolsListChanged=True)
    update(alice, f"test://many/{{}}-{LONG}", times=FLOOD)
    change_list(alice, "tools")
    told = []
    while (name := subscriber.told()[0]) != "tools":
        told.append(name)
    assert set(told) == set(_uris())
    assert len(told) < FLOOD
    update(alice, _uris()[7])
    assert subscriber.told() == [_uris()[7]]


@pytest.mark.requirement("MCP-SUB-LOSSLESS")
def test_a_session_that_does_not_read_is_told_once_too(alice: Client) -> None:
    session = alice.open_session("2025-06-18")
    for uri in _uris():
        assert session.request("resources/subscribe", {"uri": uri}).result == {}
    events = session.listen().events()
    update(alice, f"test://many/{{}}-{LONG}", times=FLOOD)
    change_list(alice, "tools")
    told = []
    while (message := next(events).message)["method"] == "notifications/resources/updated":
        told.append(message["params"]["uri"])
    assert set(told) == set(_uris())
    assert len(told) < FLOOD
    assert message["method"] == "notifications/tools/list_changed"


def test_a_flood_of_changes_leaves_room_for_the_answers_of_whoever_is_told(
    alice: Client, bob: Client
) -> None:
    events = bob.send("GET", path="/mcp/sse", headers={"Accept": "text/event-stream"}).events()
    path = "/mcp/" + next(events).data
    for number, uri in enumerate(_uris()):
        params = {"uri": uri}
        message = {"jsonrpc": "2.0", "id": number, "method": "resources/subscribe", "params": params}
        assert bob.post(message, path=path).status == 202
        assert next(events).message["result"] == {}
    flooding = gevent.spawn(update, alice, f"test://many/{{}}-{LONG}", times=FLOOD, everybody=True)
    for number in range(100, 110):
        assert bob.post({"jsonrpc": "2.0", "id": number, "method": "ping"}, path=path).status == 202
    flooding.get()
    assert bob.post({"jsonrpc": "2.0", "id": 110, "method": "ping"}, path=path).status == 202
    answers = []
    while 110 not in answers:
        message = next(events).message
        if "id" in message:
            answers.append(message["id"])
    assert answers == list(range(100, 111))


def test_others_are_served_while_a_function_says_changes_without_a_pause(world: World, bob: Client) -> None:
    subscriber = Subscriber(bob, toolsListChanged=True)
    flooding = gevent.spawn(update, world.client("alice"), "test://one", times=200_000, everybody=True)
    gevent.sleep(0)
    assert bob.call("hello_mcp").status == 200
    change_list(bob, "tools")
    assert subscriber.told() == ["tools"]
    assert not flooding.ready(), "the flood was over before anybody else had a turn"
    flooding.join()


@pytest.mark.requirement("MCP-SUB-LEAVING")
def test_listeners_that_left_are_not_told(alice: Client, bob: Client) -> None:
    answers = [listen(alice, {"toolsListChanged": True}) for _ in range(20)]
    stays = Subscriber(bob, toolsListChanged=True)
    for answer in answers:
        next(answer.events())
        answer.close()
    for _ in range(3):
        change_list(alice, "tools")
        assert stays.told() == ["tools"]
