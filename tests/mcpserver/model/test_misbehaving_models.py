"""Whatever a model's server does, the caller gets words to act on, in time, and nobody else notices."""

import gevent
import pytest

from mcpserver.model import client as model_client
from tests.mcpserver.model.conftest import Play, ask, counted, failure, note, text
from tests.mcpserver.model.model_server import (
    STREAM_HEAD,
    Script,
    answer,
    chunk,
    drips,
    floods,
    goes_on_for_ever,
    hangs,
    hangs_in_the_middle,
    says,
    sends,
)
from tests.support.waiting import wait_until

_SHORT = STREAM_HEAD.replace(b"Connection: close", b"Content-Length: 99")
_GZIP = STREAM_HEAD.replace(b"Connection: close", b"Content-Encoding: gzip")
_CHUNKED = STREAM_HEAD.replace(b"Connection: close", b"Transfer-Encoding: chunked")
_ENDLESS_HEADER = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (lambda c, _: answer(c, 429, {}), "too much to do"),
        (lambda c, _: answer(c, 500, b"<h1>secret trace</h1>"), "failed (status 500)"),
        (lambda c, _: answer(c, 504, b"secret"), "took too long"),
        (lambda c, _: answer(c, 401, {"error": {"message": "secret"}}), "does not accept this server's key"),
        (lambda c, _: answer(c, 403, {}), "does not accept this server's key"),
        (lambda c, _: answer(c, 404, {"detail": "secret"}), "has to look at its settings"),
        (lambda c, _: answer(c, 302, b"", "text/html"), "has to look at its settings"),
        (lambda c, _: answer(c, 204, b""), "has to look at its settings"),
        (lambda c, _: answer(c, 400, b"\xff\xfe"), "refused the question"),
        (lambda c, _: answer(c, 400, [[["secret"]]]), "refused the question"),
        (lambda c, _: answer(c, 200, b"<html>", "text/html"), "could not be understood"),
        (lambda c, _: answer(c, 200, b"{broken"), "could not be understood"),
        (lambda c, _: answer(c, 200, b"[" * 5000), "could not be understood"),
        (lambda c, _: answer(c, 200, {"choices": []}), "could not be understood"),
        (lambda c, _: answer(c, 200, {"choices": {"a": 1}}), "could not be understood"),
        (lambda c, _: answer(c, 200, {"choices": [{"message": "secret"}]}), "could not be understood"),
        (lambda c, _: answer(c, 200, b"x" * 2_000_000), "too long"),
        (sends(b""), "hung up"),
        (sends(b"HTTP/1.1 2"), "hung up"),
        (sends(b"HTTP/1.1 200"), "could not be understood"),
        (sends(b"no http at all\r\n\r\n"), "hung up"),
        (sends(_ENDLESS_HEADER), "hung up"),
        (sends(STREAM_HEAD), "hung up"),
        (sends(STREAM_HEAD + chunk("half")), "hung up"),
        (sends(STREAM_HEAD + chunk("half", "stop")[:-2]), "hung up"),
        (sends(_SHORT + chunk("half")), "hung up"),
        (sends(_CHUNKED + b"zz\r\n"), "hung up"),
        (sends(_CHUNKED + b"ff\r\n" + chunk("half")), "hung up"),
        (sends(_GZIP + b"\x1f\x8b" + b"\0" * 100), "hung up"),
        (sends(STREAM_HEAD + b"data: no json\n\n"), "could not be understood"),
        (sends(STREAM_HEAD + b"data: \xff\n\n"), "could not be understood"),
        (sends(STREAM_HEAD + b"data: []\n\n"), "could not be understood"),
        (sends(STREAM_HEAD + b"data: {}\n\n"), "could not be understood"),
        (sends(STREAM_HEAD + b'data: {"choices": [7]}\n\n'), "could not be understood"),
        (sends(STREAM_HEAD + b'data: {"choices": "no"}\n\n'), "could not be understood"),
        (
            sends(STREAM_HEAD + b'data: {"choices": [{"delta": []}]}\n\ndata: 7\n\n'),
            "could not be understood",
        ),
        (sends(STREAM_HEAD + b'data: {"choices": [{"delta": {"content": {}}}]}\n\n' * 2), "hung up"),
        (
            sends(STREAM_HEAD + b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'),
            "could not be understood",
        ),
        (sends(STREAM_HEAD + b'data: {"error": {"message": "secret"}}\n\n'), "failed while it answered"),
        (sends(STREAM_HEAD + b"data: " + b"x" * 2_000_000), "could not be understood"),
        (sends(STREAM_HEAD + b"data: x\n" * 400_000), "could not be understood"),
    ],
)
def test_a_failure_is_told_in_words_without_what_the_server_said(
    play: Play, script: Script, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    client, server = play(script)
    said = failure(ask(client))
    assert message in said
    assert "secret" not in said + caplog.text
    assert "Why?" not in caplog.text
    assert "reference" not in said  # it was foreseen
    assert len(server.requests) == 1  # nothing is asked twice
    server.script = says("well again")
    assert text(ask(client)) == "well again"


@pytest.mark.parametrize(
    "script", [hangs, hangs_in_the_middle, drips(STREAM_HEAD), drips(STREAM_HEAD, b":\n")]
)
def test_silence_has_an_end(play: Play, script: Script) -> None:
    client, _ = play(script, model_silence_seconds=0.3)
    before = counted("failed")
    assert "said nothing for 0.3 seconds" in failure(ask(client))
    assert counted("failed") == before + 1


def test_a_refusal_that_never_ends_is_a_refusal_all_the_same(play: Play) -> None:
    head = b"HTTP/1.1 429 Busy\r\nConnection: close\r\n\r\n"
    for script in (drips(head, b"x"), floods(b"x" * 1000, head)):
        client, _ = play(script, model_silence_seconds=0.5)
        assert "too much to do" in failure(ask(client))


def test_an_answer_that_never_ends_is_cut_when_its_time_is_up(play: Play) -> None:
    client, server = play(goes_on_for_ever, model_timeout_seconds=0.3)
    asked = ask(client)
    assert text(asked).startswith("word word")
    assert "longer than 0.3 seconds" in note(asked)
    assert server.left.wait(5)


def test_a_model_that_thinks_for_ever_is_stopped(play: Play) -> None:
    client, server = play(drips(STREAM_HEAD, chunk("")), model_timeout_seconds=0.5)
    assert "longer than 0.5 seconds" in failure(ask(client))
    assert server.left.wait(5)


def test_an_answer_that_is_too_long_is_cut(play: Play) -> None:
    client, server = play(floods(chunk("word " * 100)))
    asked = ask(client)
    assert len(text(asked)) == model_client.MAX_ANSWER_CHARACTERS
    assert "longer than 100000 characters" in note(asked)
    assert server.left.wait(5)


def test_a_flood_of_nothing_has_an_end_and_holds_nobody_up(play: Play) -> None:
    client, server = play(floods(chunk("") * 100))
    flooded = gevent.spawn(ask, client)
    wait_until(lambda: server.requests, "the question arrived")
    for _ in range(5):
        with gevent.Timeout(2):
            assert client.call("echo", {"text": "hello"}).status == 200
    assert "too long" in failure(flooded.get())


def test_the_models_own_words_on_a_question_are_passed_on_but_not_the_key(play: Play) -> None:
    words = "This model's maximum context length is 4096 tokens.\x1b[31m\n Key: sk-123 " + "x" * 1000
    for body in ({"error": {"message": words}}, {"message": words}, {"detail": words}, {"error": words}):
        client, _ = play(
            lambda c, _server, said=body: answer(c, 400, said), model_api_key="sk-123", model_name="m"
        )
        before = counted("refused")
        said = failure(ask(client))
        assert "refused the question: This model's maximum context length is 4096 tokens" in said
        assert "sk-123" not in said
        assert "\x1b" not in said
        assert len(said) < 400
        assert counted("refused") == before + 1


@pytest.mark.parametrize(
    "models", [{}, {"data": []}, {"data": [{"id": 7}]}, {"data": {"id": "x"}}, {"data": None}, [], b"junk"]
)
def test_a_service_that_lists_no_model_needs_a_name_in_the_settings(play: Play, models: object) -> None:
    client, server = play(says("never"))
    server.models = models
    failure(ask(client))
    assert server.requests == []


def test_redirects_are_not_followed_with_the_key(play: Play) -> None:
    elsewhere, other = play(says("stolen"))
    location = b"HTTP/1.1 307 Elsewhere\r\nLocation: %b/chat/completions\r\nContent-Length: 0\r\n\r\n"
    client, _ = play(sends(location % other.url.encode()), model_api_key="sk-123", model_name="m")
    failure(ask(client))
    assert other.heads == []
    assert text(ask(elsewhere)) == "stolen"


def test_a_key_that_no_header_can_carry_is_told_and_not_shown(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    for key in ("sk-ключ", "sk-123\n4"):
        client, _ = play(says("Yes"), model_api_key=key, model_name="m")
        said = str(ask(client).result)
        assert "sk-" not in said + caplog.text
