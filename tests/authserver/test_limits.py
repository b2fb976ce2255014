"""How often the endpoints may be asked: 429 with Retry-After for who asks too often, and for nobody else."""

import base64
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authserver.errors import StoreUnavailable
from authserver.store import minute_counts
from authserver.store.minute_counts import MinuteCounts
from authserver.store.redis_link import RedisLink
from authserver.web.addresses import Addresses
from authserver.web.http import HttpRefusal, HttpRequest
from authserver.web.limits import NETWORK_FACTOR, PEER_FACTOR, Rates, RequestLimits
from authserver.web.token import TokenEndpoint
from tests.authserver.store.backends import RedisServer
from tests.authserver.world import (
    ISSUER,
    World,
    is_json_error,
    is_page,
    make_world,
    registration,
)
from tests.support.waiting import wait_until

OFFICE = "203.0.113.7"
ELSEWHERE = "198.51.100.9"
# Only its name is read.
_TOKEN: Any = TokenEndpoint


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[World]:
    """A server that lets one client of a network ask twice a minute."""
    made = make_world(
        tmp_path,
        requests_per_minute=2,
        token_requests_per_minute=2,
        registrations_per_minute=2 * NETWORK_FACTOR,
    )
    yield made
    made.store.close()


def ask(world: World, path: str = "/token", peer: str = OFFICE, **kwargs: Any) -> TestResponse:
    return world.post(path, environ_overrides={"REMOTE_ADDR": peer}, **kwargs)


def ask_as(world: World, client_id: str, peer: str = OFFICE) -> int:
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": "x"}
    return ask(world, peer=peer, form=form).status_code


def register_from(world: World, peer: str, **headers: str) -> int:
    names = {"forwarded_for": "X-Forwarded-For", "public_origin": "X-Public-Origin"}
    response = world.post(
        "/register",
        json=registration(),
        headers={names[name]: value for name, value in headers.items()},
        environ_overrides={"REMOTE_ADDR": peer},
    )
    return response.status_code


def paths_of(world: World) -> list[str]:
    return [re.sub("<.*>", "x", rule.rule) for rule in world.app.url_map.iter_rules()]


def test_every_public_endpoint_answers_429_with_retry_after_when_asked_too_often(strict: World) -> None:
    strict.clock.advance(17)
    unlimited = set()
    for number, path in enumerate(paths_of(strict)):
        peer = f"203.0.113.{number}"
        replies = [
            strict.get(path, environ_overrides={"REMOTE_ADDR": peer}) for _ in range(2 * NETWORK_FACTOR + 1)
        ]
        last = replies[-1]
        if last.status_code != 429:
            unlimited.add(path)
            continue
        assert [reply.status_code for reply in replies].count(429) == 1, path
        assert last.headers["Retry-After"] == "43", path
        assert is_page(last, 429) or is_json_error(last, 429, "temporarily_unavailable"), path
    assert unlimited == {"/healthz", "/readyz", "/metrics"}


def test_a_client_that_runs_wild_is_stopped_where_it_does_and_the_others_there_are_not(strict: World) -> None:
    assert [ask_as(strict, "wild") for _ in range(4)] == [401, 401, 429, 429]
    assert ask_as(strict, "calm") == 401
    # What was refused used up nothing of what the network has.
    others = [ask_as(strict, f"other-{number}") for number in range(2 * NETWORK_FACTOR)]
    assert others == [401] * (2 * NETWORK_FACTOR - 3) + [429] * 3


def test_who_names_the_client_of_others_spends_nothing_of_theirs(strict: World) -> None:
    assert [ask_as(strict, "victim", peer=ELSEWHERE) for _ in range(20)].count(429) == 18
    assert ask_as(strict, "victim") == 401


def test_the_next_minute_begins_anew(strict: World) -> None:
    assert [ask_as(strict, "client") for _ in range(3)] == [401, 401, 429]
    strict.clock.advance(59)
    assert ask_as(strict, "client") == 429
    strict.clock.advance(1)
    assert ask_as(strict, "client") == 401


def test_a_client_is_known_by_basic_by_the_form_and_by_the_query(strict: World) -> None:
    basic = base64.b64encode(b"by-basic:secret").decode()
    kwargs: dict[str, Any] = {
        "form": {"grant_type": "refresh_token"},
        "headers": {"Authorization": f"Basic {basic}"},
    }
    assert [ask(strict, **kwargs).status_code for _ in range(3)][-1] == 429
    assert ask_as(strict, "by-basic") == 429
    query = [
        strict.get("/authorize?x=1&client_id=by-query", environ_overrides={"REMOTE_ADDR": OFFICE})
        for _ in range(3)
    ]
    assert [reply.status_code for reply in query] == [400, 400, 429]
    assert is_page(query[-1], 429)
    assert "Wait a moment" in query[-1].text


@pytest.mark.parametrize("credentials", ["Basic", "Basic !", "Basic é", "Bearer x", "Basic Og==", "\x00"])
def test_credentials_that_name_nobody_count_for_the_network_alone(strict: World, credentials: str) -> None:
    replies = [
        ask(strict, form={"grant_type": "x"}, environ_base={"HTTP_AUTHORIZATION": credentials})
        for _ in range(2 * NETWORK_FACTOR + 1)
    ]
    assert [reply.status_code == 429 for reply in replies] == [False] * 2 * NETWORK_FACTOR + [True]


def test_preflights_cost_nothing(strict: World) -> None:
    browser = strict.browser()
    assert {browser.options("/token").status_code for _ in range(50)} == {204}


def test_a_busy_team_behind_one_address_does_not_meet_the_limits(world: World) -> None:
    client = world.register()["client_id"]
    # A thousand people with one client, each of whom asks five times within the same minute.
    assert {ask_as(world, client) for _ in range(5000)} == {400}


@pytest.mark.requirement("RFC7591-5-RATE")
def test_a_storm_of_registrations_is_answered_with_429(tmp_path: Path) -> None:
    world = make_world(tmp_path, registrations_per_minute=3)
    body = json.dumps(registration())
    responses = [world.post("/register", body, content_type="application/json") for _ in range(5)]
    assert [response.status_code for response in responses] == [201, 201, 201, 429, 429]
    last = responses[-1]
    assert is_json_error(last, 429, "temporarily_unavailable")
    assert last.headers["Retry-After"] == "60"
    assert last.headers["Access-Control-Allow-Origin"] == "*"
    assert register_from(world, "127.0.0.1", forwarded_for="203.0.113.9") == 429
    assert world.browser().options("/register").status_code == 204


def test_behind_the_gateway_a_storm_from_one_address_does_not_stop_the_others(tmp_path: Path) -> None:
    world = make_world(tmp_path, registrations_per_minute=2)

    def register(address: str) -> int:
        return register_from(world, "10.0.0.1", forwarded_for=address, public_origin=ISSUER)

    assert [register("203.0.113.9") for _ in range(4)] == [201, 201, 429, 429]
    assert register("203.0.113.10") == 201
    # What a caller wrote stands to the left of what the gateway added.
    assert register("203.0.113.11, 203.0.113.9") == 429
    # An IPv6 host has as many addresses as it likes within its network.
    assert [register(f"2001:db8::{n}") for n in range(1, 4)] == [201, 201, 429]
    assert register("2001:db8:0:1::1") == 201


def test_behind_two_proxies_the_address_is_the_one_that_the_first_of_them_saw(tmp_path: Path) -> None:
    world = make_world(tmp_path, registrations_per_minute=1, trusted_proxy_hops=2)

    def register(address: str) -> int:
        return register_from(world, "10.0.0.1", forwarded_for=address, public_origin=ISSUER)

    assert register("198.51.100.1, 203.0.113.9, 10.0.0.7") == 201
    assert register("198.51.100.2, 203.0.113.9, 10.0.0.7") == 429
    assert register("203.0.113.9, 198.51.100.1, 10.0.0.7") == 201


@pytest.mark.parametrize("hop", ["203.0.113.9:55555", "[2001:db8::9]:55555", "[2001:db8::9]"])
def test_a_proxy_may_write_the_port_too(tmp_path: Path, hop: str) -> None:
    world = make_world(tmp_path, registrations_per_minute=1)
    assert register_from(world, "10.0.0.1", forwarded_for=hop, public_origin=ISSUER) == 201
    again = hop.replace("55555", "44444")
    assert register_from(world, "10.0.0.1", forwarded_for=again, public_origin=ISSUER) == 429
    assert register_from(world, "10.0.0.1", public_origin=ISSUER) == 201


def test_addresses_that_a_caller_claims_without_the_gateway_count_for_nothing(tmp_path: Path) -> None:
    world = make_world(tmp_path, registrations_per_minute=2)
    statuses = [register_from(world, ELSEWHERE, forwarded_for=f"203.0.113.{n}") for n in range(3)]
    assert statuses == [201, 201, 429]


def test_who_pretends_to_be_the_gateway_is_limited_by_connection(tmp_path: Path) -> None:
    world = make_world(tmp_path, registrations_per_minute=1)
    statuses = [
        register_from(world, ELSEWHERE, forwarded_for=f"203.0.113.{n}", public_origin=ISSUER)
        for n in range(PEER_FACTOR + 2)
    ]
    assert statuses == [201] * PEER_FACTOR + [429] * 2


@pytest.mark.parametrize("claimed", ["", "unknown", "203.0.113.9:", "[::1]x", "\u00e9", "x" * 5000, "::g"])
def test_what_is_no_address_counts_as_the_connections(tmp_path: Path, claimed: str) -> None:
    world = make_world(tmp_path, registrations_per_minute=1)
    assert register_from(world, ELSEWHERE) == 201
    assert register_from(world, ELSEWHERE, forwarded_for=claimed, public_origin=ISSUER) == 429


def test_names_that_a_stranger_makes_up_fill_no_memory_and_free_nobody_of_the_networks_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    by_client = MinuteCounts(lambda: 0.0, most_keys=100)
    limits = limits_of(by_client, MinuteCounts(lambda: 0.0), client=1000)
    outcomes = [is_refused(limits, a_request(f"made-up-{number}")) for number in range(5010)]
    assert outcomes == [False] * 5000 + [True] * 10
    assert by_client.reset() == 100
    assert caplog.text.count("more than 100 keys") == 1


def test_a_long_name_is_a_short_key() -> None:
    by_client = MinuteCounts(lambda: 0.0)
    limits = limits_of(by_client, MinuteCounts(lambda: 0.0), client=1)
    assert not is_refused(limits, a_request("x" * 60_000))
    assert is_refused(limits, a_request("x" * 60_000))
    assert not is_refused(limits, a_request("x" * 60_001))
    assert max(map(len, by_client._own)) < 200


def test_counting_costs_a_token_request_next_to_nothing() -> None:
    limits = limits_of(MinuteCounts(time.time), MinuteCounts(time.time), client=10**9)
    request = a_request("mcp-client-0123456789abcdef0123")

    def seconds_of_a_hundred() -> float:
        started = time.perf_counter()
        for _ in range(100):
            is_refused(limits, request)
        return time.perf_counter() - started

    # The best of many, because a busy machine takes its time in between.
    assert min(seconds_of_a_hundred() for _ in range(50)) / 100 < 20e-6


def test_a_redis_that_hangs_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = link_to(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", deadline_seconds=0.1)
        counts = MinuteCounts(lambda: 0.0, link)
        assert [counts.incr("a/1/1/minute", 60) for _ in range(1000)] == list(range(1, 1001))
        with pytest.raises(StoreUnavailable):
            counts.share()
        assert counts.incr("a/1/1/minute", 60) == 1001
        link.close()


def test_a_redis_that_is_away_is_said_once_and_counted_with_again_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minute_counts, "_SHARE_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(minute_counts, "_TRY_AGAIN_SECONDS", 0.01)
    server = RedisServer(tmp_path)
    one_link, other_link = link_to(server.url), link_to(server.url)
    one, other = MinuteCounts(lambda: 0.0, one_link), MinuteCounts(lambda: 0.0, other_link)
    server.kill()
    one.incr("a/1/1/minute", 60)
    wait_until(lambda: "each process alone" in caplog.text, "the log")
    server.start()
    wait_until(lambda: one._told == {"a/1/1/minute": 1}, "the count")
    assert caplog.text.count("each process alone") == 1
    other.incr("a/1/1/minute", 60)
    wait_until(lambda: other.get("a/1/1/minute") == 2, "the sum")
    one_link.close()
    other_link.close()
    server.stop()


def test_replicas_on_redis_count_together_a_moment_later(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    now = [0.0]
    links = [link_to(server.url), link_to(server.url)]
    one, other = (MinuteCounts(lambda: now[0], link) for link in links)
    assert [one.incr("a/100/1/minute", 60) for _ in range(60)][-1] == 60
    assert [other.incr("a/100/1/minute", 60) for _ in range(50)][-1] == 50
    one.share()
    other.share()
    assert other.incr("a/100/1/minute", 60) == 111
    one.incr("a/100/1/minute", 60)
    one.share()
    assert one.get("a/100/1/minute") == 111
    now[0] = 60.0
    assert one.incr("a/100/1/minute", 60) == 1
    one.share()
    assert one.get("a/100/1/minute") == 1
    with server.client() as client:
        assert {0 < client.ttl(key) <= 150 for key in client.scan_iter("*count*")} == {True}
    for link in links:
        link.close()
    server.stop()


def test_what_is_far_from_its_limit_is_not_worth_a_message(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    link = link_to(server.url)
    counts = MinuteCounts(lambda: 0.0, link)
    counts.incr("a/6000/1/minute", 60)
    counts.share()
    with server.client() as client:
        assert list(client.scan_iter("*count*")) == []
    link.close()
    server.stop()


def link_to(url: str, deadline_seconds: float = 1.0) -> RedisLink:
    return RedisLink(url, cluster=False, allow_unsafe=True, deadline_seconds=deadline_seconds)


def limits_of(by_client: MinuteCounts, by_network: MinuteCounts, *, client: int) -> RequestLimits:
    return RequestLimits(Rates(client, client, 10), Addresses(1), by_client, by_network, lambda: 0.0)


def is_refused(limits: RequestLimits, request: HttpRequest) -> bool:
    try:
        limits.count(_TOKEN, request)
    except HttpRefusal as refusal:
        return refusal.status == 429
    return False


def a_request(client_id: str) -> HttpRequest:
    body = f"grant_type=refresh_token&refresh_token={'r' * 80}&client_id={client_id}".encode()
    return HttpRequest("POST", "/token", "", "", None, {}, body, peer=OFFICE)
