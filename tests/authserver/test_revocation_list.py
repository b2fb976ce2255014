"""GET /revoked: the signed list from which resource servers know what was revoked."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import orjson
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from authserver.errors import StoreUnavailable
from authserver.key_lives import RETIRE_MARGIN_SECONDS
from authserver.keys import KeyRing
from authserver.model import TokenSubject
from authserver.oauth.revocation_list import (
    CLOCK_MARGIN_SECONDS,
    FRESH_SECONDS,
    LIFETIME_SECONDS,
    RevocationLists,
)
from authserver.tokens import TokenMinter, new_sid
from authserver.wiring.parts import make_parts
from tests.authserver.world import ISSUER, World, make_world

TOKEN_SECONDS = 3600
Client = dict[str, Any]


def read(world: World) -> dict[str, Any]:
    """Return the claims of the list after checking it as a resource server does."""
    answer = world.get("/revoked")
    assert (answer.status_code, answer.mimetype) == (200, "application/jwt")
    keys = KeySet.import_key_set(world.get("/jwks").get_json())
    verified = jws.deserialize_compact(answer.data, keys, algorithms=["RS256", "ES256"])
    assert verified.headers()["typ"] == "revocations+jwt"
    claims: dict[str, Any] = orjson.loads(verified.payload)
    return claims


def later(world: World, seconds: float = FRESH_SECONDS) -> dict[str, Any]:
    world.clock.advance(seconds)
    return read(world)


def ring_of(world: World) -> KeyRing:
    return make_parts(world.settings, world.clock, world.store, world.broker).keyring


def test_a_list_of_nothing_is_signed_too(world: World) -> None:
    claims = read(world)
    assert (claims["iss"], claims["sids"], claims["kids"]) == (ISSUER, [], [])
    assert claims["exp"] == claims["iat"] + LIFETIME_SECONDS
    assert claims["iat"] <= world.clock.now < claims["iat"] + 60


def ends_by_revocation(world: World, client: Client) -> str:
    tokens = world.tokens(client)
    world.post("/revoke", {"token": tokens["refresh_token"], "client_id": client["client_id"]})
    return str(world.claims(tokens["access_token"])["sid"])


def ends_by_reuse(world: World, client: Client) -> str:
    tokens = world.tokens(client)
    world.refresh(client, tokens["refresh_token"])
    world.clock.advance(120)
    assert world.refresh(client, tokens["refresh_token"]).status_code == 400
    return str(world.claims(tokens["access_token"])["sid"])


def ends_by_replay(world: World, client: Client) -> str:
    code = world.sign_in(client["client_id"])["code"]
    tokens = world.redeem(client, code).get_json()
    assert world.redeem(client, code).status_code == 400
    return str(world.claims(tokens["access_token"])["sid"])


def ends_before_it_opened(world: World, _client: Client) -> str:
    sid = new_sid()
    world.store.end_session(sid, "code_replayed")
    return sid


ENDS: dict[str, Callable[[World, Client], str]] = {
    "revoked": ends_by_revocation,
    "refresh token reused": ends_by_reuse,
    "code replayed": ends_by_replay,
    "a tombstone": ends_before_it_opened,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_session_that_ended_for_whatever_reason_is_listed_within_a_second(
    world: World, client: Client, end: Callable[[World, Client], str]
) -> None:
    living = world.claims(world.tokens(client)["access_token"])["sid"]
    assert read(world)["sids"] == []
    sid = end(world, client)
    sids = later(world)["sids"]
    assert sid in sids
    assert living not in sids


def test_a_session_is_listed_until_its_last_access_token_has_expired(world: World, client: Client) -> None:
    sid = ends_by_revocation(world, client)
    assert sid in later(world, TOKEN_SECONDS + CLOCK_MARGIN_SECONDS - FRESH_SECONDS)["sids"]
    assert sid not in later(world, 120)["sids"]


def test_a_longer_lifetime_of_one_resource_keeps_sessions_on_the_list(tmp_path: Path) -> None:
    resource = {"uri": f"{ISSUER}/mcp", "name": "x", "scopes": {"a": "A"}, "default_scopes": ["a"]}
    world = make_world(tmp_path, resources=[{**resource, "access_token_lifetime_seconds": 7200}])
    sid = ends_before_it_opened(world, {})
    assert sid in later(world, TOKEN_SECONDS + 2 * CLOCK_MARGIN_SECONDS)["sids"]
    world.store.close()


def test_a_withdrawn_key_is_listed_and_the_list_is_signed_with_another_at_once(world: World) -> None:
    (bad,) = (key["kid"] for key in world.get("/jwks").get_json()["keys"])
    read(world)
    ring_of(world).withdraw(bad)
    world.clock.advance(FRESH_SECONDS)
    answer = world.get("/revoked")
    header = jws.extract_compact(answer.data).headers()
    assert header["kid"] != bad
    assert read(world)["kids"] == [bad]
    assert bad not in later(world, TOKEN_SECONDS + RETIRE_MARGIN_SECONDS)["kids"]


def test_an_unchanged_list_is_not_sent_again(world: World, client: Client) -> None:
    etag = world.get("/revoked").headers["ETag"]
    for match in (etag, f"W/{etag}", f'"other", {etag}'):
        answer = world.get("/revoked", headers={"If-None-Match": match})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
    ends_by_revocation(world, client)
    world.clock.advance(FRESH_SECONDS)
    assert world.get("/revoked", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("match", ["", '""', "*", "x", '"', "é", ",,,", '"' + "a" * 5000 + '"'])
def test_whoever_has_another_list_or_none_is_sent_the_whole(world: World, match: str) -> None:
    assert world.get("/revoked", headers={"If-None-Match": match.encode("latin-1")}).status_code == 200


def test_no_cache_answers_for_the_server(world: World) -> None:
    assert world.get("/revoked").headers["Cache-Control"] == "no-cache"


def test_a_list_is_signed_anew_before_it_expires_though_nothing_changes(world: World) -> None:
    first = read(world)
    assert later(world, 60)["iat"] > first["iat"]


def test_the_time_of_issue_never_goes_back(world: World) -> None:
    seen = []
    for _ in range(200):
        if len(seen) % 7 == 3:
            ends_before_it_opened(world, {})
        seen.append(later(world)["iat"])
    assert seen == sorted(seen)


def test_replicas_that_know_the_same_send_the_same(world: World) -> None:
    replicas = [make_lists(world) for _ in range(2)]
    for _ in range(3):
        ends_before_it_opened(world, {})
        world.clock.advance(1)
        replicas[0].current()
    ends_before_it_opened(world, {})
    world.clock.advance(1)
    assert len({each.current().etag for each in replicas}) == 1


def make_lists(world: World) -> RevocationLists:
    return RevocationLists(
        world.store, ring_of(world), ISSUER, world.clock, token_lifetime_seconds=TOKEN_SECONDS
    )


def test_many_who_ask_at_once_cost_one_reading_and_one_signature(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists, reads, signatures = make_lists(world), [], []
    ended_since, serialize = world.store.ended_since, jws.serialize_compact

    def slow(since_seconds: int) -> list[tuple[str, int]]:
        reads.append(since_seconds)
        gevent.sleep(0)
        return ended_since(since_seconds)

    def counted(*args: Any, **kwargs: Any) -> str:
        signatures.append(1)
        return serialize(*args, **kwargs)

    monkeypatch.setattr(world.store, "ended_since", slow)
    monkeypatch.setattr(jws, "serialize_compact", counted)
    gevent.joinall([gevent.spawn(lists.current) for _ in range(50)], raise_error=True)
    assert (len(reads), len(signatures)) == (1, 1)
    for _ in range(10):
        world.clock.advance(FRESH_SECONDS)
        lists.current()
    assert (len(reads), len(signatures)) == (11, 1), "what says the same is not signed again"


def test_a_store_that_is_away_is_no_empty_list_and_no_old_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_since_seconds: int) -> list[tuple[str, int]]:
        raise StoreUnavailable("away")

    read(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.store, "ended_since", away)
        world.clock.advance(FRESH_SECONDS)
        answer = world.get("/revoked")
        assert (answer.status_code, answer.mimetype) == (503, "application/json")
        assert answer.headers["Retry-After"]
    assert read(world)["sids"] == []


def test_a_clock_that_was_ahead_and_is_put_right_does_not_stop_the_list(world: World) -> None:
    read(world)
    world.clock.advance(-3600)
    sid = ends_before_it_opened(world, {})
    assert sid in later(world)["sids"]


def machine_token(world: World, client_id: str, sid: str) -> str:
    """Return an access token as client_credentials gives it: of a session that is stored nowhere."""
    minter = TokenMinter(ring_of(world), ISSUER, TOKEN_SECONDS, world.clock)
    return minter.access_token(
        subject=TokenSubject(client_id),
        client_id=client_id,
        scopes=("mcp:tools",),
        resource=world.settings.resources[0],
        sid=sid,
    ).value


@pytest.mark.requirement("RFC7009-2-REFRESH")
def test_a_machines_token_can_be_revoked_by_its_client_and_is_listed(world: World, client: Client) -> None:
    sid = new_sid()
    form = {"token": machine_token(world, client["client_id"], sid), "client_id": client["client_id"]}
    assert world.post("/revoke", form).status_code == 200
    assert later(world)["sids"] == [sid]


@pytest.mark.requirement("RFC7009-2.1-CLIENT")
def test_a_machines_token_cannot_be_revoked_by_another_client_nor_when_it_has_expired(
    world: World, client: Client
) -> None:
    token = machine_token(world, client["client_id"], new_sid())
    other = world.register()["client_id"]
    assert world.post("/revoke", {"token": token, "client_id": other}).status_code == 400
    world.clock.advance(TOKEN_SECONDS)
    assert world.post("/revoke", {"token": token, "client_id": client["client_id"]}).status_code == 200
    assert later(world)["sids"] == []


def test_a_hundred_thousand_sessions_cost_little_between_the_minutes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [(f"{number:022d}", int(world.clock.now) - 3600 + number // 30) for number in range(100_000)]

    def ended_since(since_seconds: int) -> list[tuple[str, int]]:
        return [entry for entry in many if entry[1] >= since_seconds]

    monkeypatch.setattr(world.store, "ended_since", ended_since)
    lists = make_lists(world)
    assert len(lists.current().token) > 2_000_000
    world.clock.advance(FRESH_SECONDS)
    started = time.process_time()
    lists.current()
    assert time.process_time() - started < 0.5, "ten times what it took when this was written"
