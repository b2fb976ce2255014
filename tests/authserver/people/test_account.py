"""The account page: a person sees their own access and ends it; nobody else does."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from authserver.errors import UpstreamUnavailable
from authserver.model import Client, Identity
from tests.authserver.people.pages import come_back, form_with, forms, press, sign_in
from tests.authserver.world import (
    ALICE,
    ALLOWED_TENANT,
    ISSUER,
    MALLORY,
    REDIRECT,
    RESOURCE,
    WEB_REDIRECT,
    World,
    is_page,
    make_world,
)

BOB = replace(ALICE, oid=ALICE.oid[:-1] + "2", username="bob@contoso.example", name="Bob")


@pytest.fixture
def browser(world: World) -> FlaskClient:
    return world.browser()


def tokens(world: World, person: Identity = ALICE, **metadata: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    world.broker.person = person
    client = world.register(**metadata)
    redirect_uri = metadata.get("redirect_uris", [REDIRECT])[0]
    code = world.sign_in(client["client_id"], redirect_uri=redirect_uri)["code"]
    response = world.redeem(client, code, redirect_uri=redirect_uri)
    assert response.status_code == 200
    return client, response.get_json()


def sid(world: World, issued: dict[str, Any]) -> str:
    return str(world.claims(issued["access_token"])["sid"])


def audited(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [vars(r) for r in caplog.records if r.name == "audit" and r.getMessage() == event]


def test_who_is_not_signed_in_is_asked_to_and_nothing_is_stored_before(
    world: World, browser: FlaskClient
) -> None:
    page = browser.get("/account")
    assert page.status_code == 200
    assert forms(page)[0].buttons == ["sign-in"]
    assert world.broker.started == []
    assert not [key for key in browser._cookies if key[2].startswith("login-")]


def test_the_page_lists_what_has_access_in_words(world: World, browser: FlaskClient) -> None:
    tokens(world, client_name="Claude", redirect_uris=[WEB_REDIRECT])
    world.clock.advance(7200)
    text = sign_in(world, browser, "/account", ALICE).text
    assert "Claude" in text
    assert "claude.ai" in text
    assert "Unverified" in text
    assert RESOURCE in text
    assert "Read your snippets" in text
    assert "Since 15 January 2027, last used 2 hours ago" in text
    assert "alice@contoso.example" in text


def test_a_client_of_the_operator_is_verified(world: World, browser: FlaskClient) -> None:
    client, _ = tokens(world)
    registered = world.store.get_client(client["client_id"])
    assert registered is not None
    world.store.add_client(replace(registered, source="operator"))
    world.clock.advance(5)
    text = sign_in(world, browser, "/account", ALICE).text
    assert "Verified" in text
    assert "Unverified" not in text


def test_a_client_that_is_gone_is_still_listed_and_can_be_revoked(world: World, browser: FlaskClient) -> None:
    client, _ = tokens(world)
    world.store.remove_client(client["client_id"])
    world.clock.advance(5)
    page = sign_in(world, browser, "/account", ALICE)
    assert "no longer registered" in page.text
    press(browser, page, "revoke")
    assert "no longer registered" not in browser.get("/account").text


def test_a_client_that_was_disabled_keeps_its_name(world: World, browser: FlaskClient) -> None:
    client, _ = tokens(world, client_name="Stopped")
    registered = world.store.get_client(client["client_id"])
    assert registered is not None
    world.store.update_client(replace(registered, is_disabled=True))
    world.clock.advance(5)
    assert "Stopped" in sign_in(world, browser, "/account", ALICE).text


def test_a_client_document_is_shown_as_it_was_consented_to_without_being_fetched(
    world: World, browser: FlaskClient
) -> None:
    _, issued = tokens(world)
    session = world.store.get_session(sid(world, issued))
    assert session is not None
    url = "https://app.example/client.json"
    snapshot = Client(url, "none", (WEB_REDIRECT,), (), (), 0, source="document", client_name="Snapshot")
    world.store.open_session(replace(session, sid="A" * 22, client_id=url, client=snapshot))
    assert "Snapshot" in sign_in(world, browser, "/account", ALICE).text


def test_a_client_document_of_a_host_that_the_operator_listed_is_verified(tmp_path: Any) -> None:
    world = make_world(tmp_path, verified_client_hosts=("app.example",))
    _, issued = tokens(world)
    session = world.store.get_session(sid(world, issued))
    assert session is not None
    for host in ("app.example", "evil.example"):
        url = f"https://{host}/client.json"
        snapshot = Client(url, "none", (WEB_REDIRECT,), (), (), 0, source="document", client_name=host)
        world.store.open_session(replace(session, sid=host[:1].upper() * 22, client_id=url, client=snapshot))
    text = sign_in(world, world.browser(), "/account", ALICE).text
    assert 'app.example</bdi> <span class="badge good">Verified' in text
    assert 'evil.example</bdi> <span class="badge">Unverified' in text
    world.store.close()


def test_access_that_cannot_be_refreshed_is_listed_until_its_token_expires(
    world: World, browser: FlaskClient
) -> None:
    tokens(world, client_name="Once", grant_types=["authorization_code"])
    assert "Once" in sign_in(world, browser, "/account", ALICE).text
    world.clock.advance(3600)
    assert "Once" not in sign_in(world, browser, "/account", ALICE).text


def test_without_access_the_page_says_so(world: World, browser: FlaskClient) -> None:
    tokens(world, BOB)
    text = sign_in(world, browser, "/account", ALICE).text
    assert "No application has access" in text
    assert "revoke" not in text


def test_revoking_ends_that_session_alone_and_is_audited(
    world: World, browser: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client, issued = tokens(world)
    other_client, other = tokens(world)
    page = sign_in(world, browser, "/account", ALICE)
    with caplog.at_level(logging.INFO):
        response = press(browser, page, "revoke", fields={"sid": sid(world, issued)})
    assert response.status_code == 302
    assert response.location == f"{ISSUER}/oauth/account"
    assert world.refresh(client, issued["refresh_token"]).status_code == 400
    assert world.refresh(other_client, other["refresh_token"]).status_code == 200
    (line,) = audited(caplog, "session.revoked")
    assert (line["sid"], line["reason"], line["oid"]) == (
        sid(world, issued),
        "revoked_by_person",
        ALICE.oid,
    )
    session = world.store.get_session(sid(world, issued))
    assert session is not None
    assert session.end_reason == "revoked_by_person"


def test_revoking_all_ends_all_of_ones_own_and_nobody_elses(world: World, browser: FlaskClient) -> None:
    mine = [tokens(world), tokens(world)]
    bobs = tokens(world, BOB)
    foreign = tokens(world, Identity(ALLOWED_TENANT, ALICE.oid, ALICE.username, ALICE.name, 0))
    press(browser, sign_in(world, browser, "/account", ALICE), "revoke-all")
    assert [world.refresh(c, t["refresh_token"]).status_code for c, t in mine] == [400, 400]
    world.broker.changes = {}
    assert world.refresh(bobs[0], bobs[1]["refresh_token"]).status_code == 200
    assert world.refresh(foreign[0], foreign[1]["refresh_token"]).status_code == 200


@pytest.mark.parametrize("other", ["somebody else's", "nobody's", ""])
def test_a_sid_that_is_not_ones_own_is_as_if_absent(world: World, browser: FlaskClient, other: str) -> None:
    client, issued = tokens(world, BOB)
    tokens(world)
    page = sign_in(world, browser, "/account", ALICE)
    form = form_with(page, "revoke")
    wanted = {"somebody else's": sid(world, issued), "nobody's": "B" * 22, "": ""}[other]
    response = browser.post("/account", data={**form.fields, "sid": wanted, "decision": "revoke"})
    assert response.status_code == 302
    world.broker.person = BOB
    assert world.refresh(client, issued["refresh_token"]).status_code == 200
    assert world.store.end_session("B" * 22, "test")


def test_the_session_ends_after_its_minutes_and_then_nothing_is_done(
    world: World, browser: FlaskClient
) -> None:
    client, issued = tokens(world)
    page = sign_in(world, browser, "/account", ALICE)
    world.clock.advance(899)
    assert "Revoke" in browser.get("/account").text
    world.clock.advance(1)
    assert forms(browser.get("/account"))[0].buttons == ["sign-in"]
    response = press(browser, page, "revoke-all" if "revoke-all" in page.text else "revoke")
    assert forms(response)[0].buttons == ["sign-in"]
    assert world.refresh(client, issued["refresh_token"]).status_code == 200


def test_the_cookie_is_its_own_short_lived_and_http_only(world: World, browser: FlaskClient) -> None:
    world.broker.person = ALICE
    arrived = come_back(browser, press(browser, browser.get("/account"), "sign-in"))
    (cookie,) = [c for c in arrived.headers.getlist("Set-Cookie") if c.startswith("account=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=900" in cookie
    assert "alice" not in cookie


def test_on_https_the_cookie_is_host_bound_and_secure(tmp_path: Any) -> None:
    world = make_world(tmp_path, public_url="https://auth.example")
    browser, base = world.browser(), {"base_url": "https://auth.example"}
    page = browser.get("/account", **base)  # type: ignore[arg-type]
    departed = press(browser, page, "sign-in", **base)
    state = departed.location.partition("state=")[2].partition("&")[0]
    arrived = browser.get(f"/callback?state={state}&code=good", **base)  # type: ignore[arg-type]
    (cookie,) = [c for c in arrived.headers.getlist("Set-Cookie") if "account=" in c]
    assert cookie.startswith("__Host-account=")
    assert "; Secure" in cookie
    world.store.close()


@pytest.mark.parametrize("button", ["revoke", "revoke-all", "sign-out"])
@pytest.mark.parametrize("token", [None, "", "wrong", "another browser's"])
def test_a_form_without_the_token_of_this_session_is_refused(
    world: World, browser: FlaskClient, button: str, token: str | None
) -> None:
    client, issued = tokens(world)
    tokens(world)
    page = sign_in(world, browser, "/account", ALICE)
    elsewhere = sign_in(world, world.browser(), "/account", ALICE)
    form = form_with(page, button)
    others = form_with(elsewhere, button).fields["csrf_token"]
    sent = {
        **form.fields,
        "decision": button,
        "csrf_token": others if token == "another browser's" else token,
    }
    response = browser.post("/account", data={k: v for k, v in sent.items() if v is not None})
    assert is_page(response, 403)
    assert world.refresh(client, issued["refresh_token"]).status_code == 200
    assert "Revoke" in browser.get("/account").text


@pytest.mark.parametrize("site", ["cross-site", "same-site", "what is this"])
@pytest.mark.parametrize("button", ["sign-in", "revoke"])
def test_a_form_that_another_site_sends_is_refused(
    world: World, browser: FlaskClient, button: str, site: str
) -> None:
    tokens(world)
    page = browser.get("/account") if button == "sign-in" else sign_in(world, browser, "/account", ALICE)
    assert is_page(press(browser, page, button, headers={"Sec-Fetch-Site": site}), 403)


def test_nobody_is_made_to_sign_in_by_another_browsers_form(world: World, browser: FlaskClient) -> None:
    foreign = form_with(world.browser().get("/account"), "sign-in")
    browser.get("/account")
    response = browser.post("/account", data={**foreign.fields, "decision": "sign-in"})
    assert is_page(response, 403)
    assert world.broker.started == []


@pytest.mark.requirement("RFC9700-4.7-CSRF")
def test_a_sign_in_begun_in_one_browser_signs_nobody_in_in_another(
    world: World, browser: FlaskClient
) -> None:
    departed = press(browser, browser.get("/account"), "sign-in")
    victim = world.browser()
    assert is_page(come_back(victim, departed), 403)
    assert forms(victim.get("/account"))[0].buttons == ["sign-in"]


def test_a_tenant_that_is_not_allowed_does_not_get_in(world: World, browser: FlaskClient) -> None:
    world.broker.person = MALLORY
    arrived = come_back(browser, press(browser, browser.get("/account"), "sign-in"))
    assert is_page(arrived, 403)
    assert forms(browser.get("/account"))[0].buttons == ["sign-in"]


@pytest.mark.parametrize("name", ["account", "admin"])
@pytest.mark.parametrize("value", ["", "x", "gAAAA" + "A" * 120, "a consent cookie", "the sealed form"])
def test_no_other_cookie_or_seal_signs_anybody_in(
    world: World, browser: FlaskClient, name: str, value: str
) -> None:
    client = world.register()
    page = world.authorize(browser, client["client_id"])
    values = {
        "a consent cookie": next(c.value for k, c in browser._cookies.items() if k[2].startswith("consent-")),
        "the sealed form": forms(page)[0].fields["request"],
    }
    browser.set_cookie(name, values.get(value, value))
    path = f"/{name}"
    assert forms(browser.get(path))[0].buttons == ["sign-in"]


def test_signing_out_ends_it_here_and_leads_to_entra_and_back(world: World, browser: FlaskClient) -> None:
    client, issued = tokens(world)
    page = sign_in(world, browser, "/account", ALICE)
    stolen = next(c.value for k, c in browser._cookies.items() if k[2] == "account")
    response = press(browser, page, "sign-out")
    assert response.status_code == 302
    assert response.location.startswith("https://entra.test/logout?post_logout_redirect_uri=")
    assert response.location.endswith("%2Foauth%2Faccount%2Fsigned-out")
    assert forms(browser.get("/account"))[0].buttons == ["sign-in"]
    thief = world.browser()
    thief.set_cookie("account", stolen)
    assert forms(thief.get("/account"))[0].buttons == ["sign-in"]
    # What applications have access to is another matter.
    assert world.refresh(client, issued["refresh_token"]).status_code == 200
    assert "You are signed out" in browser.get("/account/signed-out").text


def test_while_entra_is_away_signing_out_still_ends_it_here(world: World, browser: FlaskClient) -> None:
    page = sign_in(world, browser, "/account", ALICE)
    world.broker.failure = UpstreamUnavailable("down for a test")
    response = press(browser, page, "sign-out")
    assert "You are signed out here" in response.text
    assert "down for a test" not in response.text
    assert forms(browser.get("/account"))[0].buttons == ["sign-in"]


def test_while_entra_is_away_signing_in_says_so(world: World, browser: FlaskClient) -> None:
    page = browser.get("/account")
    world.broker.failure = UpstreamUnavailable("down for a test")
    assert is_page(press(browser, page, "sign-in"), 503)
    world.broker.failure = None
    assert press(browser, page, "sign-in").status_code == 302


def test_somebody_with_very_many_groups_fits_into_the_cookie(world: World, browser: FlaskClient) -> None:
    many = tuple(f"{number:08d}-0000-4000-8000-000000000000" for number in range(200))
    world.broker.person = replace(ALICE, groups=many, roles=many)
    arrived = come_back(browser, press(browser, browser.get("/account"), "sign-in"))
    (cookie,) = [c for c in arrived.headers.getlist("Set-Cookie") if c.startswith("account=")]
    assert len(cookie) < 4096


@pytest.mark.parametrize("decision", [None, "", "maybe", "REVOKE"])
def test_a_button_that_is_not_there_does_nothing(
    world: World, browser: FlaskClient, decision: str | None
) -> None:
    tokens(world)
    page = sign_in(world, browser, "/account", ALICE)
    sent = {**form_with(page, "revoke").fields, "decision": decision}
    response = browser.post("/account", data={k: v for k, v in sent.items() if v is not None})
    assert is_page(response, 400)


def test_the_page_refuses_framing_caching_and_everything_foreign(world: World, browser: FlaskClient) -> None:
    tokens(world, client_name="<script>alert(1)</script>\u202e", logo_uri="https://evil.example/logo.png")
    page = sign_in(world, browser, "/account", ALICE)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.text
    assert "logo.png" not in page.text
    assert "\u202e" not in page.text
