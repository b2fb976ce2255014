"""A model that is not there yet is wanted, waited for, and told about; not for ever."""

from typing import Any

import pytest

from mcpserver.model import asking
from mcpserver.model.demand import Demand
from tests.mcpserver.client import MODERN
from tests.mcpserver.conftest import MakeWorld
from tests.mcpserver.model.conftest import SCOPES, Play, ask, counted, demand, failure, queued, start, text
from tests.mcpserver.model.model_server import ModelServer, answer, hangs, says, serving
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

_TASKS: dict[str, Any] = {
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}
}


def test_a_model_that_is_not_there_yet_is_waited_for(make_world: MakeWorld) -> None:
    (port,) = free_ports(1)
    client = make_world(model_url=f"http://127.0.0.1:{port}/v1").client(scope=SCOPES)
    events = ask(client, progress=True).events()
    first = next(events).message["params"]
    assert "The model is being started (0 s so far)" in first["message"]
    assert demand() == 1
    assert queued("starting") == 1
    with serving(ModelServer(says("Here I am"), port)):
        rest = [event.message for event in events]
    assert (queued("starting"), queued("answering")) == (0, 0)
    numbers = [each["params"]["progress"] for each in rest[:-1]]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > first["progress"]
    assert rest[-1]["result"]["content"][0]["text"] == "Here I am"


@pytest.mark.parametrize("status", [502, 503])
def test_a_model_that_warms_up_is_waited_for(play: Play, status: int) -> None:
    left = [3]

    def warming_up(connection: Any, server: ModelServer) -> None:
        left[0] -= 1
        if left[0]:
            answer(connection, status, {"error": "loading"})
        else:
            says("Ready")(connection, server)

    client, _ = play(warming_up)
    assert text(ask(client)) == "Ready"


def test_a_model_at_an_address_without_a_name_is_waited_for(make_world: MakeWorld) -> None:
    world = make_world(model_url="http://model.invalid/v1", model_wait_seconds=0.1)
    assert "not up yet" in failure(ask(world.client(scope=SCOPES)))


def test_waiting_has_an_end(make_world: MakeWorld) -> None:
    (port,) = free_ports(1)
    world = make_world(model_url=f"http://127.0.0.1:{port}/v1", model_wait_seconds=0.1)
    before = counted("not_ready")
    said = failure(ask(world.client(scope=SCOPES)))
    assert "ask again" in said
    assert str(port) not in said
    assert counted("not_ready") == before + 1


def test_whoever_leaves_while_the_model_starts_waits_no_longer(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_FIRST_PAUSE_SECONDS", 60)
    monkeypatch.setattr(asking, "_LONGEST_PAUSE_SECONDS", 60)
    (port,) = free_ports(1)
    client = make_world(model_url=f"http://127.0.0.1:{port}/v1").client(scope=SCOPES)
    before = counted("cancelled")
    asked = ask(client, progress=True)
    next(asked.events())
    asked.close()
    wait_until(lambda: counted("cancelled") == before + 1, "the call is over")


def test_the_call_goes_on_as_a_task_where_the_client_knows_tasks(make_world: MakeWorld) -> None:
    (port,) = free_ports(1)
    client = make_world(model_url=f"http://127.0.0.1:{port}/v1").client(scope=SCOPES)
    asked = client.call("ask_model", {"prompt": "Why?"}, meta=_TASKS)
    task_id = asked.result["taskId"]

    def task() -> Any:
        headers = {"Mcp-Name": task_id, "MCP-Protocol-Version": MODERN}
        return client.modern("tasks/get", {"taskId": task_id}, meta=_TASKS, headers=headers).result

    assert task()["status"] == "working"
    assert "being started" in task()["statusMessage"]
    with serving(ModelServer(says("Here I am"), port)):
        wait_until(lambda: task()["status"] == "completed", "the task is over")
    assert task()["result"]["content"][0]["text"] == "Here I am"


def test_a_model_that_is_there_answers_the_call_itself(play: Play) -> None:
    client, _ = play(says("Yes"))
    assert text(client.call("ask_model", {"prompt": "Why?"}, meta=_TASKS)) == "Yes"


def test_the_model_is_wanted_while_it_is_asked_and_for_some_time_after() -> None:
    shown: list[bool] = []
    wanted = Demand(shown.append, linger_seconds=0.05)
    assert shown == [False]
    with wanted.raised():
        with wanted.raised():
            assert shown[-1]
        assert shown[-1]
    assert shown[-1]
    wait_until(lambda: not shown[-1], "nobody wants it any more")


def test_a_question_in_that_time_begins_it_anew() -> None:
    shown: list[bool] = []
    wanted = Demand(shown.append, linger_seconds=0.05)
    with wanted.raised():
        pass
    with wanted.raised():
        # Longer than the first question's time.
        wait_until(_ticks(5), "time passes")
        assert shown[1:] == [True, True]
    wait_until(lambda: not shown[-1], "nobody wants it any more")


def test_nobody_wants_a_model_that_nobody_asked(make_world: MakeWorld) -> None:
    make_world(model_url="http://127.0.0.1:1/v1")
    assert demand() == 0


def test_the_demand_stays_up_when_the_question_fails(play: Play) -> None:
    client, server = play(hangs, model_silence_seconds=0.1)
    failure(ask(client))
    assert demand() == 1
    connection = start(client)
    wait_until(lambda: len(server.requests) > 1, "the question arrived")
    connection.close()
    assert demand() == 1


def _ticks(count: int) -> Any:
    left = [count]

    def tick() -> bool:
        left[0] -= 1
        return left[0] < 0

    return tick
