"""Who is signed in already: let in silently, asked again where the application wants it, signed out."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from devstack.entra.directory import ALICE, BOB, CONTOSO, LOGIN_CLIENT_ID, PAT
from tests.devstack.entra.browser import (
    PASSWORD,
    REDIRECT_URI,
    Application,
    Browser,
    Page,
    answer,
    claims_of,
)
from tests.devstack.entra.conftest import Clock

_AUTH_TIME = '{"id_token":{"auth_time":{"essential":true}}}'


def _is_asked(browser: Browser, **changes: Any) -> bool:
    """Say whether the person sees the login page; otherwise they were let in."""
    response = browser.authorize(**{"prompt": None, **changes})
    if response.status_code == 200:
        return "password" in Page(response.text).types
    return not answer(response)["code"]


def _logout(browser: Browser, segment: str = "organizations", **query: str) -> Any:
    url = f"{browser.emulator.login_url}/{segment}/oauth2/v2.0/logout"
    return browser.open(url, params=query)


def test_who_is_signed_in_is_not_asked_again_unless_the_application_wants_it(browser: Browser) -> None:
    assert _is_asked(browser)
    browser.sign_in(BOB)
    assert not _is_asked(browser)
    assert answer(browser.authorize(prompt="none"))["code"]
    for prompt in ("select_account", "login", "consent"):
        assert _is_asked(browser, prompt=prompt)


@pytest.mark.parametrize(
    ("changes", "is_asked"),
    [
        ({"login_hint": BOB.upper()}, False),
        ({"login_hint": ALICE}, True),
        ({"domain_hint": "contoso.example"}, False),
        ({"domain_hint": "organizations"}, False),
        ({"domain_hint": "fabrikam.example"}, True),
        ({"domain_hint": "consumers"}, True),
        ({"domain_hint": "nowhere.example"}, True),
        ({"segment": "fabrikam.example"}, True),
    ],
)
def test_a_hint_that_means_somebody_else_asks(
    browser: Browser, changes: dict[str, Any], is_asked: bool
) -> None:
    browser.sign_in(BOB)
    assert _is_asked(browser, **changes) == is_asked
    expected = "login_required" if is_asked else None
    assert answer(browser.authorize(**{"prompt": "none", **changes})).get("error") == expected


def test_the_account_picker_and_the_password_page_begin_with_the_hint(browser: Browser) -> None:
    browser.sign_in(BOB)
    for prompt in ("select_account", "login"):
        page = Page(browser.authorize(prompt=prompt, login_hint=ALICE).text)
        assert page.fields["username"] == ALICE


def test_a_password_that_was_given_too_long_ago_is_asked_for_again(browser: Browser, clock: Clock) -> None:
    browser.sign_in(BOB)
    clock.now += 100
    assert not _is_asked(browser, max_age="100")
    assert _is_asked(browser, max_age="99")
    assert _is_asked(browser, max_age="0")
    assert answer(browser.authorize(prompt="none", max_age="99"))["error"] == "login_required"
    browser.sign_in(BOB)
    assert not _is_asked(browser, max_age="99")
    assert _is_asked(browser, max_age="0")


@pytest.mark.parametrize("asked", [{"max_age": "3600"}, {"claims": _AUTH_TIME}])
def test_the_id_token_says_when_the_password_was_given_where_that_is_asked_for(
    browser: Browser, application: Application, clock: Clock, asked: dict[str, str]
) -> None:
    plain = application.redeem(browser.code(BOB)).json()
    assert "auth_time" not in claims_of(plain["id_token"])
    signed_in_at = clock.now
    clock.now += 60
    code = answer(browser.authorize(prompt=None, **asked))["code"]
    tokens = application.redeem(code).json()
    assert claims_of(tokens["id_token"])["auth_time"] == signed_in_at
    clock.now += 60
    refreshed = application.refresh(tokens["refresh_token"]).json()
    assert claims_of(refreshed["id_token"])["auth_time"] == signed_in_at
    code = browser.code(BOB, prompt="login", **asked)
    assert claims_of(application.redeem(code).json()["id_token"])["auth_time"] == clock.now


def test_an_application_may_be_registered_for_the_time_and_the_hint(
    browser: Browser, application: Application, clock: Clock
) -> None:
    browser.emulator.directory.change_application(
        LOGIN_CLIENT_ID, optional_claims=("auth_time", "login_hint")
    )
    claims = claims_of(application.redeem(browser.code(BOB)).json()["id_token"])
    assert claims["auth_time"] == clock.now
    assert not _is_asked(browser, login_hint=claims["login_hint"])
    assert BOB not in claims["login_hint"]


def test_a_silent_sign_in_ends_with_the_account_and_with_the_day(browser: Browser, clock: Clock) -> None:
    browser.sign_in(BOB)
    browser.emulator.directory.change_person(BOB, enabled=False)
    assert answer(browser.authorize(prompt="none"))["error"] == "login_required"
    browser.emulator.directory.change_person(BOB, enabled=True)
    assert answer(browser.authorize(prompt="none"))["code"]
    clock.now += 25 * 3600
    assert _is_asked(browser)


def test_a_sign_out_makes_the_next_sign_in_ask_again(browser: Browser) -> None:
    browser.sign_in(BOB)
    signed_out = _logout(browser)
    assert "signed out" in Page(signed_out.text).text
    assert _is_asked(browser)
    assert answer(browser.authorize(prompt="none"))["error"] == "login_required"


def test_a_sign_out_goes_back_to_registered_addresses_alone(browser: Browser) -> None:
    back = {"post_logout_redirect_uri": REDIRECT_URI}
    for client in ({}, {"client_id": LOGIN_CLIENT_ID}, {"client_id": LOGIN_CLIENT_ID.upper()}):
        assert _logout(browser, **back, **client).headers["Location"] == REDIRECT_URI
    for url in ("https://attacker.example/", f"{REDIRECT_URI}?x=1", REDIRECT_URI.upper(), "javascript:1"):
        query = {"post_logout_redirect_uri": url, "client_id": LOGIN_CLIENT_ID}
        assert "Location" not in _logout(browser, **query).headers
    nobody = _logout(browser, client_id="bbbbbbbb-0000-4000-8000-00000000000f", **back)
    assert "Location" not in nobody.headers


def test_an_id_token_says_who_signs_out_of_what(browser: Browser, application: Application) -> None:
    id_token = application.redeem(browser.code(BOB)).json()["id_token"]
    response = _logout(browser, id_token_hint=id_token, post_logout_redirect_uri=REDIRECT_URI)
    assert response.headers["Location"] == REDIRECT_URI
    assert _is_asked(browser)


def test_a_hint_at_somebody_else_signs_nobody_out(browser: Browser, application: Application) -> None:
    of_alice = application.redeem(browser.code(ALICE)).json()["id_token"]
    browser.sign_in(BOB)
    _logout(browser, id_token_hint=of_alice)
    _logout(browser, logout_hint=ALICE)
    assert not _is_asked(browser)
    person = browser.emulator.directory.person(BOB)
    assert person is not None
    _logout(browser, logout_hint=person.login_hint)
    assert _is_asked(browser)


def test_an_id_token_of_somebody_elses_is_no_hint(browser: Browser) -> None:
    key = RSAKey.generate_key(2048, {"kid": browser.emulator.signing_keys.current.kid or ""})
    forged = jwt.encode({"alg": "RS256", "kid": key.kid}, {"aud": LOGIN_CLIENT_ID, "oid": "x"}, key)
    browser.sign_in(BOB)
    for hint in (forged, "x", "a.b.c"):
        assert _logout(browser, id_token_hint=hint).status_code == 200
    assert _is_asked(browser)


def test_a_sign_out_may_be_posted_and_names_a_tenant_that_exists(browser: Browser) -> None:
    browser.sign_in(BOB)
    url = f"{browser.emulator.login_url}/{CONTOSO}/oauth2/v2.0/logout"
    form = {"client_id": LOGIN_CLIENT_ID, "post_logout_redirect_uri": REDIRECT_URI}
    response = browser.session.post(url, data=form, allow_redirects=False, timeout=20)
    assert response.headers["Location"] == REDIRECT_URI
    assert _is_asked(browser)
    assert "AADSTS90002" in _logout(browser, "nobody.example").text


def test_a_personal_account_signs_in_silently_where_it_may(browser: Browser) -> None:
    page = browser.authorize("common")
    browser.submit(page, username=PAT, password=PASSWORD)
    assert not _is_asked(browser, segment="common", domain_hint="consumers")
    assert _is_asked(browser, segment="organizations")
