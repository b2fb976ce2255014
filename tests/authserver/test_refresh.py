"""grant_type=refresh_token: rotation, grace, reuse, and what a refresh may ask for."""

import logging
from typing import Any

import gevent
import pytest

from authserver.store.family import GRACE_SECONDS
from tests.authserver.world import RESOURCE, World, is_json_error, make_world

Client = dict[str, Any]


@pytest.mark.requirement("MCP-AUTH-AS-ROTATION")
def test_a_refresh_answers_with_a_new_refresh_token_and_a_new_access_token(
    world: World, client: Client
) -> None:
    first = world.tokens(client)
    world.clock.advance(10)
    second = world.refresh(client, first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    old, new = world.claims(first["access_token"]), world.claims(second["access_token"])
    assert new["jti"] != old["jti"]
    assert new["exp"] == old["exp"] + 10
    same = ("iss", "sub", "aud", "client_id", "scope", "sid", "tid", "oid", "roles")
    assert {name: new[name] for name in same} == {name: old[name] for name in same}


def test_within_the_grace_a_repetition_gets_the_same_successor(world: World, client: Client) -> None:
    first = world.tokens(client)["refresh_token"]
    successor = world.refresh(client, first).get_json()
    world.clock.advance(GRACE_SECONDS)
    again = world.refresh(client, first).get_json()
    assert again["refresh_token"] == successor["refresh_token"]
    assert again["access_token"] != successor["access_token"]


def test_five_refreshes_at_once_all_get_the_same_successor(world: World, client: Client) -> None:
    first = world.tokens(client)["refresh_token"]
    racers = [gevent.spawn(world.refresh, client, first) for _ in range(5)]
    gevent.joinall(racers, timeout=30, raise_error=True)
    assert {racer.value.status_code for racer in racers} == {200}
    successors = {racer.value.get_json()["refresh_token"] for racer in racers}
    assert len(successors) == 1
    assert world.refresh(client, successors.pop()).status_code == 200


@pytest.mark.requirement("MCP-AUTH-AS-ROTATION", "RFC9700-4.14-REPLAY")
def test_after_the_grace_a_replay_ends_the_session_and_is_audited(
    world: World, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    first = world.tokens(client)["refresh_token"]
    successor = world.refresh(client, first).get_json()["refresh_token"]
    world.clock.advance(GRACE_SECONDS + 1)
    with caplog.at_level(logging.INFO):
        assert is_json_error(world.refresh(client, first), 400, "invalid_grant")
    assert [r for r in caplog.records if r.name == "audit" and r.getMessage() == "refresh_token.reused"]
    assert is_json_error(world.refresh(client, successor), 400, "invalid_grant")


@pytest.mark.requirement("RFC9700-4.14-REPLAY")
def test_once_the_successor_is_used_the_grace_is_over(world: World, client: Client) -> None:
    first = world.tokens(client)["refresh_token"]
    second = world.refresh(client, first).get_json()["refresh_token"]
    third = world.refresh(client, second).get_json()["refresh_token"]
    assert is_json_error(world.refresh(client, first), 400, "invalid_grant")
    assert is_json_error(world.refresh(client, third), 400, "invalid_grant")


@pytest.mark.requirement("RFC6749-6-BOUND")
def test_another_clients_refresh_token_is_refused_and_nobodys_session_ends(
    world: World, client: Client
) -> None:
    token = world.tokens(client)["refresh_token"]
    assert is_json_error(world.refresh(world.register(), token), 400, "invalid_grant")
    assert world.refresh(client, token).status_code == 200


@pytest.mark.requirement("RFC9700-4.14-INTEGRITY")
def test_garbage_that_names_a_session_ends_nothing(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    forged = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    assert is_json_error(world.refresh(client, forged), 400, "invalid_grant")
    assert world.refresh(client, token).status_code == 200


@pytest.mark.parametrize(
    "garbage", ["x", "mcprt_", "mcprt_" + "A" * 86, "mcprt_é", "ü" * 92, "." * 92, "a.b.c"]
)
def test_anything_else_is_refused(world: World, client: Client, garbage: str) -> None:
    assert is_json_error(world.refresh(client, garbage), 400, "invalid_grant")


def test_an_access_token_or_a_code_in_its_place_is_refused(world: World, client: Client) -> None:
    access_token = world.tokens(client)["access_token"]
    code = world.sign_in(client["client_id"])["code"]
    for other in (access_token, code):
        assert is_json_error(world.refresh(client, other), 400, "invalid_grant")
    assert world.redeem(client, code).status_code == 200


def test_fewer_scopes_may_be_asked_for_and_the_session_keeps_all(world: World, client: Client) -> None:
    first = world.tokens(client)
    narrow = world.refresh(client, first["refresh_token"], scope="snippets:read").get_json()
    assert world.claims(narrow["access_token"])["scope"] == "snippets:read"
    full = world.refresh(client, narrow["refresh_token"]).get_json()
    assert world.claims(full["access_token"])["scope"] == first["scope"]


def test_offline_access_may_be_repeated(world: World, client: Client) -> None:
    first = world.tokens(client, scope="mcp:tools offline_access")
    second = world.refresh(client, first["refresh_token"], scope="mcp:tools offline_access")
    assert second.get_json()["scope"] == "mcp:tools"


@pytest.mark.requirement("RFC6749-6-SCOPE", "RFC9700-4.14-BOUND")
@pytest.mark.parametrize("scope", ["model:invoke", "mcp:tools model:invoke", "unknown"])
def test_more_scopes_are_refused_and_the_token_stays_unspent(
    world: World, client: Client, scope: str
) -> None:
    token = world.tokens(client)["refresh_token"]
    assert is_json_error(world.refresh(client, token, scope=scope), 400, "invalid_scope")
    assert world.refresh(client, token).status_code == 200


@pytest.mark.requirement("RFC8707-2.2-BOUND", "RFC9700-4.14-BOUND")
def test_another_resource_is_refused_and_an_alias_is_not(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    response = world.refresh(client, token, resource="https://other.example")
    assert is_json_error(response, 400, "invalid_target")
    response = world.refresh(client, token, resource=RESOURCE + "/sse")
    assert world.claims(response.get_json()["access_token"])["aud"] == RESOURCE


def test_a_client_without_the_grant_cannot_refresh(world: World, client: Client) -> None:
    other = world.register(grant_types=["authorization_code"])
    response = world.refresh(other, world.tokens(client)["refresh_token"])
    assert is_json_error(response, 400, "unauthorized_client")


def test_an_idle_session_ends(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    world.clock.advance(world.settings.refresh_idle_lifetime_seconds)
    assert is_json_error(world.refresh(client, token), 400, "invalid_grant")


def test_a_session_ends_however_often_it_is_used(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    step = world.settings.refresh_idle_lifetime_seconds - 60
    used = 0
    while used + step < world.settings.refresh_absolute_lifetime_seconds:
        world.clock.advance(step)
        used += step
        token = world.refresh(client, token).get_json()["refresh_token"]
    world.clock.advance(world.settings.refresh_absolute_lifetime_seconds - used)
    assert is_json_error(world.refresh(client, token), 400, "invalid_grant")


def test_a_registration_in_use_does_not_expire(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    for _ in range(5):
        world.clock.advance(29 * 86_400)
        response = world.refresh(client, tokens["refresh_token"])
        tokens = response.get_json() if response.status_code == 200 else world.tokens(client)
    assert world.store.get_client(client["client_id"]) is not None


def test_a_refresh_token_survives_a_restart_and_a_new_master_secret(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    old = world.settings.master_secret.get_secret_value()
    folder = world.settings.state_file.parent
    rotated = make_world(folder, master_secret=f"{'A' * 43}=,{old}")
    rotated.clock.now = world.clock.now
    assert rotated.refresh(client, token).status_code == 200
    rotated.store.close()
