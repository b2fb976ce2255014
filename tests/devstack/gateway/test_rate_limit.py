"""rate-limit-by-key: who is counted together, and what one call too many gets."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from devstack.gateway.apim_folder import SharedTools
from devstack.gateway.counters import Counters


class Clock:
    """A wall clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = time.time() // 60 * 60 + 10  # ten seconds into a window

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(make_stack: Callable[..., Any], clock: Clock) -> Any:
    tools = replace(SharedTools(clock).tools(), wall_clock=time.time)
    return make_stack({"mcp-calls-per-minute": "3", "oauth-calls-per-minute": "2"}, tools=tools)


def test_one_call_too_many_gets_429_and_the_seconds_to_wait(limited: Any, clock: Clock) -> None:
    headers = limited.bearer()
    assert [limited.request("POST", "/mcp", headers=headers).status_code for _ in range(4)] == [
        200,
        200,
        200,
        429,
    ]
    clock.now += 20
    response = limited.request("POST", "/mcp", headers={**headers, "Origin": "https://page.example"})
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "30"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json() == {
        "statusCode": 429,
        "message": "Rate limit is exceeded. Try again in 30 seconds.",
    }
    assert len(limited.mcp.seen) == 3


def test_after_the_wait_calls_are_answered_again(limited: Any, clock: Clock) -> None:
    headers = limited.bearer()
    for _ in range(4):
        response = limited.request("POST", "/mcp", headers=headers)
    clock.now += int(response.headers["Retry-After"])
    assert limited.request("POST", "/mcp", headers=headers).status_code == 200


def test_people_are_counted_apart_and_their_tokens_together(limited: Any) -> None:
    for _ in range(3):
        assert limited.request("POST", "/mcp", headers=limited.bearer(jti="one")).status_code == 200
    assert limited.request("GET", "/mcp", headers=limited.bearer(jti="two")).status_code == 429
    assert limited.request("POST", "/mcp", headers=limited.bearer(sub="tenant.bob")).status_code == 200


def test_refused_tokens_do_not_count_against_anybody(limited: Any) -> None:
    for _ in range(5):
        assert limited.request("POST", "/mcp", headers=limited.bearer(exp=1)).status_code == 401
    assert limited.request("POST", "/mcp", headers=limited.bearer()).status_code == 200


def test_without_a_token_an_address_is_counted_over_all_endpoints(limited: Any) -> None:
    paths = ["/oauth/jwks", "/.well-known/oauth-protected-resource", "/oauth/jwks"]
    assert [limited.request("GET", path).status_code for path in paths] == [200, 200, 429]


def test_a_forged_address_is_counted_as_the_real_one(limited: Any) -> None:
    headers = [{"X-Forwarded-For": f"203.0.113.{n}"} for n in range(3)]
    assert [limited.request("GET", "/oauth/jwks", headers=h).status_code for h in headers] == [200, 200, 429]


def test_a_busy_team_stays_below_the_default_limits(stack: Any) -> None:
    headers = stack.bearer()
    assert {stack.request("POST", "/mcp", headers=headers).status_code for _ in range(100)} == {200}


def test_counters_forget_a_window_once_it_is_over(clock: Clock) -> None:
    counters = Counters(60, clock)
    assert [counters.count("a"), counters.count("a"), counters.count("b")] == [1, 2, 1]
    assert counters.seconds_left() == 50
    clock.now += 50
    assert (counters.count("a"), counters.seconds_left()) == (1, 60)
