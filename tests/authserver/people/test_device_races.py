"""A device authorization under contention: one decision, one redemption, whatever happens at once."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from cryptography.fernet import Fernet

from authserver.cipher import Cipher
from authserver.errors import OAuthError
from authserver.oauth.device import states
from authserver.oauth.device.guess_limit import MOST_FROM_ONE_NETWORK, GuessLimit, TooManyGuesses
from authserver.oauth.device.requests import Asked, DeviceRequests
from authserver.oauth.device.user_codes import UserCodes
from tests.authserver.world import ALICE, World

_ASKED = Asked("television", ("mcp:tools",), "http://localhost:8080/mcp", "127.0.0.1", "tv")


@pytest.fixture
def requests(world: World) -> DeviceRequests:
    return DeviceRequests(world.store, UserCodes(Cipher(world.settings.master_secrets)), world.clock, 600)


def together(*actions: Callable[[], Any]) -> list[Any]:
    greenlets = [gevent.spawn(action) for action in actions]
    gevent.joinall(greenlets)
    return [greenlet.value for greenlet in greenlets]


def outcome(action: Callable[[], Any]) -> Callable[[], str]:
    def run() -> str:
        try:
            return str(action())
        except OAuthError as error:
            return error.code

    return run


def test_of_many_decisions_one_counts_while_the_device_polls(requests: DeviceRequests) -> None:
    opened = requests.open(_ASKED)
    found = requests.find_typed(opened.user_code)
    assert found is not None
    name = found.user_code_hash
    decisions = [lambda n=n: requests.approve(name, ALICE, ("mcp:tools",), f"sid-{n}") for n in range(6)]
    denials = [lambda: requests.deny(name)] * 6
    polls = [outcome(lambda: requests.poll(opened.device_code, "television").state)] * 6
    said = together(*decisions, *denials, *polls)
    assert said[:12].count(True) == 1
    assert set(said[12:]) <= {"authorization_pending", "slow_down", "approved", "access_denied"}
    assert requests.find_typed(opened.user_code) is None


def test_of_many_redemptions_one_gets_it(requests: DeviceRequests) -> None:
    opened = requests.open(_ASKED)
    found = requests.find_typed(opened.user_code)
    assert found is not None
    assert requests.approve(found.user_code_hash, ALICE, ("mcp:tools",), "sid")
    taken = together(*[lambda: requests.take(opened.device_code)] * 12)
    assert taken.count(True) == 1


def test_guesses_at_the_same_moment_are_all_counted(world: World) -> None:
    limit = GuessLimit(world.store, world.clock)

    def guess() -> bool:
        try:
            limit.count("203.0.113.7")
        except TooManyGuesses:
            return False
        return True

    allowed = together(*[guess] * (MOST_FROM_ONE_NETWORK * 2))
    assert allowed.count(True) == MOST_FROM_ONE_NETWORK


def test_a_code_of_before_the_master_secret_was_rotated_is_found(world: World) -> None:
    before = world.settings.master_secrets
    after = (Fernet.generate_key().decode(), *before)
    opened = DeviceRequests(world.store, UserCodes(Cipher(before)), world.clock, 600).open(_ASKED)
    rotated = DeviceRequests(world.store, UserCodes(Cipher(after)), world.clock, 600)
    assert rotated.find_typed(opened.user_code) is not None


def test_two_devices_never_show_the_same_code_at_a_time(
    requests: DeviceRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter(["BBBBBBBB", "BBBBBBBB", "CCCCCCCC"])
    monkeypatch.setattr(UserCodes, "new", lambda _: next(codes))
    assert [requests.open(_ASKED).user_code for _ in range(2)] == ["BBBBBBBB", "CCCCCCCC"]


def test_a_clock_that_steps_back_makes_nobody_too_fast_for_ever() -> None:
    record = states.DeviceAuthorization(
        "television", "hash", ("mcp:tools",), "r", "a", "p", 0, 600, polled_at_seconds=100.0
    )
    changed, _ = states.polled(record, 50.0)
    again, is_too_fast = states.polled(changed, 65.0)
    assert not is_too_fast
    assert again.polled_at_seconds == 65.0
