"""login_hint, domain_hint, max_age and prompt at /authorize: passed on, left out, or refused."""

from typing import Any

import pytest

from authserver.model import SignInHints
from tests.authserver.world import ISSUER, REDIRECT, World, answer_of, is_page

Client = dict[str, Any]


def passed_on(world: World, client: Client, **hints: Any) -> SignInHints:
    world.allow(world.browser(), client["client_id"], **hints)
    return world.broker.started[-1]


def refused(world: World, client: Client, **hints: Any) -> str:
    response = world.authorize(world.browser(), client["client_id"], **hints)
    assert response.status_code == 302
    assert response.location.startswith(REDIRECT)
    answer = answer_of(response)
    assert (answer["state"], answer["iss"]) == ("the-state", ISSUER)
    return answer["error"]


def test_what_a_client_knows_of_the_person_is_passed_on(world: World, client: Client) -> None:
    assert passed_on(
        world,
        client,
        login_hint="alice@contoso.example",
        domain_hint="contoso.example",
        max_age="3600",
        prompt="login",
    ) == SignInHints("alice@contoso.example", "contoso.example", 3600, "login")


def test_without_hints_entra_is_told_nothing(world: World, client: Client) -> None:
    assert passed_on(world, client) == SignInHints()


@pytest.mark.requirement("OIDC-3.1.2.1-PROMPT-LOGIN")
@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("login", "login"),
        ("login consent", "login"),
        ("select_account", None),
        ("consent", None),
        ("consent select_account", None),
        ("create", None),
        ("LOGIN", None),
        (" ", None),
    ],
)
def test_prompts_that_happen_anyhow_change_nothing(
    world: World, client: Client, prompt: str, expected: str | None
) -> None:
    assert passed_on(world, client, prompt=prompt).prompt == expected


@pytest.mark.requirement("OIDC-3.1.2.1-PROMPT-ALONE")
@pytest.mark.parametrize(
    ("prompt", "error"),
    [
        ("none", "consent_required"),
        ("none login", "invalid_request"),
        ("select_account none", "invalid_request"),
        (["login", "login"], "invalid_request"),
    ],
)
def test_nobody_is_signed_in_without_being_asked(
    world: World, client: Client, prompt: Any, error: str
) -> None:
    assert refused(world, client, prompt=prompt) == error


@pytest.mark.requirement("OIDC-3.1.2.1-MAX-AGE")
@pytest.mark.parametrize(
    ("max_age", "expected"), [("0", 0), ("1", 1), ("0600", 600), ("9999999999", 9999999999)]
)
def test_an_age_in_seconds_is_passed_on(world: World, client: Client, max_age: str, expected: int) -> None:
    assert passed_on(world, client, max_age=max_age).max_age_seconds == expected


@pytest.mark.parametrize("max_age", ["-1", "1.5", "ten", "1e3", "٣", "0x10", " 5", "9" * 11, ["1", "2"]])
def test_an_age_that_is_none_is_refused(world: World, client: Client, max_age: Any) -> None:
    assert refused(world, client, max_age=max_age) == "invalid_request"


@pytest.mark.parametrize(
    "domain_hint", ["contoso.example", "organizations", "consumers", "a", "a" * 253, "xn--bcher-kva.example"]
)
def test_a_domain_is_passed_on(world: World, client: Client, domain_hint: str) -> None:
    assert passed_on(world, client, domain_hint=domain_hint).domain_hint == domain_hint


@pytest.mark.parametrize(
    "domain_hint", ["contoso example", "a&prompt=none", "<b>", "-a", "a-", "a" * 254, "https://x.example/"]
)
def test_what_is_no_domain_is_left_out(world: World, client: Client, domain_hint: str) -> None:
    assert passed_on(world, client, domain_hint=domain_hint).domain_hint is None


def test_a_hint_that_is_too_long_is_left_out(world: World, client: Client) -> None:
    assert passed_on(world, client, login_hint="a" * 321).login_hint is None


@pytest.mark.parametrize("name", ["login_hint", "domain_hint"])
def test_a_hint_sent_twice_is_refused(world: World, client: Client, name: str) -> None:
    assert refused(world, client, **{name: ["a", "b"]}) == "invalid_request"


@pytest.mark.parametrize("name", ["login_hint", "domain_hint", "max_age", "prompt"])
def test_control_characters_are_refused(world: World, client: Client, name: str) -> None:
    response = world.authorize(world.browser(), client["client_id"], **{name: "a\x00b"})
    assert is_page(response, 400)
