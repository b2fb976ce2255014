"""A server that is told to stop: calls have their time, those that need more are answered with an error."""

import http.client
from contextlib import closing

import orjson
import pytest

from tests.mcpserver.client import META, Client
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.probing_tools import probe
from tests.mcpserver.tasks.conftest import task_client
from tests.support.waiting import wait_until

_STOPPED = "This server stops before the call is over"
_PROGRESS = {"progressToken": "p"}


@pytest.fixture
def hasty(make_world: MakeWorld) -> World:
    """A server whose calls have next to no time."""
    return make_world(drain_seconds=0.2)


def _started(client: Client, name: str) -> http.client.HTTPConnection:
    """Begin a call that reports nothing."""
    tool = "wait_silently"
    message = {
        "jsonrpc": "2.0",
        "id": 5,
        "method": "tools/call",
        "params": {"name": tool, "arguments": {"name": name}, "_meta": META},
    }
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool}
    return client.start("POST", orjson.dumps(message), headers)


def test_a_call_that_is_over_in_time_gets_its_result(world: World) -> None:
    held = probe("in time")
    with closing(_started(world.client(), "in time")) as connection:
        assert held.started.wait(5)
        world.app.drain()
        held.released.set()
        assert b"waited" in connection.getresponse().read()


def test_a_call_that_takes_longer_is_answered_with_an_error(hasty: World) -> None:
    held = probe("longer")
    with closing(_started(hasty.client(), "longer")) as connection:
        assert held.started.wait(5)
        hasty.app.drain()
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        body = orjson.loads(answer.read())
    assert (body["id"], body["error"]["message"]) == (5, _STOPPED)
    assert held.ended.get(timeout=5) == "cancelled"


def test_a_call_with_a_stream_that_takes_longer_is_answered_on_it(hasty: World) -> None:
    held = probe("on stream")
    answer = hasty.client().call("wait", {"name": "on stream", "says": True}, meta=_PROGRESS)
    assert held.started.wait(5)
    hasty.app.drain()
    last = list(answer.events())[-1].message
    assert (last["id"], last["error"]["message"]) == (1, _STOPPED)


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_call_of_a_session_that_takes_longer_is_answered_on_its_stream(hasty: World, version: str) -> None:
    held = probe(version)
    session = hasty.client().open_session(version)
    answer = session.call("wait", {"name": version, "says": True}, progress_token="p")
    assert held.started.wait(5)
    hasty.app.drain()
    last = list(answer.events())[-1].message
    assert (last["id"], last["error"]["message"]) == (1, _STOPPED)


def test_a_call_of_2024_11_05_that_takes_longer_is_answered_before_the_stream_ends(hasty: World) -> None:
    client = hasty.client()
    events = client.send("GET", path="/mcp/sse").events()
    endpoint = next(events).data
    held = probe("sse")
    message = {
        "jsonrpc": "2.0",
        "id": 9,
        "method": "tools/call",
        "params": {"name": "wait_silently", "arguments": {"name": "sse"}},
    }
    assert client.post(message, path=f"/mcp/{endpoint}").status == 202
    assert held.started.wait(5)
    hasty.app.drain()
    told, last = events
    assert told.message["error"]["message"] == _STOPPED
    assert last.retry == "1000"


def test_a_stream_that_only_waits_ends_at_once(world: World) -> None:
    stream = world.client().open_session("2025-11-25").listen()
    world.app.drain()
    assert [event.retry for event in stream.events()][-1] == "1000"
    wait_until(lambda: not world.app.is_busy(), "nothing goes on any more")


def test_a_task_that_takes_longer_has_failed(make_world: MakeWorld) -> None:
    world = make_world(drain_seconds=0.2, tool_modules=("tests.mcpserver.tasks.sample_jobs",))
    client = task_client(world)
    probe("task")
    task_id = client.start("job", {"name": "task"})
    world.app.drain()
    task = client.until(task_id)
    assert (task["status"], task["error"]["message"]) == ("failed", _STOPPED)


def test_nothing_is_busy_when_all_tasks_are_kept(make_world: MakeWorld) -> None:
    world = make_world(tool_modules=("tests.mcpserver.tasks.sample_jobs",))
    held = probe("kept")
    task_client(world).start("job", {"name": "kept"})
    world.app.drain()
    assert world.app.is_busy()
    held.released.set()
    wait_until(lambda: not world.app.is_busy(), "nothing goes on any more")
