"""Groups: in tokens while they are few, at Microsoft Graph when they are many."""

import uuid
from typing import Any

import pytest
import requests

from devstack.entra.directory import (
    ALICE,
    API_SCOPE,
    API_URI,
    BOB,
    CAROL,
    CONTOSO,
    FABRIKAM,
    GRAPH_ID,
    LOGIN_CLIENT_ID,
    PAT,
)
from tests.devstack.entra.browser import Application, Browser, claims_of
from tests.devstack.entra.conftest import Clock

_MANY = tuple(str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(201))
_TIMEOUT_SECONDS = 20


def _tokens(application: Application, browser: Browser, username: str = ALICE, **changes: Any) -> Any:
    scope = changes.pop("scope", "openid profile offline_access User.Read")
    segment = changes.pop("segment", "organizations")
    code = browser.code(username, scope=scope, segment=segment)
    return application.redeem(code, segment).json()


def _graph(
    application: Application, method: str, path: str, token: str | None, **options: Any
) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = path if path.startswith("https://") else f"{application.emulator.authority}/v1.0{path}"
    return application.session.request(method, url, headers=headers, timeout=_TIMEOUT_SECONDS, **options)


def _of_application(application: Application, tid: str = CONTOSO) -> str:
    response = application.token(
        tid, grant_type="client_credentials", scope="https://graph.microsoft.com/.default"
    )
    token: str = response.json()["access_token"]
    return token


def _oid(browser: Browser, username: str) -> str:
    person = browser.emulator.directory.person(username)
    assert person is not None
    return person.oid


def _assert_refused(response: requests.Response, status: int, code: str) -> None:
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (status, code)
    assert body["error"].keys() == {"code", "message", "innerError"}
    assert body["error"]["innerError"].keys() == {"date", "request-id", "client-request-id"}


def test_up_to_two_hundred_groups_stand_in_the_id_token(application: Application, browser: Browser) -> None:
    directory = browser.emulator.directory
    assert "groups" not in claims_of(_tokens(application, browser)["id_token"])
    directory.change_person(ALICE, groups=_MANY[:200])
    tokens = _tokens(application, browser)
    assert claims_of(tokens["id_token"])["groups"] == list(_MANY[:200])
    directory.change_person(ALICE, groups=_MANY[:1])
    refreshed = application.refresh(tokens["refresh_token"]).json()
    assert claims_of(refreshed["id_token"])["groups"] == [_MANY[0]]


def test_more_of_them_are_said_to_be_elsewhere(application: Application, browser: Browser) -> None:
    browser.emulator.directory.change_person(ALICE, groups=_MANY)
    claims = claims_of(_tokens(application, browser)["id_token"])
    assert "groups" not in claims
    assert claims["_claim_names"] == {"groups": "src1"}
    endpoint = claims["_claim_sources"]["src1"]["endpoint"]
    assert endpoint == f"https://graph.windows.net/{CONTOSO}/users/{claims['oid']}/getMemberObjects"


def test_an_application_that_does_not_ask_for_groups_gets_none(
    application: Application, browser: Browser
) -> None:
    directory = browser.emulator.directory
    directory.change_person(ALICE, groups=_MANY)
    directory.change_application(LOGIN_CLIENT_ID, group_claims=False)
    assert claims_of(_tokens(application, browser)["id_token"]).keys().isdisjoint({"groups", "_claim_names"})


def test_a_person_reads_their_own_groups_page_by_page(application: Application, browser: Browser) -> None:
    browser.emulator.directory.change_person(ALICE, groups=_MANY)
    token = _tokens(application, browser)["access_token"]
    url, found, pages = "/me/transitiveMemberOf?$select=id&$top=90", [], 0
    while url:
        page = _graph(application, "GET", url, token).json()
        assert page["@odata.context"].endswith("/v1.0/$metadata#directoryObjects")
        found += [group["id"] for group in page["value"]]
        url, pages = page.get("@odata.nextLink", ""), pages + 1
    assert (tuple(found), pages) == (_MANY, 3)
    first = _graph(application, "GET", "/me/transitiveMemberOf", token).json()
    assert len(first["value"]) == 100
    all_at_once = _graph(application, "GET", "/me/transitiveMemberOf?$top=999", token).json()
    assert "@odata.nextLink" not in all_at_once


def test_names_need_the_permission_to_read_groups(application: Application, browser: Browser) -> None:
    browser.emulator.directory.change_person(ALICE, groups=_MANY[:1])
    tokens = _tokens(application, browser)
    read = application.refresh(tokens["refresh_token"], scope="User.Read GroupMember.Read.All").json()
    for token, name in ((tokens["access_token"], None), (read["access_token"], f"Group {_MANY[0]}")):
        (group,) = _graph(application, "GET", "/me/transitiveMemberOf", token).json()["value"]
        assert group == {"@odata.type": "#microsoft.graph.group", "id": _MANY[0], "displayName": name}


def test_all_ids_come_at_once_from_get_member_objects(application: Application, browser: Browser) -> None:
    browser.emulator.directory.change_person(ALICE, groups=_MANY)
    token, body = _tokens(application, browser)["access_token"], {"securityEnabledOnly": True}
    answer = _graph(application, "POST", "/me/getMemberObjects", token, json=body)
    assert answer.json()["value"] == list(_MANY)
    assert answer.json()["@odata.context"].endswith("/v1.0/$metadata#Collection(Edm.String)")


def test_an_application_asks_about_anybody_in_its_tenant_and_nobody_else(
    application: Application, browser: Browser
) -> None:
    browser.emulator.directory.change_person(CAROL, groups=_MANY)
    path, body = f"/users/{_oid(browser, CAROL)}/getMemberObjects", {"securityEnabledOnly": False}
    fabrikam = _of_application(application, FABRIKAM)
    assert _graph(application, "POST", path, fabrikam, json=body).json()["value"] == list(_MANY)
    by_name = f"/users/{CAROL}/transitiveMemberOf?$top=1"
    assert len(_graph(application, "GET", by_name, fabrikam).json()["value"]) == 1
    for asked in (path, f"/users/{CAROL}/getMemberObjects"):
        response = _graph(application, "POST", asked, _of_application(application, CONTOSO), json=body)
        _assert_refused(response, 404, "Request_ResourceNotFound")


def test_who_may_not_is_told_so(application: Application, browser: Browser) -> None:
    body = {"securityEnabledOnly": True}
    of_bob = f"/users/{_oid(browser, BOB)}/getMemberObjects"
    of_person = _tokens(application, browser)["access_token"]
    response = _graph(application, "POST", of_bob, of_person, json=body)
    _assert_refused(response, 403, "Authorization_RequestDenied")
    login_only = _tokens(application, browser, scope="openid profile")["access_token"]
    response = _graph(application, "GET", "/me/transitiveMemberOf", login_only)
    _assert_refused(response, 403, "Authorization_RequestDenied")
    browser.emulator.directory.assign_roles(CONTOSO, GRAPH_ID, LOGIN_CLIENT_ID)
    response = _graph(application, "POST", of_bob, _of_application(application), json=body)
    _assert_refused(response, 403, "Authorization_RequestDenied")
    response = _graph(application, "GET", "/me/transitiveMemberOf", _of_application(application))
    _assert_refused(response, 400, "BadRequest")


def test_only_its_own_tokens_open_graph(application: Application, browser: Browser, clock: Clock) -> None:
    tokens = _tokens(application, browser)
    for_api = application.refresh(tokens["refresh_token"], scope=f"{API_URI}/{API_SCOPE}").json()
    others = [
        None,
        "",
        "x",
        tokens["id_token"],
        for_api["access_token"],
        tokens["access_token"][:-4] + "AAAA",
    ]
    for token in others:
        response = _graph(application, "GET", "/me/transitiveMemberOf", token)
        _assert_refused(response, 401, "InvalidAuthenticationToken")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    clock.now += 3600
    response = _graph(application, "GET", "/me/transitiveMemberOf", tokens["access_token"])
    _assert_refused(response, 401, "InvalidAuthenticationToken")


def test_a_person_who_is_gone_has_no_groups(application: Application, browser: Browser) -> None:
    token = _tokens(application, browser, PAT, segment="common")["access_token"]
    browser.emulator.directory.remove_person(PAT)
    response = _graph(application, "GET", "/me/transitiveMemberOf", token)
    _assert_refused(response, 404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    "query", ["$top=0", "$top=1000", "$top=x", "$top=-1", "$skiptoken=x", "$skiptoken=9"]
)
def test_a_page_that_there_is_not_is_refused(application: Application, browser: Browser, query: str) -> None:
    token = _tokens(application, browser)["access_token"]
    response = _graph(application, "GET", f"/me/transitiveMemberOf?{query}", token)
    _assert_refused(response, 400, "Request_BadRequest")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"json": []},
        {"json": {}},
        {"json": {"securityEnabledOnly": 1}},
        {"data": "x"},
        {"data": {"a": "b"}},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    application: Application, browser: Browser, options: dict[str, Any]
) -> None:
    token = _tokens(application, browser)["access_token"]
    response = _graph(application, "POST", "/me/getMemberObjects", token, **options)
    _assert_refused(response, 400, "Request_BadRequest")


@pytest.mark.parametrize(("status", "retries"), [(429, True), (503, True), (500, False)])
def test_graph_fails_as_it_is_told(
    application: Application, browser: Browser, status: int, retries: bool
) -> None:
    token = _tokens(application, browser)["access_token"]
    browser.emulator.faults.set("graph_error", status=status, code="Broken", times=1)
    response = _graph(application, "GET", "/me/transitiveMemberOf", token)
    _assert_refused(response, status, "Broken")
    assert ("Retry-After" in response.headers) == retries
    browser.emulator.faults.set("down", endpoint="graph", times=1)
    assert _graph(application, "GET", "/me/transitiveMemberOf", token).status_code == 503
    assert _graph(application, "GET", "/me/transitiveMemberOf", token).status_code == 200
