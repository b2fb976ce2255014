"""ask_model as a client sees it, with a model server that behaves and with ones that do not."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from prometheus_client import REGISTRY

from mcpserver.model.demand import IDLE_SECONDS, Demand
from mcpserver.tools import ask_model as room
from tests.mcpserver.client import Answer, Client
from tests.mcpserver.conftest import MakeWorld, TokenIssuer, World
from tests.mcpserver.model.model_server import (
    STREAM_HEAD,
    ModelServer,
    Script,
    answer,
    chunk,
    goes_on_for_ever,
    hangs,
    hangs_in_the_middle,
    says,
    sends,
    serving,
)
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

_SCOPES = "mcp:tools model:invoke"
Play = Callable[..., tuple[Client, ModelServer]]


@pytest.fixture
def play(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    """Start a model server with a script, and an MCP server that uses it."""
    monkeypatch.setattr(room, "_FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(room, "_LONGEST_PAUSE_SECONDS", 0.05)
    opened: list[Any] = []

    def start(script: Script, **settings: Any) -> tuple[Client, ModelServer]:
        running = serving(ModelServer(script))
        server = running.__enter__()
        opened.append((running, server))
        world = make_world(model_url=server.url, **settings)
        return world.client(scope=_SCOPES), server

    yield start
    for running, server in opened:
        server.release.set()
        running.__exit__(None, None, None)


def _ask(client: Client, *, progress: bool = False, **arguments: Any) -> Answer:
    meta = {"progressToken": "p"} if progress else None
    return client.call("ask_model", {"prompt": "Why?", **arguments}, meta=meta)


def _text(asked: Answer) -> str:
    return str(asked.result["content"][0]["text"])


def _failure(asked: Answer) -> str:
    assert asked.result["isError"] is True
    return _text(asked)


def _demand() -> float | None:
    return REGISTRY.get_sample_value("model_demand")


def test_the_answer_is_returned_whole(play: Play) -> None:
    client, server = play(says("Because ", "it ", "is."))
    assert _text(_ask(client, system="Be brief", max_tokens=7, temperature=0.5)) == "Because it is."
    assert server.requests == [
        {
            "model": "tiny",
            "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Why?"}],
            "max_tokens": 7,
            "temperature": 0.5,
            "stream": True,
        }
    ]


def test_the_configured_model_and_key_are_used(play: Play) -> None:
    client, server = play(says("Yes"), model_name="phi-3", model_api_key="secret-key")
    assert _text(_ask(client)) == "Yes"
    assert server.requests[0]["model"] == "phi-3"
    assert "Authorization: Bearer secret-key" in server.heads[0]


def test_words_come_as_progress_while_the_answer_is_made(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_REPORT_SECONDS", 0)

    def slowly(client: Any, server: ModelServer) -> None:
        client.sendall(STREAM_HEAD + chunk("first "))
        server.release.wait(10)
        client.sendall(chunk("second", "stop"))

    client, server = play(slowly)
    events = _ask(client, progress=True).events()
    assert next(events).message["params"]["message"] == "first "
    server.release.set()
    rest = [event.message for event in events]
    assert [each["params"]["message"] for each in rest[:-1]] == ["second"]
    assert rest[-1]["result"]["content"][0]["text"] == "first second"


def test_an_answer_that_was_cut_off_says_so(play: Play) -> None:
    client, _ = play(says("half", finish_reason="length"))
    assert "cut off after 5 tokens" in _text(_ask(client, max_tokens=5))


def test_a_server_that_does_not_stream_is_understood(play: Play) -> None:
    body = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    client, _ = play(lambda connection, _server: answer(connection, 200, body))
    assert _text(_ask(client)) == "whole"


def test_without_a_model_the_tool_says_how_to_add_one(world: World) -> None:
    assert "MCPSERVER_MODEL_URL" in _failure(_ask(world.client(scope=_SCOPES)))


def test_it_takes_the_scope_for_it(world: World) -> None:
    refused = _ask(world.client())
    assert refused.status == 403
    assert 'scope="mcp:tools model:invoke"' in refused.headers["WWW-Authenticate"]


def test_a_model_that_is_not_there_yet_is_waited_for(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_FIRST_PAUSE_SECONDS", 0.05)
    (port,) = free_ports(1)
    client = make_world(model_url=f"http://127.0.0.1:{port}/v1").client(scope=_SCOPES)
    events = _ask(client, progress=True).events()
    assert "The model is starting" in next(events).message["params"]["message"]
    assert _demand() == 1
    with serving(ModelServer(says("Here I am"), port)):
        last = [event.message for event in events][-1]
    assert last["result"]["content"][0]["text"] == "Here I am"


@pytest.mark.parametrize("status", [404, 502, 503, 504])
def test_a_model_that_warms_up_is_waited_for(play: Play, status: int) -> None:
    left = [3]

    def warming_up(connection: Any, server: ModelServer) -> None:
        left[0] -= 1
        if left[0]:
            answer(connection, status, {"error": "loading"})
        else:
            says("Ready")(connection, server)

    client, _ = play(warming_up)
    assert _text(_ask(client)) == "Ready"


def test_waiting_has_an_end(make_world: MakeWorld) -> None:
    (port,) = free_ports(1)
    world = make_world(model_url=f"http://127.0.0.1:{port}/v1", model_wait_seconds=0.1)
    assert "did not become ready" in _failure(_ask(world.client(scope=_SCOPES)))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (lambda c, _: answer(c, 429, {}), "too much to do"),
        (lambda c, _: answer(c, 500, b"<h1>secret trace</h1>"), "The model failed"),
        (lambda c, _: answer(c, 401, {}), "operator has to look at the key"),
        (lambda c, _: answer(c, 400, {"error": {"message": "secret prompt"}}), "refuses the question"),
        (lambda c, _: answer(c, 302, b""), "The model failed"),
        (lambda c, _: answer(c, 200, b"<html>", "text/html"), "not readable"),
        (lambda c, _: answer(c, 200, b"{broken"), "not readable"),
        (lambda c, _: answer(c, 200, {"choices": []}), "not readable"),
        (lambda c, _: answer(c, 200, b"x" * 2_000_000), "too long"),
        (sends(b""), "hung up without an answer"),
        (sends(STREAM_HEAD), "broke off"),
        (sends(STREAM_HEAD + chunk("half")), "broke off"),
        (sends(STREAM_HEAD + b"data: no json\n\n"), "not readable"),
        (sends(STREAM_HEAD + b"data: []\n\n"), "not readable"),
        (sends(STREAM_HEAD + b'data: {"choices": [7]}\n\n'), "not readable"),
        (sends(STREAM_HEAD + b'data: {"error": {"message": "secret"}}\n\n'), "failed while it answered"),
        (sends(STREAM_HEAD + b"data: " + b"x" * 400_000), "not readable"),
        (
            sends(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n"),
            "broke off",
        ),
    ],
)
def test_a_server_that_misbehaves_is_told_in_words_without_what_it_said(
    play: Play, script: Script, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = play(script)
    text = _failure(_ask(client))
    assert message in text
    assert "secret" not in text + caplog.text
    assert "Why?" not in caplog.text


@pytest.mark.parametrize(
    ("script", "message"),
    [(hangs, "did not begin to answer in time"), (hangs_in_the_middle, "stopped in the middle")],
)
def test_silence_has_an_end(play: Play, script: Script, message: str) -> None:
    client, _ = play(script, model_silence_seconds=0.2)
    assert message in _failure(_ask(client))


def test_an_answer_that_never_ends_is_ended(play: Play) -> None:
    client, server = play(goes_on_for_ever, model_timeout_seconds=0.3)
    assert "longer than" in _failure(_ask(client))
    assert server.left.wait(5)


def test_an_answer_that_is_too_long_is_ended(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_ANSWER_CHARACTERS", 50)
    client, server = play(goes_on_for_ever)
    assert "too long" in _failure(_ask(client))
    assert server.left.wait(5)


def test_cancelling_reaches_the_model(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_REPORT_SECONDS", 0)
    client, server = play(goes_on_for_ever)
    asked = _ask(client, progress=True)
    next(asked.events())
    asked.close()
    assert server.left.wait(5)


def test_a_person_has_a_few_questions_at_once_and_others_have_theirs(play: Play) -> None:
    client, server = play(hangs, model_calls_per_caller=1)
    first = gevent.spawn(_ask, client)
    wait_until(lambda: server.requests, "the first question arrived")
    assert "wait for one of them" in _failure(_ask(client))
    server.release.set()
    first.join()
    server.script = says("free again")
    assert _text(_ask(client)) == "free again"


def test_all_together_have_a_bounded_number(play: Play, token_issuer: TokenIssuer) -> None:
    client, server = play(hangs, model_calls_per_caller=1, model_calls=1)
    first = gevent.spawn(_ask, client)
    wait_until(lambda: server.requests, "the first question arrived")
    bob = Client(client.port, token_issuer.token("bob", scope=_SCOPES))
    assert "Too many questions" in _failure(_ask(bob))
    server.release.set()
    first.join()


def test_the_model_is_wanted_for_half_an_hour_after_the_last_question() -> None:
    now = [100.0]
    demand = Demand(lambda: now[0])
    assert _demand() == 0
    with demand.asking():
        assert _demand() == 1
    now[0] += IDLE_SECONDS - 1
    demand.refresh()
    assert _demand() == 1
    now[0] += 1
    demand.refresh()
    assert _demand() == 0
