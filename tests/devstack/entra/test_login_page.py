"""The login page: what it shows, whom it lets in, and that nobody else's form works."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from devstack.entra import EntraEmulator
from devstack.entra.directory import ALICE, BOB, CAROL, CONTOSO, MALLORY, Application, Person
from devstack.entra.login_form import BROWSER_COOKIE, PENDING_LIFETIME_SECONDS
from devstack.entra.sign_on import COOKIE as SIGN_ON_COOKIE
from tests.devstack.entra.browser import PASSWORD, REDIRECT_URI, Browser, Page, answer
from tests.devstack.entra.conftest import Clock


def test_the_page_is_a_form_without_scripts_that_lists_the_people(browser: Browser) -> None:
    response = browser.authorize()
    page = Page(response.text)
    assert page.types["username"] == "text"
    assert page.types["password"] == "password"
    assert page.submit_buttons == 1
    assert "<script" not in response.text
    assert "Local emulator" in page.text
    for username in (ALICE, BOB, CAROL, MALLORY):
        assert username in page.text


def test_the_page_may_not_be_framed_cached_or_made_to_load_anything(browser: Browser) -> None:
    headers = browser.authorize().headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'; base-uri 'none'" in policy
    assert "form-action" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("username", "password", "number"),
    [
        (ALICE, "wrong", 50126),
        (ALICE, "", 50126),
        ("nobody@contoso.example", PASSWORD, 50034),
        ("", PASSWORD, 50034),
    ],
)
def test_wrong_credentials_are_reported_and_may_be_corrected(
    browser: Browser, username: str, password: str, number: int
) -> None:
    response = browser.sign_in(username, password)
    page = Page(response.text)
    assert response.status_code == 200
    assert f"AADSTS{number}: " in page.text
    assert page.fields["username"] == username
    assert page.fields["password"] == ""
    assert answer(browser.submit(response, username=ALICE, password=PASSWORD))["code"]


def test_a_user_name_is_taken_in_any_case(browser: Browser) -> None:
    assert answer(browser.sign_in(f" {ALICE.upper()} "))["code"]


def test_a_disabled_person_stays_out(browser: Browser) -> None:
    browser.emulator.directory.change_person(BOB, enabled=False)
    assert "AADSTS50057" in Page(browser.sign_in(BOB).text).text


def test_a_login_hint_fills_in_the_name(browser: Browser) -> None:
    assert Page(browser.authorize(login_hint=CAROL).text).fields["username"] == CAROL


def test_a_persons_link_fills_in_the_name(browser: Browser) -> None:
    response = browser.authorize()
    link = next(link for link in Page(response.text).links if "carol" in link)
    chosen = browser.open(f"{browser.emulator.login_url}{link}")
    assert Page(chosen.text).fields["username"] == CAROL
    assert answer(browser.submit(chosen, password=PASSWORD))["code"]


def test_cancelling_tells_the_application(browser: Browser) -> None:
    response = browser.authorize()
    link = next(link for link in Page(response.text).links if "/cancel?" in link)
    members = answer(browser.open(f"{browser.emulator.login_url}{link}"))
    assert (members["error"], members["state"]) == ("access_denied", "the-state")
    assert members["error_description"].startswith("AADSTS65004: ")


def test_everything_that_strangers_choose_is_escaped(browser: Browser) -> None:
    hostile = "\"><script>alert(1)</script>'{{7*7}}"
    directory = browser.emulator.directory
    directory.add_person(Person("eve@contoso.example", hostile, CONTOSO))
    directory.add_application(Application("bbbb", hostile, ("s",), (REDIRECT_URI,)))
    pages = [
        browser.authorize(client_id="bbbb", login_hint=hostile),
        browser.sign_in(hostile, client_id="bbbb"),
        browser.authorize(redirect_uri=hostile),
        browser.authorize(client_id=hostile),
        browser.authorize(segment="%22%3E%3Cscript%3E"),
        browser.sign_in(state=hostile, response_mode="form_post"),
    ]
    for response in pages:
        scripts = re.findall(r"<script>(.*?)</script>", response.text)
        assert scripts in ([], ["document.forms[0].submit()"]), response.text


def test_a_form_post_answer_goes_to_the_application_and_carries_the_state(browser: Browser) -> None:
    page = Page(browser.sign_in(response_mode="form_post").text)
    assert page.action == REDIRECT_URI
    assert page.fields.keys() == {"code", "state", "session_state"}
    assert page.fields["state"] == "the-state"


def test_a_form_post_page_goes_on_by_itself_and_with_a_button(browser: Browser) -> None:
    response = browser.sign_in(response_mode="form_post")
    (script,) = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    checksum = b64encode(sha256(script.encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"]
    assert f"script-src 'sha256-{checksum}'" in policy
    assert "form-action" not in policy  # the form goes to another site
    assert Page(response.text).submit_buttons == 1
    assert "You are signed in" in response.text


def test_an_error_is_posted_when_a_form_post_was_asked_for(browser: Browser) -> None:
    page = Page(browser.authorize(response_mode="form_post", response_type="id_token").text)
    assert page.action == REDIRECT_URI
    assert page.fields["error"] == "unsupported_response_type"
    assert "signed in" not in page.text


def test_a_form_that_another_browser_opened_is_refused(browser: Browser, emulator: EntraEmulator) -> None:
    theirs = browser.authorize()
    victim = Browser(emulator)
    with victim.session:
        for with_own_cookie in (False, True):
            if with_own_cookie:
                victim.authorize()
            response = victim.submit(theirs, username=MALLORY, password=PASSWORD)
            assert response.status_code == 400
            assert "AADSTS165000" in response.text
            assert SIGN_ON_COOKIE not in victim.session.cookies


@pytest.mark.parametrize("form_token", ["", "x", "gAAAAA", "é", "A" * 500])
def test_a_form_that_is_not_ours_is_refused(browser: Browser, form_token: str) -> None:
    response = browser.submit(browser.authorize(), username=ALICE, password=PASSWORD, form_token=form_token)
    assert response.status_code == 400
    assert "AADSTS90019" in response.text


def test_a_form_is_of_no_use_at_another_tenant(browser: Browser) -> None:
    page = Page(browser.authorize(CONTOSO).text)
    url = f"{browser.emulator.login_url}/organizations/oauth2/v2.0/authorize"
    form = {**page.fields, "username": CAROL, "password": PASSWORD}
    response = browser.session.post(url, data=form, allow_redirects=False, timeout=20)
    assert "AADSTS90019" in response.text


def test_a_form_that_was_left_open_expires(browser: Browser, clock: Clock) -> None:
    response = browser.authorize()
    clock.now += PENDING_LIFETIME_SECONDS + 1
    assert "AADSTS90019" in browser.submit(response, username=ALICE, password=PASSWORD).text


def test_two_tabs_of_one_browser_both_work(browser: Browser) -> None:
    first, second = browser.authorize(state="1"), browser.authorize(state="2")
    for state, response in (("1", first), ("2", second)):
        assert answer(browser.submit(response, username=ALICE, password=PASSWORD))["state"] == state


def test_a_redirect_uri_removed_meanwhile_is_not_redirected_to(browser: Browser) -> None:
    response = browser.authorize()
    directory = browser.emulator.directory
    directory.add_application(Application("aaaaaaaa-0000-4000-8000-000000000001", "x", ("s",), ()))
    assert "AADSTS50011" in browser.submit(response, username=ALICE, password=PASSWORD).text


def test_cookies_are_for_the_login_page_alone(browser: Browser) -> None:
    page = browser.authorize()
    signed_in = browser.submit(page, username=ALICE, password=PASSWORD)
    for response, name in ((page, BROWSER_COOKIE), (signed_in, SIGN_ON_COOKIE)):
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith(f"{name}=")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Domain" not in cookie


def test_a_body_that_is_too_large_is_refused(browser: Browser) -> None:
    response = browser.submit(browser.authorize(), username="x" * 100_000)
    assert response.status_code == 413
