"""``authserver sessions``: who has access, and ending it; what is ended stands on the signed list."""

import time
from dataclasses import replace
from typing import Any

import orjson
import pytest
from joserfc import jws

from telemetry.audit import audit
from tests.authserver.cli.commands import Commands
from tests.authserver.world import ALICE, HOME_TENANT, World

BOB_OID = "c" * 8 + "-0000-4000-8000-000000000003"


@pytest.fixture
def client(world: World) -> dict[str, Any]:
    return world.register()


def sid_of(world: World, client: dict[str, Any]) -> str:
    return str(world.claims(world.tokens(client)["access_token"])["sid"])


def listed(world: World) -> list[str]:
    """Return what the signed list of the running server says."""
    world.clock.now = time.time() + 2
    claims: dict[str, Any] = orjson.loads(jws.extract_compact(world.get("/revoked").data).payload)
    return list(claims["sids"])


def test_the_list_shows_who_has_access_through_what_since_when(
    world: World, client: dict[str, Any], commands: Commands
) -> None:
    sid = sid_of(world, client)
    (row,) = commands.json("sessions", "list")
    assert (row["sid"], row["client_id"], row["oid"]) == (sid, client["client_id"], ALICE.oid)
    assert abs(row["since"] - time.time()) < 60
    text = commands.text("sessions", "list")
    assert sid in text
    assert ALICE.username in text


@pytest.mark.parametrize(
    "person", [ALICE.oid, ALICE.subject, ALICE.username, ALICE.username.upper(), ALICE.oid.upper()]
)
def test_a_person_is_found_by_id_and_by_name(
    world: World, client: dict[str, Any], commands: Commands, person: str
) -> None:
    sid = sid_of(world, client)
    assert [row["sid"] for row in commands.json("sessions", "list", "--person", person)] == [sid]
    assert commands.json("sessions", "list", "--person", f"{person}x") == []


def test_a_list_of_nobody_says_so(commands: Commands) -> None:
    assert "no active sessions" in commands.text("sessions", "list")


def test_one_session_is_ended_and_no_other(world: World, client: dict[str, Any], commands: Commands) -> None:
    one, other = sid_of(world, client), sid_of(world, client)
    assert commands.json("sessions", "revoke", one) == {"ended": [one]}
    assert listed(world) == [one]
    assert [row["sid"] for row in commands.json("sessions", "list")] == [other]
    assert commands.json("sessions", "revoke", one) == {"ended": []}
    assert "ended before" in commands.text("sessions", "revoke", one)
    (line,) = commands.json("audit", "--event", "session.revoked")
    assert (line["sid"], line["by"], line["oid"]) == (one, "command", ALICE.oid)


@pytest.mark.parametrize("start", ["-", "--", "-h"])
def test_a_session_whose_id_looks_like_an_option_is_ended(
    world: World, client: dict[str, Any], commands: Commands, start: str
) -> None:
    session = world.store.get_session(sid_of(world, client))
    assert session is not None
    sid = start + session.sid[len(start) :]
    world.store.open_session(replace(session, sid=sid))
    assert commands.json("sessions", "revoke", sid) == {"ended": [sid]}


def test_sessions_of_a_person_and_of_a_client_are_ended_together(
    world: World, client: dict[str, Any], commands: Commands
) -> None:
    other_client = world.register()
    mine = [sid_of(world, client), sid_of(world, other_client)]
    world.broker.person = type(ALICE)(HOME_TENANT, BOB_OID, "bob@contoso.example", "Bob", 0)
    bobs = sid_of(world, client)
    ended = commands.json("sessions", "revoke", "--person", ALICE.oid, "--client", client["client_id"])
    assert ended == {"ended": mine[:1]}
    assert set(commands.json("sessions", "revoke", "--client", client["client_id"])["ended"]) == {bobs}
    assert commands.json("sessions", "revoke", "--person", ALICE.subject) == {"ended": mine[1:]}
    assert set(listed(world)) == {*mine, bobs}


def test_all_sessions_are_ended_at_once(world: World, client: dict[str, Any], commands: Commands) -> None:
    sids = {sid_of(world, client) for _ in range(3)}
    assert "3 sessions were ended" in commands.text("sessions", "revoke", "--all")
    assert set(listed(world)) == sids


def test_tokens_of_machines_which_have_no_session_end_with_their_client(
    world: World, commands: Commands
) -> None:
    sids = {client_id: client_id.ljust(22, "x") for client_id in ("nightly", "hourly")}
    with commands.trail():
        for client_id, sid in sids.items():
            audit("token.issued", grant="client_credentials", client_id=client_id, sub=client_id, sid=sid)
    assert commands.json("sessions", "revoke", "--client", "nightly") == {"ended": [sids["nightly"]]}
    assert listed(world) == [sids["nightly"]]
    assert commands.json("sessions", "revoke", "--all") == {"ended": [sids["hourly"]]}


def test_a_session_that_was_never_stored_can_be_ended_by_its_id(world: World, commands: Commands) -> None:
    sid = "A" * 22
    assert commands.json("sessions", "revoke", sid) == {"ended": [sid]}
    assert listed(world) == [sid]


@pytest.mark.parametrize("sid", ["x", "A" * 21, "A" * 21 + "!", "alice@contoso.example", ""])
def test_what_is_no_session_id_is_refused(commands: Commands, sid: str) -> None:
    assert "not a session id" in commands.refusal("sessions", "revoke", sid)


@pytest.mark.parametrize("arguments", [[], ["A" * 22, "--all"], ["--all", "--client", "x"]])
def test_it_has_to_be_said_what_is_ended(commands: Commands, arguments: list[str]) -> None:
    result = commands.run("sessions", "revoke", *arguments)
    assert result.exit_code == 2
    assert "say which" in result.output


def test_a_name_that_strangers_chose_draws_nothing_on_a_terminal(
    world: World, client: dict[str, Any], commands: Commands
) -> None:
    world.broker.person = type(ALICE)(HOME_TENANT, BOB_OID, "bob\x1b[2J\u202eelbatnocsid", "Bob", 0)
    sid_of(world, client)
    text = commands.text("sessions", "list")
    assert "bob" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
