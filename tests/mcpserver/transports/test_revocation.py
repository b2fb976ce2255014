"""What a caller notices whose session was revoked: requests are refused, nothing that was open goes on."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gevent
import pytest

from mcpserver import app
from mcpserver.revocations import Revocations
from tests.mcpserver.client import Answer, Client
from tests.mcpserver.conftest import MakeWorld, TokenIssuer, World
from tests.mcpserver.probing_tools import probe
from tests.support.waiting import wait_until


@pytest.fixture
def issuer(token_issuer: TokenIssuer) -> Iterator[TokenIssuer]:
    token_issuer.revoked, token_issuer.is_away = [], False
    yield token_issuer
    token_issuer.revoked, token_issuer.is_away = [], False


@pytest.fixture
def world(make_world: MakeWorld, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A server that asks for the list many times a second."""
    monkeypatch.setattr(app, "Revocations", partial(Revocations, poll_seconds=0.02))
    made = make_world(revocation_url=f"{issuer.url}/revoked")
    yield made
    made.app.drain()


def is_over(answer: Answer) -> bool:
    """Read what is left of a stream; it has an end."""
    for _ in answer.events():
        pass
    return True


def test_a_token_that_was_used_before_is_refused_and_another_sessions_is_not(
    world: World, issuer: TokenIssuer
) -> None:
    client, other = world.client(), world.client(sid="session-2")
    assert client.call("hello_mcp").status == 200
    issuer.revoked = ["session-1"]
    answer = wait_until(lambda: _refused(client), "the revoked session is refused")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert other.call("hello_mcp").status == 200


def test_an_open_get_stream_ends_and_another_sessions_stays(world: World, issuer: TokenIssuer) -> None:
    client, other = world.client(), world.client("bob", sid="session-2")
    stream = client.open_session("2025-06-18").listen()
    session = other.open_session("2025-06-18")
    others = session.listen()
    issuer.revoked = ["session-1"]
    assert is_over(stream)
    assert other.send("DELETE", headers=session.headers).status == 204
    assert is_over(others)


def test_an_open_stream_of_2024_11_05_ends_and_its_calls_are_cancelled(
    world: World, issuer: TokenIssuer
) -> None:
    client = world.client()
    stream = client.send("GET", path="/mcp/sse", headers={"Accept": "text/event-stream"})
    path = "/mcp/" + next(stream.events()).data
    own = probe("revoked-sse")
    call = {"name": "wait_silently", "arguments": {"name": "revoked-sse"}}
    assert (
        client.post({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}, path=path).status
        == 202
    )
    assert own.started.wait(5)
    issuer.revoked = ["session-1"]
    assert is_over(stream)
    assert own.ended.get(timeout=5) == "cancelled"


def test_the_stream_of_a_running_call_ends_and_the_call_is_cancelled(
    world: World, issuer: TokenIssuer
) -> None:
    own = probe("revoked-modern")
    answer = world.client().call(
        "wait", {"name": "revoked-modern", "says": True}, meta={"progressToken": "p"}
    )
    assert next(answer.events()).message["method"] == "notifications/progress"
    issuer.revoked = ["session-1"]
    assert is_over(answer)
    assert own.ended.get(timeout=5) == "cancelled"


def test_a_silent_call_is_cancelled_and_answered_as_any_request_after_the_revocation(
    world: World, issuer: TokenIssuer
) -> None:
    own = probe("revoked-silent")
    asking = gevent.spawn(world.client().call, "wait_silently", {"name": "revoked-silent"})
    assert own.started.wait(5)
    issuer.revoked = ["session-1"]
    assert own.ended.get(timeout=5) == "cancelled"
    assert asking.get(timeout=5).status == 401


def test_a_call_in_a_session_that_has_said_nothing_yet_is_cancelled(
    world: World, issuer: TokenIssuer
) -> None:
    own = probe("revoked-legacy")
    session = world.client().open_session("2025-11-25")
    asking = gevent.spawn(session.call, "wait", {"name": "revoked-legacy"})
    assert own.started.wait(5)
    issuer.revoked = ["session-1"]
    assert own.ended.get(timeout=5) == "cancelled"
    asking.get(timeout=5).close()


def test_a_server_that_never_had_a_list_serves_nobody_and_says_so(world: World, issuer: TokenIssuer) -> None:
    issuer.is_away = True
    answer = world.client().call("hello_mcp")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "revoked" in answer.json["error"]["message"]
    assert "127.0.0.1" not in str(answer.json), "where the list is, is nobody's business"
    ready = world.client().send("GET", path="/readyz")
    assert (ready.status, ready.json["checks"]["revocations"]["status"]) == (503, "unavailable")
    issuer.is_away = False
    wait_until(lambda: world.client().call("hello_mcp").status == 200, "the list is there")


def test_a_list_that_is_away_for_a_while_is_reported_and_honoured(world: World, issuer: TokenIssuer) -> None:
    client = world.client()
    issuer.revoked = ["session-2"]
    assert client.call("hello_mcp").status == 200
    issuer.is_away = True
    body = wait_until(lambda: _readiness(client, "degraded"), "the failure is reported")
    assert body["checks"]["revocations"]["sessions"] == 1
    assert client.call("hello_mcp").status == 200
    assert world.client(sid="session-2").call("hello_mcp").status == 401


def test_a_list_that_is_too_old_ends_what_is_open_and_refuses_requests(
    make_world: MakeWorld, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "Revocations", partial(Revocations, poll_seconds=0.02))
    monkeypatch.setattr("mcpserver.revocations.RETRY_SECONDS", 0.02)
    world = make_world(revocation_url=f"{issuer.url}/revoked", revocation_max_stale_seconds=0.2)
    client = world.client()
    stream = client.open_session("2025-06-18").listen()
    issuer.is_away = True
    assert is_over(stream)
    assert client.call("hello_mcp").status == 503
    world.app.drain()


def test_without_a_list_to_follow_the_health_page_says_so(make_world: MakeWorld) -> None:
    client = make_world(revocation_url="none").client()
    assert client.call("hello_mcp").status == 200
    answer = client.send("GET", path="/readyz")
    assert (answer.status, answer.json["checks"]["revocations"]) == (200, {"status": "off"})


def _refused(client: Client) -> Answer | None:
    answer = client.call("hello_mcp")
    return answer if answer.status == 401 else None


def _readiness(client: Client, status: str) -> Any:
    answer = client.send("GET", path="/readyz")
    return answer.json if answer.json["status"] == status else None
