"""What the authorize endpoint refuses: on a page while nobody is proven, by redirect afterwards."""

from dataclasses import replace
from typing import Any

import pytest
from requests import Response

from devstack.entra.directory import ALICE, API_URI, BOB, CAROL, CONTOSO, LOGIN_CLIENT_ID, PAT
from tests.devstack.entra.browser import (
    CHALLENGE,
    OTHER_REDIRECT_URI,
    REDIRECT_URI,
    Browser,
    Page,
    answer,
    query_of,
)


def _assert_page(response: Response, number: int) -> None:
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert f"AADSTS{number}: " in Page(response.text).text
    assert "Trace ID" in response.text


def _assert_redirect(response: Response, number: int, error: str) -> None:
    members = answer(response)
    assert members["error"] == error
    assert members["error_description"].startswith(f"AADSTS{number}: ")
    assert members["state"] == "the-state"
    assert "code" not in members


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_id": None}, 900144),
        ({"client_id": "aaaaaaaa-0000-4000-8000-00000000000f"}, 700016),
        ({"client_id": [LOGIN_CLIENT_ID, LOGIN_CLIENT_ID]}, 9002313),
        ({"redirect_uri": None}, 900144),
        ({"redirect_uri": [REDIRECT_URI, REDIRECT_URI]}, 9002313),
        ({"redirect_uri": "https://attacker.example/callback"}, 50011),
        ({"redirect_uri": REDIRECT_URI + "/"}, 50011),
        ({"redirect_uri": REDIRECT_URI.upper()}, 50011),
        ({"redirect_uri": REDIRECT_URI + "?x=1"}, 50011),
        ({"redirect_uri": REDIRECT_URI.replace("8080", "8081")}, 50011),
    ],
)
def test_an_error_is_a_page_while_nobody_is_proven(
    browser: Browser, changes: dict[str, Any], number: int
) -> None:
    _assert_page(browser.authorize(**changes), number)


@pytest.mark.parametrize(
    ("changes", "number", "error"),
    [
        ({"response_type": None}, 900144, "invalid_request"),
        ({"response_type": "id_token"}, 700054, "unsupported_response_type"),
        ({"response_type": "token"}, 700054, "unsupported_response_type"),
        ({"scope": None}, 900144, "invalid_request"),
        ({"scope": " "}, 70011, "invalid_scope"),
        ({"scope": ["openid", "profile"]}, 9002313, "invalid_request"),
        ({"scope": "openid mcp.read"}, 650053, "invalid_client"),
        ({"scope": f"openid {API_URI}/everything"}, 650053, "invalid_client"),
        ({"scope": f"openid {API_URI}/"}, 70011, "invalid_scope"),
        ({"scope": f"{API_URI}/.default {API_URI}/access_as_user"}, 70011, "invalid_scope"),
        ({"max_age": "soon"}, 90023, "invalid_request"),
        ({"max_age": "-1"}, 90023, "invalid_request"),
        ({"claims": "[]"}, 9002313, "invalid_request"),
        ({"claims": "{"}, 9002313, "invalid_request"),
        ({"scope": "openid https://mcp.example/read"}, 500011, "invalid_resource"),
        ({"scope": f"User.Read {API_URI}/access_as_user"}, 28000, "invalid_scope"),
        ({"resource": "http://localhost:8080/mcp"}, 901002, "invalid_request"),
        (
            {"resource": "http://localhost:8080/mcp", "scope": f"openid {API_URI}/access_as_user"},
            9010010,
            "invalid_target",
        ),
        ({"response_mode": "fragment"}, 90023, "invalid_request"),
        ({"prompt": "whatever"}, 90023, "invalid_request"),
        ({"code_challenge_method": "plain"}, 50147, "invalid_request"),
        ({"code_challenge_method": None}, 50147, "invalid_request"),
        ({"code_challenge": None}, 50147, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, 50147, "invalid_request"),
        ({"code_challenge": "short"}, 50147, "invalid_request"),
        ({"nonce": ["a", "b"]}, 9002313, "invalid_request"),
        ({"prompt": "none"}, 50058, "login_required"),
    ],
)
def test_an_error_goes_back_to_a_proven_application(
    browser: Browser, changes: dict[str, Any], number: int, error: str
) -> None:
    _assert_redirect(browser.authorize(**changes), number, error)


def test_a_doubled_state_is_not_repeated(browser: Browser) -> None:
    members = answer(browser.authorize(state=["a", "b"]))
    assert members["error"] == "invalid_request"
    assert "state" not in members


def test_an_answer_is_added_to_a_redirect_uri_that_has_a_query(browser: Browser) -> None:
    response = browser.sign_in(redirect_uri=OTHER_REDIRECT_URI)
    assert query_of(response.headers["Location"])["from"] == ["entra"]
    assert answer(response)["code"]


def test_the_state_comes_back_unchanged_whatever_is_in_it(browser: Browser) -> None:
    state = "a b&c=d#e%20\r\nLocation: https://attacker.example/ é"
    assert answer(browser.sign_in(state=state))["state"] == state


def test_client_info_comes_with_the_code_when_asked_for(browser: Browser) -> None:
    assert "client_info" not in answer(browser.sign_in())
    assert "client_info" in answer(browser.sign_in(client_info="1"))


def test_the_request_may_be_posted(browser: Browser) -> None:
    url, _, query = browser.authorize().url.partition("?")
    form = {name: values[0] for name, values in query_of(f"?{query}").items()}
    response = browser.session.post(url, data=form, allow_redirects=False, timeout=20)
    assert Page(response.text).types["username"] == "text"


def test_a_tenant_admits_its_own_people_alone(browser: Browser) -> None:
    response = browser.sign_in(CAROL, segment=CONTOSO)
    assert response.status_code == 200
    assert "AADSTS50020" in Page(response.text).text
    assert answer(browser.submit(response, username=ALICE, password="fine"))["code"]


def test_an_organizations_account_is_no_personal_one(browser: Browser) -> None:
    assert "AADSTS50020" in Page(browser.sign_in(ALICE, segment="consumers").text).text


def test_a_personal_account_does_not_sign_in_as_an_organizations(browser: Browser) -> None:
    assert "AADSTS50020" in Page(browser.sign_in(PAT).text).text


def test_an_application_of_one_tenant_is_used_in_that_tenant_alone(browser: Browser) -> None:
    directory = browser.emulator.directory
    registered = directory.application(LOGIN_CLIENT_ID)
    assert registered is not None
    directory.add_application(replace(registered, multi_tenant=False, personal_accounts=False))
    _assert_page(browser.authorize("organizations"), 50194)
    _assert_page(browser.authorize("fabrikam.example"), 700016)
    _assert_page(browser.authorize("consumers"), 700016)
    assert answer(browser.sign_in(BOB, segment="contoso.example"))["code"]
