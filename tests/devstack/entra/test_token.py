"""The token endpoint: whom it believes, which codes it takes, what refresh tokens are good for."""

import base64
import json
from typing import Any

import pytest
from joserfc import jws
from requests.auth import HTTPBasicAuth

from devstack.entra import EntraEmulator
from devstack.entra.codes import LIFETIME_SECONDS
from devstack.entra.directory import (
    ALICE,
    BOB,
    CONTOSO,
    FABRIKAM,
    LOGIN_CLIENT_ID,
    LOGIN_CLIENT_SECRET,
)
from devstack.entra.directory import Application as Registration
from devstack.entra.federation import ASSERTION_TYPE, LOCAL_ISSUER, LocalIssuer
from devstack.entra.tokens import REFRESH_TOKEN_LIFETIME_SECONDS
from tests.devstack.entra.browser import (
    OTHER_REDIRECT_URI,
    REDIRECT_URI,
    Application,
    Browser,
    assert_refused,
)
from tests.devstack.entra.conftest import Clock

_OTHER_CLIENT = "cccccccc-0000-4000-8000-00000000000c"


def _claims(token: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return payload


def test_a_code_gives_tokens(application: Application, browser: Browser) -> None:
    response = application.redeem(browser.code())
    body = response.json()
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert body.keys() == {
        *("token_type", "scope", "expires_in", "ext_expires_in"),
        *("access_token", "refresh_token", "id_token"),
    }
    assert (body["token_type"], body["scope"], body["expires_in"]) == ("Bearer", "openid profile", 3599)
    assert _claims(body["id_token"])["nonce"] == "the-nonce"


def test_nothing_is_given_that_was_not_asked_for(application: Application, browser: Browser) -> None:
    code = browser.code(scope="User.Read", nonce=None, code_challenge=None, code_challenge_method=None)
    body = application.redeem(code, code_verifier=None).json()
    assert "id_token" not in body
    assert "refresh_token" not in body
    bare = _claims(application.redeem(browser.code(scope="openid", nonce=None)).json()["id_token"])
    assert bare.keys().isdisjoint({"name", "preferred_username", "nonce", "email"})


def test_the_access_token_is_entras_own(application: Application, browser: Browser) -> None:
    for_graph = application.redeem(browser.code()).json()["access_token"]
    assert jws.extract_compact(for_graph.encode()).headers()["typ"] == "JWT"
    claims = _claims(for_graph)
    assert claims["aud"] == "00000003-0000-0000-c000-000000000000"
    assert claims["iss"] == f"https://sts.windows.net/{CONTOSO}/"


@pytest.mark.parametrize(
    ("changes", "number", "error", "status"),
    [
        ({"client_id": None}, 900144, "invalid_request", 400),
        ({"client_id": _OTHER_CLIENT}, 700016, "unauthorized_client", 400),
        ({"client_id": [LOGIN_CLIENT_ID] * 2}, 9002313, "invalid_request", 400),
        ({"client_secret": None}, 7000218, "invalid_client", 401),
        ({"client_secret": ""}, 7000218, "invalid_client", 401),
        ({"client_secret": "not-the-secret"}, 7000215, "invalid_client", 401),
        ({"client_assertion": "x"}, 9002313, "invalid_request", 400),
        ({"grant_type": None}, 900144, "invalid_request", 400),
        ({"grant_type": "password"}, 70003, "unsupported_grant_type", 400),
        ({"code": None}, 900144, "invalid_request", 400),
        ({"code": "x" * 20_001}, 9002313, "invalid_request", 400),
        ({"code": "1.never-issued"}, 9002313, "invalid_grant", 400),
        ({"redirect_uri": None}, 900144, "invalid_request", 400),
        ({"redirect_uri": OTHER_REDIRECT_URI}, 500112, "invalid_client", 400),
        ({"code_verifier": None}, 501481, "invalid_grant", 400),
        ({"code_verifier": "w" * 43}, 501481, "invalid_grant", 400),
        ({"resource": "http://localhost:8080/mcp"}, 901002, "invalid_request", 400),
        ({"scope": "mcp.read"}, 650053, "invalid_client", 400),
        ({"scope": f"api://{LOGIN_CLIENT_ID}/x"}, 650053, "invalid_client", 400),
        ({"scope": "User.ReadBasic.All"}, 65001, "invalid_grant", 400),
    ],
)
def test_a_redemption_is_refused_as_entra_refuses_it(
    application: Application, browser: Browser, changes: dict[str, Any], number: int, error: str, status: int
) -> None:
    assert_refused(application.redeem(browser.code(), **changes), number, error, status)


def test_a_resource_beside_permissions_is_an_invalid_target(
    application: Application, browser: Browser
) -> None:
    code = browser.code(scope="openid User.Read")
    assert_refused(application.redeem(code, resource="https://mcp.example"), 9010010, "invalid_target")


def test_a_code_is_redeemed_once(application: Application, browser: Browser) -> None:
    code = browser.code()
    assert application.redeem(code).status_code == 200
    assert_refused(application.redeem(code), 54005, "invalid_grant")


def test_a_code_is_spent_by_a_wrong_verifier_too(application: Application, browser: Browser) -> None:
    code = browser.code()
    assert_refused(application.redeem(code, code_verifier="w" * 43), 501481, "invalid_grant")
    assert_refused(application.redeem(code), 54005, "invalid_grant")


def test_a_code_expires_after_ten_minutes(application: Application, browser: Browser, clock: Clock) -> None:
    just_in_time, too_late = browser.code(), browser.code()
    clock.now += LIFETIME_SECONDS
    assert application.redeem(just_in_time).status_code == 200
    clock.now += 1
    assert_refused(application.redeem(too_late), 70008, "invalid_grant")


def test_a_verifier_is_refused_where_there_was_no_challenge(
    application: Application, browser: Browser
) -> None:
    code = browser.code(code_challenge=None, code_challenge_method=None)
    assert_refused(application.redeem(code), 501481, "invalid_grant")


def test_a_grant_is_of_no_use_to_another_application(application: Application, browser: Browser) -> None:
    registration = Registration(_OTHER_CLIENT, "Other", ("other-secret",), (REDIRECT_URI,))
    browser.emulator.directory.add_application(registration)
    theirs = {"client_id": _OTHER_CLIENT, "client_secret": "other-secret"}
    assert_refused(application.redeem(browser.code(), **theirs), 70000, "invalid_grant")
    refresh_token = application.redeem(browser.code()).json()["refresh_token"]
    assert_refused(application.refresh(refresh_token, **theirs), 70000, "invalid_grant")


def test_a_grant_is_of_no_use_at_another_tenant(application: Application, browser: Browser) -> None:
    assert_refused(application.redeem(browser.code(), FABRIKAM), 700005, "invalid_grant")
    tokens = application.redeem(browser.code(), CONTOSO).json()
    assert_refused(application.refresh(tokens["refresh_token"], FABRIKAM), 700005, "invalid_grant")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_is_answered(application: Application, method: str) -> None:
    url = f"{application.emulator.authority}/common/oauth2/v2.0/token"
    response = application.session.request(method, url, timeout=20)
    assert_refused(response, 900561, "invalid_request", 405)


def test_what_is_in_the_query_does_not_count(application: Application, browser: Browser) -> None:
    url = f"{application.emulator.authority}/common/oauth2/v2.0/token"
    query = {"client_id": LOGIN_CLIENT_ID, "client_secret": LOGIN_CLIENT_SECRET}
    assert_refused(application.session.post(url, params=query, timeout=20), 900144, "invalid_request")
    as_json = application.session.post(url, json=query, timeout=20)
    assert_refused(as_json, 900144, "invalid_request")


def test_the_correlation_id_is_the_clients_own_when_it_names_one(application: Application) -> None:
    named = "12345678-1234-4234-8234-123456789abc"
    assert application.token(**{"client-request-id": named}).json()["correlation_id"] == named
    assert application.token(**{"client-request-id": "<b>"}).json()["correlation_id"] != "<b>"


def test_http_basic_authenticates(application: Application, browser: Browser) -> None:
    none = {"client_id": None, "client_secret": None}
    application.session.auth = HTTPBasicAuth(LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET)
    assert application.redeem(browser.code(), **none).status_code == 200
    application.session.auth = HTTPBasicAuth(LOGIN_CLIENT_ID, "not-the-secret")
    assert_refused(application.redeem(browser.code(), **none), 7000215, "invalid_client", 401)
    application.session.auth = None
    for malformed in ("Basic !", "Basic", "Basic " + base64.b64encode(b"no-colon").decode()):
        application.session.headers["Authorization"] = malformed
        assert_refused(application.redeem(browser.code(), **none), 9002313, "invalid_request")


def test_a_refresh_token_gives_tokens_again_and_stays_good(
    application: Application, browser: Browser, clock: Clock
) -> None:
    first = application.redeem(browser.code(BOB)).json()
    clock.now += 3600
    for _ in range(2):
        second = application.refresh(first["refresh_token"]).json()
        assert second["refresh_token"] != first["refresh_token"]
        claims = _claims(second["id_token"])
        assert claims["oid"] == _claims(first["id_token"])["oid"]
        assert "nonce" not in claims
        assert claims["exp"] > clock.now


def test_a_refresh_token_outlives_a_restart(
    application: Application, browser: Browser, emulator: EntraEmulator
) -> None:
    refresh_token = application.redeem(browser.code()).json()["refresh_token"]
    emulator.stop()
    emulator.start()
    assert application.refresh(refresh_token).status_code == 200


def test_a_refresh_token_ends_with_its_time_and_with_its_person(
    application: Application, browser: Browser, clock: Clock
) -> None:
    refresh_token = application.redeem(browser.code(BOB)).json()["refresh_token"]
    directory = browser.emulator.directory
    bob = directory.change_person(BOB, enabled=False)
    assert_refused(application.refresh(refresh_token), 50057, "invalid_grant")
    directory.remove_person(BOB)
    assert_refused(application.refresh(refresh_token), 500341, "invalid_grant")
    directory.add_person(bob)
    directory.change_person(BOB, enabled=True)
    assert application.refresh(refresh_token).status_code == 200
    clock.now += REFRESH_TOKEN_LIFETIME_SECONDS + 1
    assert_refused(application.refresh(refresh_token), 70008, "invalid_grant")


@pytest.mark.parametrize("token", ["x", "1.x", "1.", "2.gAAAA", "1." + "A" * 300, "1.é"])
def test_a_refresh_token_that_is_not_ours_is_refused(application: Application, token: str) -> None:
    assert_refused(application.refresh(token), 9002313, "invalid_grant")


def test_a_cookie_is_no_refresh_token(application: Application, browser: Browser) -> None:
    browser.sign_in()
    cookie = browser.session.cookies["entra_emulator_sign_on"]
    assert_refused(application.refresh(f"1.{cookie}"), 9002313, "invalid_grant")


def test_roles_are_those_of_the_moment(application: Application, browser: Browser) -> None:
    refresh_token = application.redeem(browser.code(ALICE)).json()["refresh_token"]
    browser.emulator.directory.change_person(ALICE, roles=(), email="other@evil.example")
    claims = _claims(application.refresh(refresh_token).json()["id_token"])
    assert "roles" not in claims
    assert "email" not in claims


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"iss": "https://issuer.example/"}, 700211),
        ({"sub": "system:serviceaccount:other:other"}, 700213),
        ({"aud": "api://other"}, 700212),
        ({"exp": 1}, 700024),
        ({"exp": None}, 700024),
        ({"nbf": 99_999_999_999}, 700024),
    ],
)
def test_a_federated_assertion_must_say_what_is_configured(
    application: Application, browser: Browser, claims: dict[str, Any], number: int
) -> None:
    assertion = browser.emulator.workload_identity.token(**claims)
    response = _with_assertion(application, browser, assertion)
    assert_refused(response, number, "invalid_client", 401)


def test_a_federated_assertion_must_be_signed_by_the_configured_issuer(
    application: Application, browser: Browser, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> None:
    stranger = LocalIssuer(tmp_path_factory.mktemp("stranger"), clock)
    refused = {stranger.token(): 700027, "x": 50027, "a.b.c": 50027, _unsigned(): 700027}
    for assertion, number in refused.items():
        response = _with_assertion(application, browser, assertion)
        assert_refused(response, number, "invalid_client", 401)
    good = browser.emulator.workload_identity.token()
    assert _with_assertion(application, browser, good).status_code == 200
    wrong_type = {"client_assertion_type": "urn:other"}
    response = _with_assertion(application, browser, good, **wrong_type)
    assert_refused(response, 90023, "invalid_request")


def _with_assertion(application: Application, browser: Browser, assertion: str, **changes: Any) -> Any:
    form = {"client_secret": None, "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    return application.redeem(browser.code(), **{**form, **changes})


def _unsigned() -> str:
    claims = {
        "iss": LOCAL_ISSUER,
        "sub": "system:serviceaccount:mcpstack:authserver",
        "aud": ["api://AzureADTokenExchange"],
        "exp": 99_999_999_999,
    }
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts) + "."
    )
