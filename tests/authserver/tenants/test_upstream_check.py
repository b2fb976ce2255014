"""At a refresh Entra is asked whether the person is still there; a stub stands in Entra's place."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pytest

from authserver.errors import UpstreamUnavailable
from authserver.model import Identity, TenantEntry
from authserver.oauth.upstream_check import PAUSE_SECONDS
from authserver.store.protocols import VAULT
from authserver.upstream.errors import LoginDenied, LoginUnproven, UpstreamUndecided
from authserver.upstream.tenant_entries import TenantEntries
from tests.authserver.people.devices import approve, ask, operators_client
from tests.authserver.world import ALICE, HOME_TENANT, World, is_json_error, make_world

Client = dict[str, Any]
CHECK_SECONDS = 900
GRACE_SECONDS = 3600


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    home = {"roles": {"Writer": ["snippets:write"]}, "required_roles": ["Member", "Writer"]}
    made = make_world(tmp_path, home_tenant=home)
    made.broker.person = replace(ALICE, roles=("Member", "Writer"))
    yield made
    made.store.close()


def change(world: World, **changes: Any) -> None:
    """Let Entra say something else about Alice from now on."""
    world.broker.changes[ALICE.subject] = replace(world.broker.person, **changes)


def sid_of(world: World, tokens: dict[str, Any]) -> str:
    return str(world.claims(tokens["access_token"])["sid"])


def ended(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [vars(r)["reason"] for r in caplog.records if r.getMessage() == "session.ended"]


def test_within_fifteen_minutes_nobody_asks(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    world.clock.advance(CHECK_SECONDS - 1)
    assert world.refresh(client, tokens["refresh_token"]).status_code == 200
    assert world.broker.asked == []


def test_after_fifteen_minutes_entra_is_asked_once_and_then_not_for_fifteen_more(
    world: World, client: Client
) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    token = world.refresh(client, token).get_json()["refresh_token"]
    assert len(world.broker.asked) == 1
    world.clock.advance(CHECK_SECONDS - 1)
    token = world.refresh(client, token).get_json()["refresh_token"]
    assert len(world.broker.asked) == 1
    world.clock.advance(1)
    assert world.refresh(client, token).status_code == 200
    assert len(world.broker.asked) == 2


def test_what_entra_refuses_definitively_ends_the_session(
    world: World, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = world.tokens(client)
    sid = sid_of(world, tokens)
    world.clock.advance(CHECK_SECONDS)
    world.broker.renewal_failure = LoginDenied("access_denied", "Entra answered invalid_grant [50057]")
    with caplog.at_level(logging.INFO):
        response = world.refresh(client, tokens["refresh_token"])
    assert is_json_error(response, 400, "invalid_grant")
    assert "50057" not in response.text
    assert ended(caplog) == ["upstream_refused"]
    world.broker.renewal_failure = None
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    session = world.store.get_session(sid)
    assert session is not None
    assert (session.state, session.end_reason) == ("ended", "upstream_refused")
    assert world.store.get_record(VAULT, sid) is None


@pytest.mark.requirement("RFC6749-5.1-SCOPE")
def test_a_scope_that_is_no_longer_held_is_left_out_and_the_answer_says_so(
    world: World, client: Client
) -> None:
    tokens = world.tokens(client)
    assert "snippets:write" in tokens["scope"].split()
    world.clock.advance(CHECK_SECONDS)
    change(world, roles=("Member",))
    refreshed = world.refresh(client, tokens["refresh_token"]).get_json()
    assert refreshed["scope"] == "mcp:tools snippets:read"
    claims = world.claims(refreshed["access_token"])
    assert (claims["scope"], claims["roles"]) == ("mcp:tools snippets:read", ["Member"])


@pytest.mark.requirement("RFC6749-6-SCOPE")
def test_a_role_that_comes_back_brings_back_what_was_granted_and_no_more(
    world: World, client: Client
) -> None:
    tokens = world.tokens(client, scope="mcp:tools snippets:write")
    world.clock.advance(CHECK_SECONDS)
    change(world, roles=("Member",))
    refreshed = world.refresh(client, tokens["refresh_token"]).get_json()
    assert refreshed["scope"] == "mcp:tools"
    world.clock.advance(CHECK_SECONDS)
    change(world, roles=("Writer",))
    assert world.refresh(client, refreshed["refresh_token"]).get_json()["scope"] == "mcp:tools snippets:write"


def test_asking_for_nothing_but_what_is_no_longer_held_leaves_the_session_as_it_is(
    world: World, client: Client
) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    change(world, roles=("Member",))
    assert is_json_error(world.refresh(client, token, scope="snippets:write"), 400, "invalid_scope")
    assert world.refresh(client, token).status_code == 200


def test_when_nothing_is_left_the_session_ends(
    world: World, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    token = world.tokens(client, scope="snippets:write")["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    change(world, roles=("Member",))
    with caplog.at_level(logging.INFO):
        assert is_json_error(world.refresh(client, token), 400, "invalid_grant")
    assert ended(caplog) == ["scopes"]


def test_a_required_role_taken_away_ends_the_session(
    world: World, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    change(world, roles=("Other",))
    with caplog.at_level(logging.INFO):
        assert is_json_error(world.refresh(client, token), 400, "invalid_grant")
    assert ended(caplog) == ["role"]


@pytest.mark.parametrize(
    "answer",
    [
        Identity(HOME_TENANT, "c" * 8 + "-0000-4000-8000-000000000003", ALICE.username, ALICE.name, 0),
        replace(ALICE, tid="22222222-2222-4222-8222-222222222222"),
    ],
    ids=["another account", "another tenant"],
)
def test_an_answer_about_somebody_else_ends_the_session(
    world: World, client: Client, answer: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    world.broker.changes[ALICE.subject] = answer
    with caplog.at_level(logging.INFO):
        assert is_json_error(world.refresh(client, token), 400, "invalid_grant")
    assert ended(caplog) == ["upstream_mismatch"]


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamUnavailable("Entra: ConnectionError"),
        UpstreamUndecided("Entra answered invalid_client [7000222]"),
        LoginUnproven("id_token: signature"),
    ],
    ids=["away", "this server's secret has expired", "an answer that proves nothing"],
)
def test_without_an_answer_refreshing_goes_on_for_an_hour_and_then_nothing_is_spent(
    world: World, client: Client, failure: Exception
) -> None:
    token = world.tokens(client)["refresh_token"]
    world.broker.renewal_failure = failure
    for _ in range(3):
        world.clock.advance(GRACE_SECONDS / 4)
        response = world.refresh(client, token)
        assert response.status_code == 200, response.text
        token = response.get_json()["refresh_token"]
    world.clock.advance(GRACE_SECONDS / 4)
    response = world.refresh(client, token)
    assert is_json_error(response, 503, "temporarily_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    world.clock.advance(PAUSE_SECONDS)
    world.broker.renewal_failure = None
    assert world.refresh(client, token).status_code == 200


def test_the_hour_counts_from_the_last_answer(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(GRACE_SECONDS)
    token = world.refresh(client, token).get_json()["refresh_token"]
    world.broker.renewal_failure = UpstreamUnavailable("Entra: ConnectionError")
    world.clock.advance(GRACE_SECONDS - 1)
    token = world.refresh(client, token).get_json()["refresh_token"]
    world.clock.advance(1)
    assert world.refresh(client, token).status_code == 503


def test_while_entra_is_away_one_refresh_in_ten_seconds_waits_for_it(world: World) -> None:
    clients = [world.register() for _ in range(4)]
    tokens = [world.tokens(client)["refresh_token"] for client in clients]
    world.clock.advance(CHECK_SECONDS)
    world.broker.renewal_failure = UpstreamUnavailable("Entra: ReadTimeout")
    for client, token in zip(clients, tokens, strict=True):
        assert world.refresh(client, token).status_code == 200
    assert len(world.broker.asked) == 1


def test_a_refusal_of_this_server_does_not_keep_others_from_being_asked_about(world: World) -> None:
    clients = [world.register() for _ in range(2)]
    tokens = [world.tokens(client)["refresh_token"] for client in clients]
    world.clock.advance(CHECK_SECONDS)
    world.broker.renewal_failure = UpstreamUndecided("Graph: status 403")
    for client, token in zip(clients, tokens, strict=True):
        assert world.refresh(client, token).status_code == 200
    assert len(world.broker.asked) == 2


def test_five_refreshes_at_once_when_a_check_is_due_all_succeed(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    change(world, roles=("Member",))
    racers = [gevent.spawn(world.refresh, client, token) for _ in range(5)]
    gevent.joinall(racers, timeout=30, raise_error=True)
    assert {racer.value.status_code for racer in racers} == {200}
    successors = {racer.value.get_json()["refresh_token"] for racer in racers}
    assert len(successors) == 1
    assert world.refresh(client, successors.pop()).status_code == 200


def test_a_repetition_after_the_roles_have_changed_is_no_reuse(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    successor = world.refresh(client, token).get_json()["refresh_token"]
    entries = TenantEntries({}, world.store, world.clock)
    entries.put(TenantEntry(HOME_TENANT, "Contoso", ceiling=("mcp:tools",)))
    world.clock.advance(10)
    again = world.refresh(client, token)
    assert again.get_json()["refresh_token"] == successor
    assert again.get_json()["scope"] == "mcp:tools"


def test_a_spent_token_ends_the_session_without_entra_being_asked(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    successor = world.refresh(client, token).get_json()["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    assert is_json_error(world.refresh(client, token), 400, "invalid_grant")
    assert world.broker.asked == []
    assert is_json_error(world.refresh(client, successor), 400, "invalid_grant")


def test_the_successor_that_entra_gave_is_what_it_is_asked_with_next(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    first = next(iter(world.broker.known))
    for _ in range(2):
        world.clock.advance(CHECK_SECONDS)
        token = world.refresh(client, token).get_json()["refresh_token"]
    assert world.broker.asked == [first, f"{first}+"]


def test_what_entra_gave_is_encrypted_and_belongs_to_sessions_that_can_be_refreshed(
    world: World, client: Client
) -> None:
    sid = sid_of(world, world.tokens(client))
    sealed = world.store.get_record(VAULT, sid)
    assert sealed is not None
    assert not any(token in sealed for token in world.broker.known)
    without = world.register(grant_types=["authorization_code"])
    assert world.store.get_record(VAULT, sid_of(world, world.tokens(without))) is None


def test_what_entra_gave_for_a_code_that_nobody_redeems_is_forgotten(world: World, client: Client) -> None:
    world.sign_in(client["client_id"])
    assert len(world.store.list_records(VAULT)) == 1
    world.clock.advance(world.settings.device_code_lifetime_seconds + 60)
    assert world.store.list_records(VAULT) == []


def test_what_entra_gave_lasts_as_long_as_a_session_that_is_hardly_used(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    for _ in range(3):
        world.clock.advance(world.settings.refresh_idle_lifetime_seconds - 60)
        response = world.refresh(client, token)
        assert response.status_code == 200, response.text
        token = response.get_json()["refresh_token"]


def test_a_revoked_session_leaves_nothing_in_the_vault(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    world.post("/revoke", {"token": tokens["refresh_token"], "client_id": client["client_id"]})
    assert world.store.get_record(VAULT, sid_of(world, tokens)) is None


def test_a_session_whose_vault_cannot_be_opened_ends_at_the_next_check(
    world: World, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = world.tokens(client)
    world.store.put_record(VAULT, sid_of(world, tokens), "sealed with a secret since removed", 10**11)
    with caplog.at_level(logging.INFO):
        token = world.refresh(client, tokens["refresh_token"]).get_json()["refresh_token"]
        world.clock.advance(CHECK_SECONDS)
        assert is_json_error(world.refresh(client, token), 400, "invalid_grant")
    assert ended(caplog) == ["upstream_unknown"]


def test_a_person_who_signed_in_for_a_device_is_asked_about_as_well(world: World) -> None:
    device = ask(world, operators_client(world))
    approve(world, device)
    token = device.poll().get_json()["refresh_token"]
    world.clock.advance(CHECK_SECONDS)
    token = world.refresh(device.client, token).get_json()["refresh_token"]
    assert len(world.broker.asked) == 1
    world.clock.advance(CHECK_SECONDS)
    world.broker.renewal_failure = LoginDenied("access_denied", "Entra answered invalid_grant [50057]")
    assert is_json_error(world.refresh(device.client, token), 400, "invalid_grant")


def test_a_refresh_that_is_not_due_reads_no_record_at_all(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = world.tokens(client)["refresh_token"]
    token = world.refresh(client, token).get_json()["refresh_token"]
    monkeypatch.setattr(world.store, "get_record", lambda kind, name: pytest.fail(f"{kind} {name} was read"))
    for _ in range(3):
        token = world.refresh(client, token).get_json()["refresh_token"]
