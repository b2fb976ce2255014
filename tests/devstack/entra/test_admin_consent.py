"""An administrator lets an application into their tenant, and nobody else can."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from requests import Response

from devstack.entra.directory import (
    ALICE,
    API_CLIENT_ID,
    CAROL,
    DANA,
    FABRIKAM,
    LOGIN_CLIENT_ID,
    MALLORY,
)
from tests.devstack.entra.browser import (
    PASSWORD,
    REDIRECT_URI,
    Application,
    Browser,
    Page,
    answer,
    assert_refused,
)

_GRAPH_DEFAULT = "00000003-0000-0000-c000-000000000000/.default"
_GRANTED = "https://graph.microsoft.com/User.Read https://graph.microsoft.com/GroupMember.Read.All"


@pytest.fixture(autouse=True)
def _fabrikam_has_not_consented(browser: Browser) -> None:
    for client_id in (LOGIN_CLIENT_ID, API_CLIENT_ID):
        browser.emulator.directory.withdraw_consent(FABRIKAM, client_id)


def _ask(browser: Browser, segment: str = "organizations", **changes: Any) -> Response:
    query = {
        "client_id": LOGIN_CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "state": "the-state",
        "scope": _GRAPH_DEFAULT,
        **changes,
    }
    present = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
    return browser.open(f"{browser.emulator.login_url}/{segment}/v2.0/adminconsent?{present}")


def _signed_in(browser: Browser, username: str = DANA, **options: Any) -> Response:
    return browser.submit(_ask(browser, **options), username=username, password=PASSWORD)


def _has_consented(browser: Browser, client_id: str = LOGIN_CLIENT_ID) -> bool:
    application = browser.emulator.directory.application(client_id)
    assert application is not None
    return browser.emulator.directory.has_consented(FABRIKAM, application)


def test_an_administrator_signs_in_confirms_and_the_application_hears_of_it(browser: Browser) -> None:
    confirmation = _signed_in(browser)
    page = Page(confirmation.text)
    assert "Fabrikam" in page.text
    assert "mcpstack sign-in" in page.text
    assert "GroupMember.Read.All" in page.text
    assert not _has_consented(browser)
    members = answer(browser.submit(confirmation, decision="allow"))
    assert members == {
        "admin_consent": "True",
        "tenant": FABRIKAM,
        "scope": _GRANTED,
        "state": "the-state",
    }
    assert _has_consented(browser)
    assert _has_consented(browser, API_CLIENT_ID)  # the API that belongs to it came along
    assert answer(browser.sign_in(CAROL))["code"]


def test_declining_is_told_to_the_application_and_changes_nothing(browser: Browser) -> None:
    members = answer(browser.submit(_signed_in(browser), decision="deny"))
    assert (members["error"], members["error_subcode"]) == ("access_denied", "cancel")
    assert (members["admin_consent"], members["state"]) == ("True", "the-state")
    assert members["error_description"].startswith("AADSTS65004: ")
    assert "tenant" not in members
    assert not _has_consented(browser)


def test_cancelling_the_sign_in_is_declining(browser: Browser) -> None:
    link = next(link for link in Page(_ask(browser).text).links if "/cancel?" in link)
    assert answer(browser.open(f"{browser.emulator.login_url}{link}"))["error"] == "access_denied"


def test_the_page_is_that_of_every_sign_in(browser: Browser) -> None:
    response = _ask(browser, login_hint=CAROL)
    page = Page(response.text)
    assert (page.types["username"], page.types["password"], page.submit_buttons) == ("text", "password", 1)
    assert page.fields["username"] == CAROL
    chosen = browser.open(browser.emulator.login_url + next(link for link in page.links if "dana" in link))
    assert Page(chosen.text).fields["username"] == DANA
    assert "Permissions requested" in browser.submit(chosen, password=PASSWORD).text


@pytest.mark.parametrize(
    ("username", "password", "segment", "number"),
    [
        (CAROL, PASSWORD, "organizations", 90093),
        (ALICE, PASSWORD, "organizations", 90093),
        (DANA, "wrong", "organizations", 50126),
        (MALLORY, PASSWORD, FABRIKAM, 50020),
        ("nobody@fabrikam.example", PASSWORD, "organizations", 50034),
    ],
)
def test_only_an_administrator_of_the_tenant_gets_to_the_question(
    browser: Browser, username: str, password: str, segment: str, number: int
) -> None:
    refused = browser.submit(_ask(browser, segment), username=username, password=password)
    assert f"AADSTS{number}: " in Page(refused.text).text
    assert "Permissions requested" in browser.submit(refused, username=DANA, password=PASSWORD).text
    assert not _has_consented(browser)


def test_who_is_no_administrator_any_more_cannot_confirm(browser: Browser) -> None:
    confirmation = _signed_in(browser)
    browser.emulator.directory.change_person(DANA, tenant_admin=False)
    assert "AADSTS90093" in browser.submit(confirmation, decision="allow").text
    assert not _has_consented(browser)


def test_a_question_that_another_browser_was_asked_is_not_answered(browser: Browser) -> None:
    confirmation = _signed_in(browser)
    victim = Browser(browser.emulator)
    with victim.session:
        _ask(victim)
        assert "AADSTS165000" in victim.submit(confirmation, decision="allow").text
    assert not _has_consented(browser)


@pytest.mark.parametrize("form_token", ["", "x", "of the login page"])
def test_a_question_that_was_never_asked_is_not_answered(browser: Browser, form_token: str) -> None:
    page = _ask(browser)
    token = Page(page.text).fields["form_token"] if form_token == "of the login page" else form_token
    response = browser.submit(page, decision="allow", form_token=token)
    assert "AADSTS90019" in response.text
    assert not _has_consented(browser)


def test_the_answer_of_one_tenants_page_is_of_no_use_at_another(browser: Browser) -> None:
    confirmation = _signed_in(browser)
    url = f"{browser.emulator.login_url}/common/v2.0/adminconsent"
    form = {**Page(confirmation.text).fields, "decision": "allow"}
    assert "AADSTS90019" in browser.session.post(url, data=form, allow_redirects=False, timeout=20).text


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_id": None}, 900144),
        ({"client_id": "bbbbbbbb-0000-4000-8000-00000000000f"}, 700016),
        ({"redirect_uri": "https://attacker.example/"}, 50011),
        ({"redirect_uri": None}, 900144),
        ({"segment": "nobody.example"}, 90002),
    ],
)
def test_an_error_is_a_page_while_nobody_is_proven(
    browser: Browser, changes: dict[str, Any], number: int
) -> None:
    response = _ask(browser, **changes)
    assert (response.status_code, "Location" in response.headers) == (400, False)
    assert f"AADSTS{number}: " in response.text


@pytest.mark.parametrize(
    ("changes", "number", "error"),
    [
        ({"scope": None}, 900144, "invalid_request"),
        ({"scope": "api://nowhere/.default"}, 500011, "invalid_resource"),
        ({"scope": "mcp.read"}, 650053, "invalid_client"),
        ({"state": ["a", "b"]}, 9002313, "invalid_request"),
    ],
)
def test_an_error_goes_back_to_a_proven_application(
    browser: Browser, changes: dict[str, Any], number: int, error: str
) -> None:
    members = answer(_ask(browser, **changes))
    assert (members["error"], members["admin_consent"]) == (error, "True")
    assert members["error_description"].startswith(f"AADSTS{number}: ")


def test_the_answer_comes_in_the_query_whatever_was_asked_for(browser: Browser) -> None:
    confirmation = _signed_in(browser, response_mode="form_post")
    location = browser.submit(confirmation, decision="allow").headers["Location"]
    assert urlsplit(location).query.startswith("admin_consent=True&")


def test_nobody_of_a_tenant_that_has_not_consented_signs_in(browser: Browser) -> None:
    refused = browser.sign_in(CAROL)
    page = Page(refused.text)
    assert "AADSTS90094: " in page.text
    link = next(link for link in page.links if "/cancel?" in link)
    members = answer(browser.open(f"{browser.emulator.login_url}{link}"))
    assert (members["error"], members["state"]) == ("access_denied", "the-state")
    assert answer(browser.submit(refused, username=ALICE, password=PASSWORD))["code"]


def test_a_consent_that_is_withdrawn_ends_silent_sign_ins_and_refreshes(
    browser: Browser, application: Application
) -> None:
    directory = browser.emulator.directory
    directory.consent(FABRIKAM, LOGIN_CLIENT_ID)
    code = browser.code(CAROL)
    tokens = application.redeem(code).json()
    unused = browser.code(CAROL)
    directory.withdraw_consent(FABRIKAM, LOGIN_CLIENT_ID)
    assert_refused(application.refresh(tokens["refresh_token"]), 65001, "invalid_grant")
    assert_refused(application.redeem(unused), 65001, "invalid_grant")
    assert answer(browser.authorize(prompt="none"))["error"] == "consent_required"
    assert "AADSTS90094" in browser.authorize(prompt=None).text


def test_an_administrator_may_be_made_to_decline(browser: Browser) -> None:
    browser.emulator.faults.set("consent_denied", times=1)
    confirmation = _signed_in(browser)
    assert answer(browser.submit(confirmation, decision="allow"))["error"] == "access_denied"
    assert answer(browser.submit(confirmation, decision="allow"))["tenant"] == FABRIKAM
