"""GET /callback with a stub in Entra's place: which browser, which state, and what the client is told."""

import logging
from typing import Any
from urllib.parse import urlencode

import pytest

from authserver.errors import UpstreamUnavailable
from authserver.model import Identity, TenantEntry
from authserver.upstream.errors import LoginUnproven
from authserver.upstream.tenant_entries import TenantEntries
from authserver.upstream.tenants import PERSONAL_TENANT, TenantPolicy, TenantRefused
from tests.authserver.world import (
    ALICE,
    ALLOWED_TENANT,
    HOME_TENANT,
    ISSUER,
    MALLORY,
    REDIRECT,
    World,
    answer_of,
    is_page,
)

Client = dict[str, Any]


def come_back(browser: Any, state: str | None, **answer: str) -> Any:
    params = {"state": state, **(answer or {"code": "good"})}
    return browser.get("/callback?" + urlencode({k: v for k, v in params.items() if v is not None}))


@pytest.mark.requirement("MCP-AUTH-AS-ISS-ADVERTISED", "RFC9207-2-SAME", "RFC9207-2-SUCCESS")
def test_the_client_gets_one_code_its_state_and_the_issuer(world: World, client: Client) -> None:
    browser = world.browser()
    response = come_back(browser, world.allow(browser, client["client_id"]))
    assert response.status_code == 302
    assert response.location.startswith(REDIRECT + "?")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    answer = answer_of(response)
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("the-state", ISSUER)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:50123/oauth/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "com.example.app:/cb",
        "https://vscode.dev/redirect",
    ],
)
def test_the_way_back_leads_to_loopback_web_and_private_schemes(world: World, uri: str) -> None:
    client = world.register(redirect_uris=[uri])
    browser = world.browser()
    state = world.allow(browser, client["client_id"], redirect_uri=uri)
    assert come_back(browser, state).location.startswith(uri + "?code=")


@pytest.mark.requirement("RFC9700-4.7-CSRF")
def test_another_browser_than_the_one_that_approved_gets_no_code(world: World, client: Client) -> None:
    state = world.allow(world.browser(), client["client_id"])
    assert is_page(come_back(world.browser(), state), 403)


def test_a_browser_with_an_approval_of_its_own_cannot_finish_anothers(world: World, client: Client) -> None:
    attacker, victim = world.browser(), world.browser()
    state = world.allow(attacker, client["client_id"])
    world.allow(victim, client["client_id"])
    assert is_page(come_back(victim, state), 403)


def test_an_altered_state_cookie_gets_no_code(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    name = next(key[2] for key in browser._cookies if key[2].startswith("login-"))
    browser.set_cookie(name, "x" * 43)
    assert is_page(come_back(browser, state), 403)


@pytest.mark.parametrize("state", [None, "", "unknown", "x" * 4000])
def test_a_missing_or_unknown_state_is_a_page(world: World, state: str | None) -> None:
    assert is_page(come_back(world.browser(), state), 400)


def test_an_expired_state_is_a_page(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    world.clock.advance(world.settings.login_lifetime_seconds)
    assert is_page(come_back(browser, state), 400)


def test_a_state_works_once(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    assert come_back(browser, state).status_code == 302
    assert is_page(come_back(browser, state), 400)


def test_a_state_is_spent_by_a_failed_attempt_too(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    assert is_page(come_back(browser, state, code="bad"), 400)
    assert is_page(come_back(browser, state), 400)


def test_a_parameter_sent_twice_is_a_page(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    assert is_page(browser.get(f"/callback?state={state}&code=good&code=bad"), 400)


@pytest.mark.requirement("RFC9207-2-ERROR")
def test_entras_error_goes_back_to_the_client_without_entras_words(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    response = come_back(browser, state, error="access_denied", error_description="AADSTS65004 <b>bob</b>")
    answer = answer_of(response)
    assert response.location.startswith(REDIRECT)
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the-state", ISSUER)
    assert "AADSTS" not in response.location


def test_entras_error_in_another_browser_goes_nowhere(world: World, client: Client) -> None:
    state = world.allow(world.browser(), client["client_id"])
    assert is_page(come_back(world.browser(), state, error="access_denied"), 403)


def test_an_identity_that_is_not_proven_gets_a_page_and_an_audit_line(
    world: World, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    world.broker.failure = LoginUnproven("bad signature")
    with caplog.at_level(logging.INFO):
        response = come_back(browser, state)
    assert is_page(response, 400)
    assert "signature" not in response.text
    assert audited(caplog, "login.refused")["reason"] == "unproven"


@pytest.mark.parametrize(
    "person",
    [MALLORY, Identity(PERSONAL_TENANT, ALICE.oid, "alice@outlook.example", "Alice", 0)],
    ids=["tenant not on the list", "personal account"],
)
def test_a_tenant_that_is_not_allowed_is_refused_and_audited(
    world: World, client: Client, caplog: pytest.LogCaptureFixture, person: Identity
) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    world.broker.person = person
    with caplog.at_level(logging.INFO):
        response = come_back(browser, state)
    assert is_page(response, 403)
    assert person.tid in response.text
    line = audited(caplog, "login.refused")
    assert (line["reason"], line["tid"], line["oid"]) == ("tenant", person.tid, person.oid)


def test_a_personal_account_is_refused_even_when_its_tenant_is_on_the_list(world: World) -> None:
    listed = {PERSONAL_TENANT: TenantEntry(PERSONAL_TENANT, "Everybody")}
    policy = TenantPolicy(HOME_TENANT, TenantEntries(listed, world.store, world.clock))
    with pytest.raises(TenantRefused):
        policy.check(PERSONAL_TENANT.upper())


def test_the_same_address_in_another_tenant_is_another_subject(world: World, client: Client) -> None:
    first = world.claims(world.tokens(client)["access_token"])
    world.broker.person = Identity(ALLOWED_TENANT, ALICE.oid, ALICE.username, ALICE.name, 0)
    second = world.claims(world.tokens(client)["access_token"])
    assert first["sub"] != second["sub"]
    assert second["sub"] == f"{ALLOWED_TENANT}.{ALICE.oid}"


def test_while_entra_does_not_answer_the_client_is_told_to_try_later(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    world.broker.failure = UpstreamUnavailable("connection refused")
    answer = answer_of(come_back(browser, state))
    assert (answer["error"], answer["iss"]) == ("temporarily_unavailable", ISSUER)


def test_the_code_belongs_to_the_request_that_was_stored(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"], scope="mcp:tools")
    response = come_back(
        browser, state, code="good", redirect_uri="https://evil.example/", scope="model:invoke"
    )
    assert response.location.startswith(REDIRECT)
    tokens = world.redeem(client, answer_of(response)["code"]).get_json()
    assert tokens["scope"] == "mcp:tools"


def test_the_cookie_of_a_finished_login_is_removed(world: World, client: Client) -> None:
    browser = world.browser()
    come_back(browser, world.allow(browser, client["client_id"]))
    assert not [key for key in browser._cookies if key[2].startswith("login-")]


def audited(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    """Return the fields of the one audit line of this kind."""
    lines = [vars(r) for r in caplog.records if r.name == "audit" and r.getMessage() == event]
    assert len(lines) == 1, [r.getMessage() for r in caplog.records]
    return lines[0]
