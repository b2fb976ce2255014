"""ask_model as a client sees it, with a model server that behaves."""

from typing import Any

import gevent
import pytest

from mcpserver.tools import model_progress
from tests.mcpserver.client import Client
from tests.mcpserver.conftest import TokenIssuer, World
from tests.mcpserver.model.conftest import SCOPES, Play, ask, counted, failure, note, start, text
from tests.mcpserver.model.model_server import (
    STREAM_HEAD,
    ModelServer,
    answer,
    chunk,
    goes_on_for_ever,
    hangs,
    hangs_in_the_middle,
    says,
)
from tests.support.waiting import wait_until


def test_the_answer_is_returned_whole(play: Play) -> None:
    client, server = play(says("Because ", "it ", "is."))
    before = counted("answered")
    assert text(ask(client, system="Be brief", max_tokens=7, temperature=0.5)) == "Because it is."
    assert counted("answered") == before + 1
    assert server.requests == [
        {
            "model": "tiny",
            "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Why?"}],
            "max_tokens": 7,
            "temperature": 0.5,
            "stream": True,
        }
    ]


def test_what_is_not_given_is_left_to_the_model(play: Play) -> None:
    client, server = play(says("Yes"))
    ask(client)
    assert server.requests[0]["messages"] == [{"role": "user", "content": "Why?"}]
    assert "temperature" not in server.requests[0]


def test_the_configured_model_and_key_are_used(play: Play) -> None:
    client, server = play(says("Yes"), model_name="phi-3", model_api_key="secret-key")
    assert text(ask(client)) == "Yes"
    assert server.requests[0]["model"] == "phi-3"
    assert "Authorization: Bearer secret-key" in server.heads[0]


def test_words_come_as_progress_while_the_answer_is_made(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_progress, "_PAUSE_SECONDS", 0)

    def slowly(client: Any, server: ModelServer) -> None:
        client.sendall(STREAM_HEAD + chunk("first "))
        server.release.wait(10)
        client.sendall(chunk("second", "stop"))

    client, server = play(slowly)
    events = ask(client, progress=True).events()
    assert next(events).message["params"]["message"] == "first "
    server.release.set()
    rest = [event.message for event in events]
    assert [each["params"]["message"] for each in rest[:-1]] == ["second"]
    assert rest[-1]["result"]["content"][0]["text"] == "first second"


@pytest.mark.parametrize("version", ["2025-03-26", "2025-11-25"])
def test_words_come_as_progress_in_earlier_revisions(play: Play, version: str) -> None:
    client, _ = play(says("one ", "two"))
    session = client.open_session(version)
    sent = [
        event.message
        for event in session.call("ask_model", {"prompt": "Why?"}, progress_token="p").events()
        if event.data
    ]
    messages = [each["params"]["message"] for each in sent if "params" in each]
    assert "".join(messages) == "one two"
    assert sent[-1]["result"]["content"] == [{"type": "text", "text": "one two"}]


def test_many_small_pieces_are_gathered_and_a_large_one_is_divided(play: Play) -> None:
    large = "x" * (3 * model_progress.MAX_MESSAGE_CHARACTERS)
    client, _ = play(says(*["word "] * 2000, large))
    sent = [event.message for event in ask(client, progress=True).events()]
    messages = [each["params"]["message"] for each in sent[:-1]]
    assert "".join(messages) == "word " * 2000 + large == sent[-1]["result"]["content"][0]["text"]
    assert len(messages) < 50
    assert max(map(len, messages)) <= model_progress.MAX_MESSAGE_CHARACTERS


def test_an_answer_that_was_cut_off_says_so(play: Play) -> None:
    client, _ = play(says("half", finish_reason="length"))
    before = counted("cut")
    asked = ask(client, max_tokens=5)
    assert text(asked) == "half"
    assert "longer than 5 tokens" in note(asked)
    assert counted("cut") == before + 1


def test_a_filtered_answer_says_so(play: Play) -> None:
    client, _ = play(says("half", finish_reason="content_filter"))
    assert "content filter" in note(ask(client))


def test_a_server_that_does_not_stream_is_understood(play: Play) -> None:
    body = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    client, _ = play(lambda connection, _server: answer(connection, 200, body))
    assert text(ask(client)) == "whole"


def test_comments_roles_and_counts_say_nothing(play: Play) -> None:
    def talkative(client: Any, _server: ModelServer) -> None:
        client.sendall(
            STREAM_HEAD + b': hello\r\nevent: x\r\ndata: {"choices":[{"delta":{"role":"a"}}]}\r\n\r\n'
        )
        client.sendall(b'data: {"choices":[{"delta":{"content":null}}],"usage":null}\n\n' + chunk("Yes"))
        client.sendall(b'data: {"choices":[],"usage":{"total_tokens":3}}\n\ndata: [DONE]\n\n')

    client, _ = play(talkative)
    assert text(ask(client)) == "Yes"


def test_a_chunked_answer_is_read_piece_by_piece(play: Play) -> None:
    def chunked(client: Any, server: ModelServer) -> None:
        client.sendall(STREAM_HEAD.replace(b"Connection: close", b"Transfer-Encoding: chunked"))
        for piece in (chunk("one "), chunk("two", "stop")):
            client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            server.release.wait(10)

    client, server = play(chunked)
    events = ask(client, progress=True).events()
    assert next(events).message["params"]["message"] == "one "
    server.release.set()
    assert [event.message for event in events][-1]["result"]["content"][0]["text"] == "one two"


def test_without_a_model_the_tool_says_how_to_add_one(world: World) -> None:
    assert "MCPSERVER_MODEL_URL" in failure(ask(world.client(scope=SCOPES)))


def test_it_takes_the_scope_for_it(world: World) -> None:
    refused = ask(world.client())
    assert refused.status == 403
    assert 'scope="mcp:tools model:invoke"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"prompt": ""},
        {"prompt": 7},
        {"prompt": "x" * 200_001},
        {"max_tokens": 0},
        {"max_tokens": 4097},
        {"temperature": 2.1},
        {"temperature": "hot"},
    ],
)
def test_what_cannot_be_asked_never_reaches_the_model(play: Play, arguments: dict[str, Any]) -> None:
    client, server = play(says("Yes"))
    failure(ask(client, **arguments))
    assert server.heads == []


@pytest.mark.parametrize("script", [hangs, hangs_in_the_middle, goes_on_for_ever])
def test_whoever_leaves_stops_the_model(play: Play, script: Any) -> None:
    client, server = play(script)
    before = counted("cancelled")
    connection = start(client)
    wait_until(lambda: server.requests, "the question arrived")
    connection.close()
    assert server.left.wait(2)
    wait_until(lambda: counted("cancelled") == before + 1, "it is counted")


def test_a_call_that_is_cancelled_in_a_session_stops_the_model(play: Play) -> None:
    client, server = play(goes_on_for_ever)
    session = client.open_session("2025-11-25")
    asked = session.call("ask_model", {"prompt": "Why?"}, progress_token="p")
    next(event for event in asked.events() if event.data)
    session.notify("notifications/cancelled", {"requestId": session.last_id})
    assert server.left.wait(2)


def test_a_person_has_a_few_questions_at_once_and_others_have_theirs(
    play: Play, token_issuer: TokenIssuer
) -> None:
    client, server = play(hangs, model_calls_per_caller=1)
    first = gevent.spawn(ask, client)
    wait_until(lambda: server.requests, "the first question arrived")
    assert "wait for an answer" in failure(ask(client))
    server.script = says("another's")
    bob = Client(client.port, token_issuer.token("bob", scope=SCOPES))
    assert text(ask(bob)) == "another's"
    server.release.set()
    first.join()
    assert text(ask(client)) == "another's"


def test_all_together_have_a_bounded_number(play: Play, token_issuer: TokenIssuer) -> None:
    client, server = play(hangs, model_calls_per_caller=1, model_calls=1)
    first = gevent.spawn(ask, client)
    wait_until(lambda: server.requests, "the first question arrived")
    bob = Client(client.port, token_issuer.token("bob", scope=SCOPES))
    before = counted("busy")
    assert "as many questions as it may" in failure(ask(bob))
    assert counted("busy") == before + 1
    server.release.set()
    first.join()
