"""Another organization's administrator accepts an invitation; a stub stands in Entra's place."""

import json
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import gevent
import pytest
from flask.testing import FlaskClient

from authserver.errors import UpstreamUnavailable
from authserver.model import TenantEntry
from authserver.oauth.onboarding import LIFETIME_SECONDS, Invitations
from authserver.upstream.tenant_entries import TenantEntries
from authserver.upstream.tenants import PERSONAL_TENANT
from tests.authserver.world import ALLOWED_TENANT, HOME_TENANT, MALLORY, World, is_page, read_page

NEW_TENANT = "33333333-3333-4333-8333-333333333333"
DANA = replace(MALLORY, tid=NEW_TENANT, username="dana@newco.example", name="Dana")
PROMISED = TenantEntry("", "New <b>Co</b>", ceiling=("mcp:tools", "model:invoke"), required_roles=("Member",))


def entries(world: World) -> TenantEntries:
    return TenantEntries(world.settings.allowed_tenants, world.store, world.clock)


def invite(world: World, promised: TenantEntry = PROMISED) -> str:
    secret, _ = Invitations(world.store, entries(world), world.clock).issue(promised)
    return secret


def open_page(browser: FlaskClient, invitation: str) -> Any:
    return browser.get("/onboarding?" + urlencode({"invitation": invitation}))


def state_in(response: Any) -> str:
    assert response.status_code == 302, response.text
    return parse_qs(urlsplit(response.location).query)["state"][0]


def to_consent(browser: FlaskClient, invitation: str) -> str:
    """Accept on our page; return the state that the consent page is given."""
    fields = read_page(open_page(browser, invitation)).fields
    return state_in(browser.post("/onboarding", data={**fields, "decision": "allow"}))


def consent(browser: FlaskClient, state: str, tid: str = NEW_TENANT, **answer: str) -> Any:
    answer = answer or {"admin_consent": "True", "tenant": tid}
    return browser.get("/callback?" + urlencode({"state": state, **answer}))


def sign_in(browser: FlaskClient, state: str) -> Any:
    return browser.get("/callback?" + urlencode({"state": state, "code": "good"}))


def go_through(world: World, invitation: str, consented_tid: str = NEW_TENANT) -> Any:
    """Go all the way; return the last answer."""
    browser = world.browser()
    state = state_in(consent(browser, to_consent(browser, invitation), consented_tid))
    return sign_in(browser, state)


def audited(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [vars(r) for r in caplog.records if r.name == "audit" and r.getMessage() == event]


def test_the_tenant_of_the_administrator_who_signs_in_gets_what_was_promised(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.broker.person = DANA
    with caplog.at_level(logging.INFO):
        response = go_through(world, invite(world))
    assert response.status_code == 200
    assert entries(world).get(NEW_TENANT) == replace(PROMISED, tid=NEW_TENANT)
    (line,) = audited(caplog, "tenant.onboarded")
    assert (line["tid"], line["oid"]) == (NEW_TENANT, DANA.oid)
    assert world.broker.started[-1].any_organization
    world.broker.person = replace(DANA, roles=("Member",))
    assert world.tokens(world.register())["scope"] == "mcp:tools"


def test_the_page_says_what_will_be_allowed_and_spends_nothing(world: World) -> None:
    invitation = invite(world)
    for _ in range(2):
        response = open_page(world.browser(), invitation)
        assert response.status_code == 200
    page = read_page(response)
    assert "Ask the language model on your behalf" in page.text
    assert "<b>Co" not in response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert invitation not in response.text


@pytest.mark.parametrize("invitation", ["", "unknown", "mcpin_" + "A" * 43, "é", "x" * 3000])
def test_what_is_no_invitation_is_a_page(world: World, invitation: str) -> None:
    assert is_page(open_page(world.browser(), invitation), 400)


def test_an_invitation_expires(world: World) -> None:
    invitation = invite(world)
    browser = world.browser()
    fields = read_page(open_page(browser, invitation)).fields
    world.clock.advance(LIFETIME_SECONDS)
    assert is_page(open_page(browser, invitation), 400)
    assert browser.post("/onboarding", data={**fields, "decision": "allow"}).status_code in (400, 403)


def test_an_invitation_that_expires_on_the_way_adds_nothing(world: World) -> None:
    world.broker.person = DANA
    invitation = invite(world)
    world.clock.advance(LIFETIME_SECONDS - 60)
    browser = world.browser()
    state = state_in(consent(browser, to_consent(browser, invitation)))
    world.clock.advance(60)
    assert is_page(sign_in(browser, state), 403)
    assert entries(world).get(NEW_TENANT) is None


def test_an_invitation_works_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    invitation = invite(world)
    world.broker.person = DANA
    assert go_through(world, invitation).status_code == 200
    assert is_page(open_page(world.browser(), invitation), 400)


def test_of_two_organizations_at_once_one_gets_in(world: World) -> None:
    invitation = invite(world)
    browsers = [world.browser(), world.browser()]
    tids = [NEW_TENANT, NEW_TENANT.replace("3", "4")]
    states = []
    for browser, tid in zip(browsers, tids, strict=True):
        states.append(state_in(consent(browser, to_consent(browser, invitation), tid)))
    statuses = []
    for browser, tid, state in zip(browsers, tids, states, strict=True):
        world.broker.person = replace(DANA, tid=tid)
        statuses.append(sign_in(browser, state).status_code)
    assert statuses == [200, 403]
    assert [entries(world).get(tid) is not None for tid in tids] == [True, False]


def test_racing_with_one_invitation_gets_one_organization_in(world: World) -> None:
    invitations = Invitations(world.store, entries(world), world.clock)
    secret, _ = invitations.issue(PROMISED)
    (name,) = (name for name, _ in world.store.list_records("invitation"))
    people = [replace(DANA, tid=NEW_TENANT.replace("3", digit)) for digit in "45678"]
    racers = [gevent.spawn(invitations.accept, name, person, person.tid) for person in people]
    gevent.joinall(racers, timeout=30)
    assert sum(racer.successful() for racer in racers) == 1
    assert secret not in str(world.store.list_records("invitation"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"error": "access_denied", "error_description": "AADSTS65004"}, "consent_denied"),
        ({"admin_consent": "False", "tenant": NEW_TENANT}, "consent_denied"),
        ({"code": "good"}, "consent_denied"),
        ({"admin_consent": "True"}, "consent_malformed"),
        ({"admin_consent": "True", "tenant": "newco.example"}, "consent_malformed"),
    ],
)
def test_without_consent_nobody_signs_in_and_the_invitation_stays_good(
    world: World, answer: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    invitation, browser = invite(world), world.browser()
    with caplog.at_level(logging.INFO):
        response = consent(browser, to_consent(browser, invitation), **answer)
    assert is_page(response, 403)
    assert "AADSTS" not in response.text
    assert [line["reason"] for line in audited(caplog, "tenant.onboarding_refused")] == [reason]
    world.broker.person = DANA
    assert go_through(world, invitation).status_code == 200


def test_the_tenant_parameter_alone_proves_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.broker.person = DANA
    invitation = invite(world)
    with caplog.at_level(logging.INFO):
        assert is_page(go_through(world, invitation, consented_tid=MALLORY.tid), 403)
    assert [line["reason"] for line in audited(caplog, "tenant.onboarding_refused")] == ["other_tenant"]
    assert entries(world).get(MALLORY.tid) is None
    assert entries(world).get(NEW_TENANT) is None


@pytest.mark.parametrize(
    ("tid", "reason"), [(PERSONAL_TENANT, "personal"), (ALLOWED_TENANT, "listed"), (HOME_TENANT, "listed")]
)
def test_some_tenants_cannot_be_added(
    world: World, tid: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.broker.person = replace(DANA, tid=tid)
    before = None if tid == HOME_TENANT else entries(world).get(tid)
    invitation = invite(world)
    with caplog.at_level(logging.INFO):
        assert is_page(go_through(world, invitation, consented_tid=tid), 403)
    assert [line["reason"] for line in audited(caplog, "tenant.onboarding_refused")] == [reason]
    assert (None if tid == HOME_TENANT else entries(world).get(tid)) == before
    assert open_page(world.browser(), invitation).status_code == 200


def test_another_browser_cannot_go_on(world: World) -> None:
    world.broker.person = DANA
    browser, invitation = world.browser(), invite(world)
    fields = read_page(open_page(browser, invitation)).fields
    assert is_page(world.browser().post("/onboarding", data={**fields, "decision": "allow"}), 403)
    state = to_consent(browser, invitation)
    assert is_page(consent(world.browser(), state), 403)
    state = state_in(consent(browser, to_consent(browser, invitation)))
    assert is_page(sign_in(world.browser(), state), 403)
    assert entries(world).get(NEW_TENANT) is None


def test_the_answer_of_the_consent_page_does_not_finish_a_sign_in(world: World) -> None:
    client, browser = world.register(), world.browser()
    state = world.allow(browser, client["client_id"])
    assert is_page(consent(browser, state), 400)


def test_a_sign_in_for_an_application_does_not_add_a_tenant(world: World) -> None:
    world.broker.person = DANA
    invite(world)
    client, browser = world.register(), world.browser()
    state = world.allow(browser, client["client_id"])
    assert is_page(sign_in(browser, state), 403)
    assert entries(world).get(NEW_TENANT) is None


@pytest.mark.parametrize(
    "changes", [{"decision": "deny"}, {"decision": ""}, {"csrf_token": "x"}, {"request": "x"}]
)
def test_a_form_that_is_not_ours_leads_nowhere(world: World, changes: dict[str, str]) -> None:
    browser = world.browser()
    fields = read_page(open_page(browser, invite(world))).fields
    response = browser.post("/onboarding", data={**fields, "decision": "allow", **changes})
    assert response.status_code in (400, 403)


def test_while_entra_is_away_the_administrator_is_told_and_may_try_again(world: World) -> None:
    browser, invitation = world.browser(), invite(world)
    fields = read_page(open_page(browser, invitation)).fields
    world.broker.failure = UpstreamUnavailable("connection refused")
    assert is_page(browser.post("/onboarding", data={**fields, "decision": "allow"}), 503)
    world.broker.failure = None
    assert browser.post("/onboarding", data={**fields, "decision": "allow"}).status_code == 302


def test_what_is_stored_does_not_show_the_invitation(world: World) -> None:
    secret = invite(world)
    stored = world.store.list_records("invitation")
    assert len(stored) == 1
    assert secret not in json.dumps(stored)
