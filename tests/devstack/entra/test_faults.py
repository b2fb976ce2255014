"""Each fault shows where it should, for as long as it should, in process and through the control endpoint."""

import json
from contextlib import suppress
from typing import Any

import gevent
import pytest
import requests
from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import KeySet

from devstack.entra.directory import ALICE, API_URI, BOB, DAEMON_CLIENT_ID, DAEMON_SECRET, FABRIKAM
from devstack.entra.faults import FAULTS, UnknownFaultError
from tests.devstack.entra.browser import Application, Browser, Page, answer, assert_refused
from tests.devstack.entra.conftest import Clock


def _id_token(application: Application, browser: Browser) -> str:
    token: str = application.redeem(browser.code()).json()["id_token"]
    return token


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    compact = jws.extract_compact(token.encode())
    return compact.headers(), json.loads(compact.payload)


def _keys(application: Application) -> KeySet:
    return KeySet.import_key_set(application.get("/common/discovery/v2.0/keys").json())


def test_bad_signature_is_one_that_the_named_key_did_not_make(
    application: Application, browser: Browser
) -> None:
    application.emulator.faults.set("bad_signature")
    token = _id_token(application, browser)
    keys = _keys(application)
    assert _unverified(token)[0]["kid"] in [key.kid for key in keys.keys]
    with pytest.raises(BadSignatureError):
        jwt.decode(token, keys, algorithms=["RS256"])


def test_unknown_key_is_one_that_is_not_published(application: Application, browser: Browser) -> None:
    application.emulator.faults.set("unknown_key")
    header, _ = _unverified(_id_token(application, browser))
    assert header["kid"] not in [key.kid for key in _keys(application).keys]


@pytest.mark.parametrize(("fault", "algorithm"), [("unsigned", "none"), ("symmetric_signature", "HS256")])
def test_other_algorithms(application: Application, browser: Browser, fault: str, algorithm: str) -> None:
    application.emulator.faults.set(fault)
    assert _unverified(_id_token(application, browser))[0]["alg"] == algorithm


def test_a_symmetric_signature_is_keyed_with_the_public_key(
    application: Application, browser: Browser
) -> None:
    application.emulator.faults.set("symmetric_signature")
    token = _id_token(application, browser)
    header, _ = _unverified(token)
    assert header["kid"] == application.emulator.signing_keys.current.kid
    assert token.count(".") == 2
    assert not token.endswith(".")


@pytest.mark.parametrize(
    ("fault", "options", "claim", "value"),
    [
        ("wrong_nonce", {}, "nonce", "a-nonce-that-nobody-sent"),
        ("wrong_audience", {}, "aud", FAULTS["wrong_audience"]["audience"]),
        ("wrong_audience", {"audience": "other"}, "aud", "other"),
        ("wrong_issuer", {}, "iss", FAULTS["wrong_issuer"]["issuer"]),
        ("claims", {"set": {"tid": "other", "groups": ["g"]}}, "tid", "other"),
        ("claims", {"remove": ["oid"]}, "oid", None),
    ],
)
def test_a_claim_is_wrong_in_a_token_that_is_signed_well(
    application: Application,
    browser: Browser,
    fault: str,
    options: dict[str, Any],
    claim: str,
    value: object,
) -> None:
    application.emulator.faults.set(fault, **options)
    token = _id_token(application, browser)
    assert jwt.decode(token, _keys(application), algorithms=["RS256"]).claims.get(claim) == value


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("claims", {"remove": ["azp"]}),
        ("claims", {"set": {"ver": "1.0"}}),
        ("wrong_audience", {}),
        ("wrong_issuer", {}),
        ("expired", {}),
        ("not_yet_valid", {}),
    ],
)
def test_access_tokens_have_the_faults_that_are_set_for_them(
    application: Application, browser: Browser, fault: str, options: dict[str, Any]
) -> None:
    code = browser.code(scope=f"openid offline_access {API_URI}/access_as_user")
    good = application.redeem(code).json()
    application.emulator.faults.set(fault, token="access_token", times=2, **options)
    tokens = application.refresh(good["refresh_token"]).json()
    spoiled = jwt.decode(tokens["access_token"], _keys(application), algorithms=["RS256"]).claims
    volatile = {"uti", "rh", "aio"}
    before = _unverified(good["access_token"])[1]
    assert {n: v for n, v in spoiled.items() if n not in volatile} != {
        n: v for n, v in before.items() if n not in volatile
    }
    assert _unverified(tokens["id_token"])[1] | {"nonce": "the-nonce"} == _unverified(good["id_token"])[1]
    daemon = {"client_id": DAEMON_CLIENT_ID, "client_secret": DAEMON_SECRET}
    scope = f"{API_URI}/.default"
    assert (
        application.token(FABRIKAM, grant_type="client_credentials", scope=scope, **daemon).status_code == 200
    )
    assert application.emulator.faults.active() == ()


@pytest.mark.parametrize("fault", ["bad_signature", "unknown_key", "unsigned", "symmetric_signature"])
def test_access_tokens_are_signed_badly_when_that_is_set_for_them(
    application: Application, browser: Browser, fault: str
) -> None:
    application.emulator.faults.set(fault, token="access_token")
    tokens = application.redeem(browser.code()).json()
    keys = _keys(application)
    assert jwt.decode(tokens["id_token"], keys, algorithms=["RS256"])
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(tokens["access_token"], keys, algorithms=["RS256"])


@pytest.mark.parametrize("endpoint", ["adminconsent", "logout", "graph"])
def test_the_newer_endpoints_can_be_down_too(
    application: Application, browser: Browser, endpoint: str
) -> None:
    application.emulator.faults.set("down", endpoint=endpoint)
    login = f"{browser.emulator.login_url}/common"
    answers = {
        "adminconsent": browser.open(f"{login}/v2.0/adminconsent").status_code,
        "logout": browser.open(f"{login}/oauth2/v2.0/logout").status_code,
        "graph": application.get("/v1.0/me/transitiveMemberOf").status_code,
    }
    assert [name for name, status in answers.items() if status == 503] == [endpoint]


def test_expired_and_not_yet_valid_move_the_whole_life_of_a_token(
    application: Application, browser: Browser, clock: Clock
) -> None:
    faults = application.emulator.faults
    faults.set("expired", seconds=100, times=1)
    claims = _unverified(_id_token(application, browser))[1]
    assert claims["iat"] <= claims["nbf"] < claims["exp"] == clock.now - 100
    faults.set("not_yet_valid", seconds=100, times=1)
    claims = _unverified(_id_token(application, browser))[1]
    assert claims["exp"] > claims["nbf"] == clock.now + 100


def test_no_id_token(application: Application, browser: Browser) -> None:
    application.emulator.faults.set("no_id_token")
    assert "id_token" not in application.redeem(browser.code()).json()


def test_a_fault_shows_as_often_as_was_asked_for(application: Application, browser: Browser) -> None:
    application.emulator.faults.set("wrong_nonce", times=2)
    nonces = [_unverified(_id_token(application, browser))[1]["nonce"] for _ in range(3)]
    assert nonces == ["a-nonce-that-nobody-sent"] * 2 + ["the-nonce"]
    assert application.emulator.faults.active() == ()


def test_a_fault_without_a_number_shows_until_it_is_cleared(
    application: Application, browser: Browser
) -> None:
    application.emulator.faults.set("no_id_token")
    for _ in range(2):
        assert "id_token" not in application.redeem(browser.code()).json()
    application.emulator.faults.clear("no_id_token")
    assert "id_token" in application.redeem(browser.code()).json()


def test_down_is_503_on_both_ports_and_leaves_the_control_alone(
    application: Application, browser: Browser
) -> None:
    application.emulator.faults.set("down")
    assert application.get("/common/v2.0/.well-known/openid-configuration").status_code == 503
    assert application.get("/common/discovery/v2.0/keys").status_code == 503
    assert application.redeem("x").status_code == 503
    assert browser.authorize().status_code == 503
    assert application.get("/_emulator/faults").status_code == 200
    assert application.get("/readyz").status_code == 200


def test_down_and_slow_may_be_limited_to_one_endpoint(application: Application, browser: Browser) -> None:
    application.emulator.faults.set("down", endpoint="keys", times=1)
    assert browser.authorize().status_code == 200
    assert application.get("/common/discovery/v2.0/keys").status_code == 503
    assert application.get("/common/discovery/v2.0/keys").status_code == 200


def test_slow_keeps_its_caller_waiting_and_nobody_else(application: Application, browser: Browser) -> None:
    application.emulator.faults.set("slow", seconds=30, endpoint="keys")
    waiting = gevent.spawn(application.get, "/common/discovery/v2.0/keys")
    assert browser.authorize().status_code == 200
    assert not waiting.ready()
    application.emulator.stop()  # does not wait the half minute
    with suppress(requests.exceptions.ConnectionError):
        assert waiting.get(timeout=20).status_code == 500


def test_slow_answers_in_the_end(application: Application) -> None:
    application.emulator.faults.set("slow", seconds=0.01)
    assert application.get("/common/discovery/v2.0/keys").status_code == 200


def test_a_stopped_emulator_refuses_connections_and_comes_back_on_its_ports(
    application: Application, browser: Browser
) -> None:
    emulator = application.emulator
    before = (emulator.login_url, emulator.authority)
    emulator.stop()
    for request in (lambda: application.get("/readyz"), browser.authorize):
        with pytest.raises(requests.exceptions.ConnectionError):
            request()
    emulator.start()
    assert (emulator.login_url, emulator.authority) == before
    assert application.get("/readyz").status_code == 200
    assert browser.authorize().status_code == 200


def test_a_disabled_person_can_neither_sign_in_nor_refresh(
    application: Application, browser: Browser
) -> None:
    refresh_token = application.redeem(browser.code(BOB)).json()["refresh_token"]
    code = browser.code(BOB)
    browser.emulator.faults.set("user_disabled", username=BOB)
    assert "AADSTS50057" in Page(browser.sign_in(BOB).text).text
    assert_refused(application.redeem(code), 50057, "invalid_grant")
    assert_refused(application.refresh(refresh_token), 50057, "invalid_grant")
    assert answer(browser.sign_in(ALICE))["code"]


def test_somebody_disabled_meanwhile_does_not_sign_in_silently(browser: Browser) -> None:
    browser.sign_in(BOB)
    browser.emulator.faults.set("user_disabled", username=BOB)
    assert answer(browser.authorize(prompt="none"))["error"] == "login_required"
    assert "username" in Page(browser.authorize(prompt=None).text).fields
    browser.emulator.faults.clear()
    assert answer(browser.authorize(prompt="none"))["code"]


@pytest.mark.parametrize(("fault", "number"), [("consent_denied", 65004), ("access_denied", 50105)])
def test_a_sign_in_ends_in_a_denial(browser: Browser, fault: str, number: int) -> None:
    browser.emulator.faults.set(fault)
    members = answer(browser.sign_in())
    assert (members["error"], members["state"]) == ("access_denied", "the-state")
    assert members["error_description"].startswith(f"AADSTS{number}: ")


def test_the_token_endpoint_fails_as_it_is_told(application: Application, browser: Browser) -> None:
    faults = application.emulator.faults
    faults.set("token_error", times=1)
    code = browser.code()
    assert_refused(application.redeem(code), 50076, "invalid_grant")
    faults.set("token_error", error="temporarily_unavailable", number=90033, status=503, times=1)
    assert_refused(application.redeem(code), 90033, "temporarily_unavailable", 503)
    assert application.redeem(code).status_code == 200


def test_faults_are_set_listed_and_cleared_over_https(application: Application, browser: Browser) -> None:
    url = f"{application.emulator.authority}/_emulator/faults"
    wanted = [{"kind": "no_id_token", "times": 2}, {"kind": "slow", "seconds": 0.01}]
    response = application.session.post(url, json=wanted, timeout=20)
    assert response.status_code == 200
    assert [fault["kind"] for fault in response.json()["active"]] == ["no_id_token", "slow"]
    assert response.json()["available"].keys() == FAULTS.keys()
    assert "id_token" not in application.redeem(browser.code()).json()
    cleared = application.session.delete(url, params={"kind": "slow"}, timeout=20).json()["active"]
    assert cleared == [{"kind": "no_id_token", "times": 1}]
    assert application.session.delete(url, timeout=20).json()["active"] == []
    assert "id_token" in application.redeem(browser.code()).json()


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_set_over_https(application: Application, name: str) -> None:
    _post_faults(application, {"kind": name, "times": 3, **FAULTS[name]})
    (fault,) = application.emulator.faults.active()
    assert (fault.name, fault.times, fault.options) == (name, 3, FAULTS[name])


def test_a_disabled_person_and_an_endpoint_that_is_down_over_https(
    application: Application, browser: Browser
) -> None:
    refresh_token = application.redeem(browser.code(BOB)).json()["refresh_token"]
    _post_faults(application, {"kind": "user_disabled", "username": BOB, "times": 1})
    assert_refused(application.refresh(refresh_token), 50057, "invalid_grant")
    _post_faults(application, {"kind": "down", "endpoint": "token", "times": 1})
    assert application.refresh(refresh_token).status_code == 503
    _post_faults(application, [{"kind": "slow", "seconds": 0.01, "endpoint": "token"}])
    assert application.refresh(refresh_token).status_code == 200


def test_of_several_faults_all_are_set_or_none(application: Application) -> None:
    url = f"{application.emulator.authority}/_emulator/faults"
    response = application.session.post(url, json=[{"kind": "down"}, {"kind": "x"}], timeout=20)
    assert response.status_code == 400
    assert application.emulator.faults.active() == ()


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-Infinity", "1e308", "true", "null"])
def test_a_time_that_never_comes_is_refused(application: Application, seconds: str) -> None:
    url = f"{application.emulator.authority}/_emulator/faults"
    body = f'{{"kind": "slow", "seconds": {seconds}}}'
    headers = {"Content-Type": "application/json"}
    assert application.session.post(url, data=body, headers=headers, timeout=20).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "token_error", "status": 200},
        {"kind": "token_error", "status": 1000},
        {"kind": "token_error", "number": 1.5},
        {"kind": "token_error", "number": True},
        {"kind": "token_error", "error": None},
        {"kind": "no-such-fault"},
        {"kind": "slow", "minutes": 1},
        {"kind": "slow", "seconds": "1"},
        {"kind": "slow", "seconds": -1},
        {"kind": "slow", "endpoint": "everything"},
        {"kind": "claims", "token": "refresh_token"},
        {"kind": "claims", "token": ["id_token"]},
        {"kind": "down", "times": 0},
        {"kind": "down", "times": True},
        {"kind": "claims", "set": []},
        {"kind": "user_disabled", "username": 1},
        {"kind": ["slow"]},
        {},
        [],
        "slow",
        [1],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(application: Application, body: object) -> None:
    url = f"{application.emulator.authority}/_emulator/faults"
    response = application.session.post(url, json=body, timeout=20)
    assert application.emulator.faults.active() == ()
    if body != []:
        assert response.status_code == 400
        assert response.json()["error"] == "unknown_fault"


def test_a_form_of_a_web_page_cannot_set_faults(application: Application) -> None:
    url = f"{application.emulator.authority}/_emulator/faults"
    response = application.session.post(url, data='{"kind": "down"}', timeout=20)
    assert response.status_code == 415
    assert application.emulator.faults.active() == ()


def test_an_unknown_fault_is_named_in_process(application: Application) -> None:
    with pytest.raises(UnknownFaultError, match="there are bad_signature"):
        application.emulator.faults.set("bad_weather")


def _post_faults(application: Application, body: object) -> None:
    url = f"{application.emulator.authority}/_emulator/faults"
    assert application.session.post(url, json=body, timeout=20).status_code == 200
