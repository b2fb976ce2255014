"""Access tokens for the API application, with which somebody's client acts for them."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
import requests
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from devstack.entra import EntraEmulator
from devstack.entra.directory import (
    ALICE,
    API_CLIENT_ID,
    API_READ_ROLE,
    API_SCOPE,
    API_URI,
    CAROL,
    CONTOSO,
    FABRIKAM,
    FABRIKAM_CLIENT_ID,
    GRAPH_ID,
    LOGIN_CLIENT_ID,
    LOGIN_CLIENT_SECRET,
)
from tests.devstack.entra.browser import (
    PASSWORD,
    Application,
    Browser,
    answer,
    assert_refused,
    claims_of,
)

_API_SCOPE = f"{API_URI}/{API_SCOPE}"
_LOCAL = "http://localhost:54321/callback"
_AS_FABRIKAM = {"client_id": FABRIKAM_CLIENT_ID, "client_secret": None}

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")


@pytest.fixture
def desktop(emulator: EntraEmulator, trusting: requests.Session) -> msal.PublicClientApplication:
    return msal.PublicClientApplication(
        FABRIKAM_CLIENT_ID,
        authority=f"{emulator.authority}/{FABRIKAM}",
        instance_discovery=False,
        http_client=trusting,
    )


def _acquired(desktop: msal.PublicClientApplication, browser: Browser, scope: str) -> dict[str, Any]:
    flow = desktop.initiate_auth_code_flow(scopes=[scope], redirect_uri=_LOCAL)
    page = browser.open(flow["auth_uri"])
    location = browser.submit(page, username=CAROL, password=PASSWORD).headers["Location"]
    assert location.startswith(f"{_LOCAL}?")
    result: dict[str, Any] = desktop.acquire_token_by_auth_code_flow(
        flow, dict(parse_qsl(urlsplit(location).query))
    )
    assert "error" not in result, result
    return result


def test_a_public_client_gets_a_token_for_the_api_through_msal(
    desktop: msal.PublicClientApplication, browser: Browser, application: Application
) -> None:
    result = _acquired(desktop, browser, _API_SCOPE)
    token = result["access_token"]
    jwks = application.get("/organizations/discovery/v2.0/keys").json()
    claims = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["RS256"]).claims
    header = jws.extract_compact(token.encode()).headers()
    assert header == {"typ": "JWT", "alg": "RS256", "kid": header["kid"]}
    assert claims.keys() == {
        *("aud", "iss", "iat", "nbf", "exp", "aio", "rh", "uti", "azp", "azpacr"),
        *("tid", "ver", "name", "oid", "preferred_username", "scp", "sub"),
    }
    assert (claims["aud"], claims["iss"]) == (API_CLIENT_ID, f"{browser.emulator.authority}/{FABRIKAM}/v2.0")
    assert (claims["azp"], claims["azpacr"], claims["ver"]) == (FABRIKAM_CLIENT_ID, "0", "2.0")
    assert (claims["scp"], claims["tid"]) == (API_SCOPE, FABRIKAM)
    id_token = claims_of(result["id_token"])
    assert claims["oid"] == id_token["oid"]
    assert claims["sub"] != id_token["sub"]
    assert result["scope"] == _API_SCOPE


def test_msal_finds_the_token_again_and_refreshes_it(
    desktop: msal.PublicClientApplication, browser: Browser
) -> None:
    first = _acquired(desktop, browser, _API_SCOPE)
    (account,) = desktop.get_accounts()
    cached = desktop.acquire_token_silent([_API_SCOPE], account)
    assert cached is not None
    assert cached["token_source"] == "cache"
    refreshed = desktop.acquire_token_silent([_API_SCOPE], account, force_refresh=True)
    assert refreshed is not None
    assert claims_of(refreshed["access_token"])["uti"] != claims_of(first["access_token"])["uti"]


def test_default_means_everything_that_was_consented_to(
    desktop: msal.PublicClientApplication, browser: Browser
) -> None:
    result = _acquired(desktop, browser, f"{API_URI}/.default")
    assert claims_of(result["access_token"])["scp"] == API_SCOPE
    assert result["scope"].split() == [_API_SCOPE, f"{API_URI}/.default"]


def test_a_confidential_application_refreshes_for_another_resource_through_msal(
    emulator: EntraEmulator, trusting: requests.Session, application: Application, browser: Browser
) -> None:
    login = msal.ConfidentialClientApplication(
        LOGIN_CLIENT_ID,
        client_credential=LOGIN_CLIENT_SECRET,
        authority=f"{emulator.authority}/{CONTOSO}",
        instance_discovery=False,
        http_client=trusting,
    )
    refresh_token = application.redeem(browser.code(ALICE)).json()["refresh_token"]
    for_api = login.acquire_token_by_refresh_token(refresh_token, [_API_SCOPE])
    claims = claims_of(for_api["access_token"])
    assert (claims["aud"], claims["azp"], claims["azpacr"]) == (API_CLIENT_ID, LOGIN_CLIENT_ID, "1")
    assert claims["scp"] == API_SCOPE
    for_graph = login.acquire_token_by_refresh_token(for_api["refresh_token"], ["GroupMember.Read.All"])
    claims = claims_of(for_graph["access_token"])
    assert (claims["aud"], claims["ver"], claims["appid"]) == (GRAPH_ID, "1.0", LOGIN_CLIENT_ID)
    assert claims["scp"].split() == ["openid", "profile", "GroupMember.Read.All"]


def test_a_refresh_for_what_nobody_consented_to_is_refused(
    application: Application, browser: Browser
) -> None:
    refresh_token = application.redeem(browser.code(ALICE)).json()["refresh_token"]
    response = application.refresh(refresh_token, scope="User.ReadBasic.All")
    assert_refused(response, 65001, "invalid_grant")
    assert response.json()["suberror"] == "consent_required"
    browser.emulator.directory.change_application(LOGIN_CLIENT_ID, permissions={})
    response = application.refresh(refresh_token, scope=f"{API_URI}/.default")
    assert_refused(response, 65001, "invalid_grant")


def test_what_was_granted_at_the_sign_in_is_not_lost_by_a_refresh_for_something_else(
    application: Application, browser: Browser
) -> None:
    first = application.redeem(browser.code(scope="offline_access User.ReadBasic.All")).json()
    second = application.refresh(first["refresh_token"], scope=_API_SCOPE).json()
    third = application.refresh(second["refresh_token"], scope="User.ReadBasic.All").json()
    assert claims_of(third["access_token"])["scp"] == "User.ReadBasic.All"


def test_a_tenant_without_the_api_gets_no_tokens_for_it(application: Application, browser: Browser) -> None:
    browser.emulator.directory.withdraw_consent(CONTOSO, API_CLIENT_ID)
    refresh_token = application.redeem(browser.code(ALICE)).json()["refresh_token"]
    response = application.refresh(refresh_token, scope=_API_SCOPE)
    assert_refused(response, 500011, "invalid_resource")


def test_roles_in_the_api_are_others_than_those_in_the_login_application(
    application: Application, browser: Browser
) -> None:
    directory = browser.emulator.directory
    directory.assign_roles(CONTOSO, API_CLIENT_ID, ALICE, API_READ_ROLE)
    tokens = application.redeem(browser.code(ALICE, scope=f"openid offline_access {_API_SCOPE}")).json()
    assert claims_of(tokens["access_token"])["roles"] == [API_READ_ROLE]
    assert claims_of(tokens["id_token"])["roles"] == ["mcp.admin"]
    directory.assign_roles(CONTOSO, API_CLIENT_ID, ALICE)
    again = application.refresh(tokens["refresh_token"]).json()
    assert "roles" not in claims_of(again["access_token"])


def test_a_public_client_has_no_credentials_and_must_send_none(
    application: Application, browser: Browser
) -> None:
    options = {"client_id": FABRIKAM_CLIENT_ID, "redirect_uri": _LOCAL, "scope": f"openid {_API_SCOPE}"}
    page = browser.authorize(FABRIKAM, **options)
    signed_in = browser.submit(page, username=CAROL, password=PASSWORD)
    code = dict(parse_qsl(urlsplit(signed_in.headers["Location"]).query))["code"]
    redeem: dict[str, Any] = {"segment": FABRIKAM, "redirect_uri": _LOCAL, **_AS_FABRIKAM}
    refused = application.redeem(code, **{**redeem, "client_secret": "made-up"})
    assert_refused(refused, 700025, "invalid_client", 401)
    assert application.redeem(code, **redeem).status_code == 200


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost:1/other",
        "http://127.0.0.1:1/callback",
        "https://localhost:1/callback",
        "http://user@localhost:1/callback",
        "http://localhost:x/callback",
        "http://localhost.attacker.example:1/callback",
        "http://localhost:1/callback?x=1",
    ],
)
def test_only_the_port_of_a_public_clients_redirect_uri_is_free(browser: Browser, redirect_uri: str) -> None:
    response = browser.authorize(FABRIKAM, client_id=FABRIKAM_CLIENT_ID, redirect_uri=redirect_uri)
    assert response.status_code == 400
    assert "AADSTS50011" in response.text


def test_an_application_of_one_tenant_admits_nobody_else(browser: Browser) -> None:
    options = {"client_id": FABRIKAM_CLIENT_ID, "redirect_uri": _LOCAL}
    assert "AADSTS50194" in browser.authorize("organizations", **options).text
    assert "AADSTS700016" in browser.authorize(CONTOSO, **options).text
    page = browser.authorize(FABRIKAM, **options)
    assert "AADSTS50020" in browser.submit(page, username=ALICE, password=PASSWORD).text


def test_an_id_token_is_asked_for_with_the_access_token_or_not_at_all(
    application: Application, browser: Browser
) -> None:
    body = application.redeem(answer(browser.sign_in(scope=_API_SCOPE))["code"]).json()
    assert body.keys() == {"token_type", "scope", "expires_in", "ext_expires_in", "access_token"}
