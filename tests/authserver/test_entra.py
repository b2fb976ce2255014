"""Signing in through the real MSAL and the Entra ID emulator, over TLS, and what can go wrong there."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from authserver.app import create_app
from authserver.cipher import Cipher
from authserver.store import SqliteStore
from authserver.upstream.credentials import workload_identity
from authserver.upstream.entra import EntraBroker
from authserver.upstream.http import EntraSession
from authserver.wiring.parts import entra_configuration
from devstack.entra.emulator import EntraEmulator
from tests.authserver.world import (
    ALLOWED_TENANT,
    EVIL_TENANT,
    HOME_TENANT,
    ISSUER,
    World,
    answer_of,
    is_page,
    make_settings,
    read_page,
)

CALLBACK = f"{ISSUER}/oauth/callback"
LOGIN_SECRET = "local-development-only-secret"  # the emulator's, public


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraEmulator]:
    with EntraEmulator(tmp_path_factory.mktemp("entra"), redirect_uris=[CALLBACK]) as started:
        yield started


@pytest.fixture
def entra(emulator: EntraEmulator) -> Iterator[EntraEmulator]:
    yield emulator
    emulator.faults.clear()


@pytest.fixture
def session(entra: EntraEmulator) -> Iterator[EntraSession]:
    with EntraSession(entra.authority, entra.ca_file) as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path, entra: EntraEmulator, session: EntraSession) -> Iterator[World]:
    made = make_real_world(tmp_path, entra, session)
    yield made
    made.store.close()


def make_real_world(folder: Path, entra: EntraEmulator, session: EntraSession, **changes: Any) -> World:
    settings = make_settings(
        folder,
        entra_authority=entra.authority,
        entra_ca_file=entra.ca_file,
        entra_client_secret=LOGIN_SECRET,
        **changes,
    )
    tenant = "organizations" if settings.allowed_tenants else HOME_TENANT
    broker: Any = EntraBroker(entra_configuration(settings), lambda: tenant, time.time, session=session)
    store = SqliteStore(settings.state_file, time.time, Cipher(settings.master_secrets), deadline_seconds=5.0)
    app = create_app(settings, clock=time.time, store=store, broker=broker)
    return World(app, settings, store, time.time, broker)  # type: ignore[arg-type]


def person_signs_in(location: str, username: str = "alice@contoso.example") -> str:
    """Use Entra's login page as a person does; return the callback URL that the browser is sent to."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(location, timeout=10, allow_redirects=False)
        if page.status_code == 302:  # Entra decides some things without asking
            return str(page.headers["Location"])
        assert page.status_code == 200, page.text
        token = re.search(r'name="form_token" value="([^"]+)"', page.text)
        data = {"username": username, "password": "anything", "form_token": token.group(1) if token else ""}
        gone = browser.post(location, data=data, allow_redirects=False, timeout=10)
    assert gone.status_code == 302, gone.text
    assert gone.headers["Location"].startswith(CALLBACK + "?")
    return str(gone.headers["Location"])


def go_to_entra(world: World, browser: FlaskClient, client: dict[str, Any]) -> str:
    page = read_page(world.authorize(browser, client["client_id"]))
    response = browser.post("/consent", data={**page.fields, "decision": "allow"})
    assert response.status_code == 302, response.text
    return response.location


def come_back(world: World, client: dict[str, Any], username: str = "alice@contoso.example") -> Any:
    """Go all the way; return the answer of /callback."""
    browser = world.browser()
    callback = person_signs_in(go_to_entra(world, browser, client), username)
    return browser.get("/callback?" + urlsplit(callback).query)


@pytest.mark.requirement("RFC9207-2-SUCCESS")
def test_a_person_signs_in_and_the_client_gets_a_token_for_them(
    world: World, client: dict[str, Any], entra: EntraEmulator
) -> None:
    answer = answer_of(come_back(world, client))
    assert set(answer) == {"code", "state", "iss"}
    claims = world.claims(world.redeem(client, answer["code"]).get_json()["access_token"])
    assert claims["tid"] == HOME_TENANT
    assert claims["sub"] == f"{HOME_TENANT}.{claims['oid']}"


@pytest.mark.requirement("RFC9700-2.1.1-UPSTREAM")
def test_what_entra_is_asked_has_pkce_a_nonce_and_a_state_and_no_resource(
    world: World, client: dict[str, Any], entra: EntraEmulator
) -> None:
    location = urlsplit(go_to_entra(world, world.browser(), client))
    asked = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert f"{location.scheme}://{location.netloc}" == entra.login_url
    assert location.path == "/organizations/oauth2/v2.0/authorize"
    assert asked["code_challenge_method"] == "S256"
    assert asked["prompt"] == "select_account"
    assert asked["redirect_uri"] == CALLBACK
    assert asked["nonce"]
    assert asked["state"] != "the-state"
    assert "resource" not in asked
    assert set(asked["scope"].split()) == {"openid", "profile", "offline_access"}


def test_somebody_from_an_allowed_tenant_may_sign_in(world: World, client: dict[str, Any]) -> None:
    answer = answer_of(come_back(world, client, "carol@fabrikam.example"))
    claims = world.claims(world.redeem(client, answer["code"]).get_json()["access_token"])
    assert claims["tid"] == ALLOWED_TENANT


def test_somebody_from_another_tenant_is_refused_and_audited(
    world: World, client: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        response = come_back(world, client, "mallory@evil.example")
    assert is_page(response, 403)
    refusals = [vars(r) for r in caplog.records if r.name == "audit" and r.getMessage() == "login.refused"]
    assert [(line["reason"], line["tid"]) for line in refusals] == [("tenant", EVIL_TENANT)]


@pytest.mark.parametrize(
    "fault",
    [
        "bad_signature",
        "unknown_key",
        "wrong_nonce",
        "wrong_audience",
        "wrong_issuer",
        "expired",
        "not_yet_valid",
        "no_id_token",
    ],
)
def test_an_id_token_that_proves_nothing_is_a_page_and_no_code(
    world: World, client: dict[str, Any], entra: EntraEmulator, fault: str
) -> None:
    entra.faults.set(fault)
    assert is_page(come_back(world, client), 400)
    entra.faults.clear()
    assert "code" in answer_of(come_back(world, client))


def test_a_made_up_code_from_a_callback_url_is_no_sign_in(world: World, client: dict[str, Any]) -> None:
    browser = world.browser()
    state = parse_qs(urlsplit(go_to_entra(world, browser, client)).query)["state"][0]
    response = browser.get(f"/callback?state={state}&code=made-up")
    assert answer_of(response)["error"] == "access_denied"


@pytest.mark.requirement("RFC7636-7.2-CODE-BOUND", "RFC9700-2.1.1-UPSTREAM")
def test_another_persons_answer_injected_into_a_login_is_no_sign_in(
    world: World, client: dict[str, Any]
) -> None:
    attacker, victim = world.browser(), world.browser()
    stolen = parse_qs(urlsplit(person_signs_in(go_to_entra(world, attacker, client))).query)
    state = parse_qs(urlsplit(go_to_entra(world, victim, client)).query)["state"][0]
    response = victim.get(f"/callback?state={state}&code={stolen['code'][0]}")
    assert answer_of(response)["error"] == "access_denied"  # PKCE: the verifier is another one


@pytest.mark.parametrize("error", ["\u2603", "x|y,z", "e" * 300])
def test_an_error_made_up_in_a_callback_url_is_nobody_elses_trouble(
    world: World, client: dict[str, Any], error: str
) -> None:
    for _ in range(3):
        browser = world.browser()
        state = parse_qs(urlsplit(go_to_entra(world, browser, client)).query)["state"][0]
        made_up = browser.get("/callback?" + urlencode({"state": state, "error": error}))
        assert answer_of(made_up)["error"] == "access_denied"
    assert "code" in answer_of(come_back(world, client))


def test_what_went_wrong_for_one_person_is_not_told_in_anothers_request(
    world: World, client: dict[str, Any], session: EntraSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []
    send = session.send

    def noted(request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        sent.append(dict(request.headers))
        return send(request, **kwargs)

    monkeypatch.setattr(session, "send", noted)
    browser = world.browser()
    state = parse_qs(urlsplit(go_to_entra(world, browser, client)).query)["state"][0]
    browser.get(f"/callback?state={state}&error=made-up")
    come_back(world, client)
    assert sent
    assert "made-up" not in str(sent)


@pytest.mark.parametrize("fault", ["access_denied", "token_error"])
def test_entras_own_refusal_goes_back_to_the_client(
    world: World, client: dict[str, Any], entra: EntraEmulator, fault: str
) -> None:
    entra.faults.set(fault)
    answer = answer_of(come_back(world, client))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the-state", ISSUER)
    assert "AADSTS" not in str(answer)


def test_a_disabled_account_gets_no_code(world: World, client: dict[str, Any], entra: EntraEmulator) -> None:
    browser = world.browser()
    callback = person_signs_in(go_to_entra(world, browser, client))
    entra.faults.set("user_disabled", username="alice@contoso.example")
    assert answer_of(browser.get("/callback?" + urlsplit(callback).query))["error"] == "access_denied"


def test_while_entra_is_down_at_consent_the_person_is_told_and_it_works_afterwards(
    world: World, client: dict[str, Any], entra: EntraEmulator
) -> None:
    entra.faults.set("down")
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    assert is_page(browser.post("/consent", data={**fields, "decision": "allow"}), 503)
    entra.faults.clear()
    assert browser.post("/consent", data={**fields, "decision": "allow"}).status_code == 302


def test_while_entra_is_down_at_the_callback_the_client_is_told_to_try_later(
    world: World, client: dict[str, Any], entra: EntraEmulator
) -> None:
    browser = world.browser()
    callback = person_signs_in(go_to_entra(world, browser, client))
    entra.faults.set("down")
    answer = answer_of(browser.get("/callback?" + urlsplit(callback).query))
    assert answer["error"] == "temporarily_unavailable"


def test_an_entra_that_is_too_slow_is_given_up(
    tmp_path: Path, entra: EntraEmulator, client: dict[str, Any]
) -> None:
    with EntraSession(entra.authority, entra.ca_file, timeout_seconds=0.2) as impatient:
        world = make_real_world(tmp_path / "slow", entra, impatient)
        entra.faults.set("slow", seconds=2.0)
        browser = world.browser()
        fields = read_page(world.authorize(browser, world.register()["client_id"])).fields
        assert is_page(browser.post("/consent", data={**fields, "decision": "allow"}), 503)
        world.store.close()


def test_the_server_starts_without_entra_and_says_in_readyz_whether_it_answers(
    world: World, entra: EntraEmulator
) -> None:
    assert world.get("/readyz").get_json()["entra"] == "ok"
    entra.faults.set("down")
    assert world.get("/readyz").get_json()["entra"] == "ok"  # asked at most every ten seconds


def test_with_the_home_tenant_alone_its_own_authority_is_used(
    tmp_path: Path, entra: EntraEmulator, session: EntraSession
) -> None:
    world = make_real_world(tmp_path, entra, session, allowed_tenants={})
    location = urlsplit(go_to_entra(world, world.browser(), world.register()))
    assert location.path == f"/{HOME_TENANT}/oauth2/v2.0/authorize"
    assert "code" in answer_of(come_back(world, world.register()))
    world.store.close()


def test_the_environments_ca_bundle_does_not_replace_the_configured_one(
    world: World, client: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    assert "code" in answer_of(come_back(world, client))


def test_a_back_channel_that_another_authority_vouches_for_is_not_believed(
    tmp_path: Path, entra: EntraEmulator
) -> None:
    with EntraSession(entra.authority, None) as with_system_authorities:
        world = make_real_world(tmp_path / "tls", entra, with_system_authorities)
        browser = world.browser()
        fields = read_page(world.authorize(browser, world.register()["client_id"])).fields
        assert is_page(browser.post("/consent", data={**fields, "decision": "allow"}), 503)
        world.store.close()


def test_a_workload_identity_token_is_read_each_time_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "token"
    credential = workload_identity(file)()
    assert not isinstance(credential, str)
    for value in ("first", "second"):
        file.write_text(value + "\n")
        assert credential["client_assertion"]() == value


def test_nothing_that_entra_issued_is_kept(world: World, client: dict[str, Any]) -> None:
    come_back(world, client)
    application = world.broker._authority("organizations").application()  # type: ignore[attr-defined]
    kinds = application.token_cache.CredentialType
    for kind in (kinds.ID_TOKEN, kinds.ACCESS_TOKEN, kinds.REFRESH_TOKEN, kinds.ACCOUNT):
        assert list(application.token_cache.search(kind)) == []
