"""The administration pages: an administrator of the home tenant who signed in just now, and nobody else."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from authserver.audit import kept
from authserver.model import Identity, SignInHints
from telemetry.audit import audit
from tests.authserver.people.pages import come_back, form_with, forms, press, sign_in
from tests.authserver.world import ALICE, ALLOWED_TENANT, HOME_TENANT, ISSUER, World, is_json_error, is_page

BOB = replace(ALICE, oid=ALICE.oid[:-1] + "2", username="bob@contoso.example", name="Bob")
PATHS = ("/admin", "/admin/clients", "/admin/audit")


@pytest.fixture
def administrator(world: World) -> Identity:
    return replace(ALICE, roles=("mcp.admin",), auth_time_seconds=int(world.clock()))


@pytest.fixture
def browser(world: World) -> FlaskClient:
    return world.browser()


def tokens(world: World, person: Identity) -> tuple[dict[str, Any], dict[str, Any]]:
    world.broker.person = person
    client = world.register(client_name="Notebook")
    return client, world.tokens(client)


def audited(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [vars(r) for r in caplog.records if r.name == "audit" and r.getMessage() == event]


def arrive(world: World, browser: FlaskClient, person: Identity) -> Any:
    world.broker.person = person
    return come_back(browser, press(browser, browser.get("/admin"), "sign-in"))


@pytest.mark.parametrize("path", PATHS)
def test_who_is_not_signed_in_there_is_asked_to(world: World, browser: FlaskClient, path: str) -> None:
    page = browser.get(path)
    assert forms(page)[0].buttons == ["sign-in"]
    assert "Administration" in page.text
    departed = press(browser, page, "sign-in")
    assert departed.location.startswith("https://entra.test/")


def test_entra_is_asked_for_the_password_again_and_for_proof_of_when_it_was_given(
    world: World, browser: FlaskClient
) -> None:
    press(browser, browser.get("/admin"), "sign-in")
    assert world.broker.started == [SignInHints(prompt="login", max_age_seconds=900)]


@pytest.mark.parametrize(
    "person",
    [
        ALICE,
        replace(ALICE, roles=("mcp.administrator", "MCP.ADMIN")),
        replace(ALICE, tid=ALLOWED_TENANT, roles=("mcp.admin",)),
        replace(ALICE, groups=("mcp.admin",)),
    ],
    ids=["no role", "another role", "another tenant's administrator", "a group of that name"],
)
def test_who_is_no_administrator_of_the_home_tenant_is_refused_and_audited(
    world: World, browser: FlaskClient, person: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        arrived = arrive(world, browser, replace(person, auth_time_seconds=int(world.clock())))
    assert is_page(arrived, 403)
    (line,) = audited(caplog, "login.refused")
    assert (line["purpose"], line["reason"], line["tid"]) == ("admin", "role", person.tid)
    for path in PATHS:
        assert forms(browser.get(path))[0].buttons == ["sign-in"]


def test_a_sign_in_counts_from_when_the_password_was_given(
    world: World, browser: FlaskClient, administrator: Identity
) -> None:
    earlier = replace(administrator, auth_time_seconds=int(world.clock()) - 600)
    sign_in(world, browser, "/admin", earlier)
    world.clock.advance(299)
    assert "Search" in browser.get("/admin").text
    world.clock.advance(1)
    assert forms(browser.get("/admin"))[0].buttons == ["sign-in"]


def test_a_form_sent_from_a_sign_in_that_is_too_old_does_nothing(
    world: World, browser: FlaskClient, administrator: Identity
) -> None:
    client, issued = tokens(world, BOB)
    page = sign_in(world, browser, "/admin", administrator)
    world.clock.advance(900)
    assert forms(press(browser, page, "revoke"))[0].buttons == ["sign-in"]
    assert world.refresh(client, issued["refresh_token"]).status_code == 200


def test_the_cookie_of_the_account_page_is_worth_nothing_here_and_the_other_way_round(
    world: World, browser: FlaskClient, administrator: Identity
) -> None:
    sign_in(world, browser, "/account", administrator)
    value = next(c.value for k, c in browser._cookies.items() if k[2] == "account")
    browser.set_cookie("admin", value)
    assert forms(browser.get("/admin"))[0].buttons == ["sign-in"]
    other = world.browser()
    other.set_cookie("admin", "")
    arrived = arrive(world, other, administrator)
    assert arrived.status_code == 302
    other.set_cookie("account", next(c.value for k, c in other._cookies.items() if k[2] == "admin"))
    assert forms(other.get("/account"))[0].buttons == ["sign-in"]


def test_signing_in_at_the_account_page_leads_nowhere_else(
    world: World, browser: FlaskClient, administrator: Identity
) -> None:
    page = browser.get("/account")
    sent = {**form_with(page, "sign-in").fields, "decision": "sign-in"}
    assert is_page(browser.post("/admin", data=sent), 403)
    assert world.broker.started == []


def test_an_administrator_finds_a_persons_access_by_name_and_by_id(
    world: World, browser: FlaskClient, administrator: Identity
) -> None:
    tokens(world, BOB)
    tokens(world, replace(ALICE, oid=ALICE.oid[:-1] + "7", username="carol@contoso.example"))
    sign_in(world, browser, "/admin", administrator)
    assert "carol@contoso.example" in browser.get("/admin").text
    for wanted in ("bob", "BOB@contoso", BOB.oid):
        text = browser.get("/admin", query_string={"person": wanted}).text
        assert "bob@contoso.example" in text
        assert "carol@" not in text
        assert "Notebook" in text
    assert "No application has access that this search finds" in browser.get("/admin?person=nobody").text


def test_an_administrator_ends_one_session_or_all_of_a_person(
    world: World, browser: FlaskClient, administrator: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = (tokens(world, BOB) for _ in range(3))
    carol = tokens(world, replace(BOB, oid=BOB.oid[:-1] + "7", username="carol@contoso.example"))
    page = sign_in(world, browser, "/admin", administrator)
    sid = str(world.claims(first[1]["access_token"])["sid"])
    with caplog.at_level(logging.INFO):
        assert press(browser, page, "revoke", fields={"sid": sid}).status_code == 302
        assert world.refresh(first[0], first[1]["refresh_token"]).status_code == 400
        assert world.refresh(second[0], second[1]["refresh_token"]).status_code == 200
        press(browser, page, "revoke-person", fields={"oid": BOB.oid})
    assert world.refresh(third[0], third[1]["refresh_token"]).status_code == 400
    assert world.refresh(carol[0], carol[1]["refresh_token"]).status_code == 200
    lines = audited(caplog, "session.revoked")
    assert len(lines) == 3
    assert {line["reason"] for line in lines} == {"revoked_by_administrator"}
    assert {(line["by_tid"], line["by_oid"]) for line in lines} == {(HOME_TENANT, ALICE.oid)}
    assert {line["oid"] for line in lines} == {BOB.oid}


def test_an_administrator_stops_an_application_and_lets_it_go_on(
    world: World, browser: FlaskClient, administrator: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    client, issued = tokens(world, BOB)
    sign_in(world, browser, "/admin", administrator)
    page = browser.get("/admin/clients")
    assert client["client_id"] in page.text
    with caplog.at_level(logging.INFO):
        response = press(browser, page, "disable", fields={"client_id": client["client_id"]})
    assert response.location == f"{ISSUER}/oauth/admin/clients"
    world.clock.advance(5)
    refused = world.refresh(client, issued["refresh_token"])
    assert is_json_error(refused, 401, "invalid_client")
    page = browser.get("/admin/clients", query_string={"client": client["client_id"]})
    assert "Disabled" in page.text
    press(browser, page, "enable")
    world.clock.advance(5)
    assert world.refresh(client, issued["refresh_token"]).status_code == 200
    (line,) = audited(caplog, "client.disabled")
    assert (line["client_id"], line["by_oid"]) == (client["client_id"], ALICE.oid)


def test_an_administrator_reads_what_happened(
    world: World, browser: FlaskClient, administrator: Identity
) -> None:
    with kept(world.store, world.clock, 90):
        audit("login.refused", reason="<script>\u202e", tid=BOB.tid, scopes=["a", "b"])
        audit("token.issued", sid="S" * 22)
    sign_in(world, browser, "/admin", administrator)
    text = browser.get("/admin/audit").text
    assert "login.refused" in text
    assert "S" * 22 in text
    assert "<script" not in text
    assert "\u202e" not in text
    only = browser.get("/admin/audit?event=token").text
    assert "token.issued" in only
    assert "login.refused</strong>" not in only
    assert "Nothing of this kind" in browser.get("/admin/audit?event=nothing").text


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/admin", "revoke"),
        ("/admin", "revoke-person"),
        ("/admin", "sign-out"),
        ("/admin/clients", "disable"),
    ],
)
@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_form_without_its_token_is_refused(
    world: World,
    browser: FlaskClient,
    administrator: Identity,
    path: str,
    button: str,
    token: str | None,
) -> None:
    client, issued = tokens(world, BOB)
    sign_in(world, browser, "/admin", administrator)
    sent = {**form_with(browser.get(path), button).fields, "decision": button, "csrf_token": token}
    response = browser.post(path, data={k: v for k, v in sent.items() if v is not None})
    assert is_page(response, 403)
    world.clock.advance(5)
    assert world.refresh(client, issued["refresh_token"]).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_form_that_another_site_sends_is_refused(
    world: World, browser: FlaskClient, administrator: Identity, path: str
) -> None:
    sign_in(world, browser, "/admin", administrator)
    sent = {**form_with(browser.get(path), "sign-out").fields, "decision": "sign-out"}
    assert is_page(browser.post(path, data=sent, headers={"Sec-Fetch-Site": "same-site"}), 403)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("decision", ["", "maybe", "revoke-everything"])
def test_a_button_that_is_not_there_does_nothing(
    world: World, browser: FlaskClient, administrator: Identity, path: str, decision: str
) -> None:
    sign_in(world, browser, "/admin", administrator)
    sent = {**form_with(browser.get(path), "sign-out").fields, "decision": decision}
    assert is_page(browser.post(path, data=sent), 400)


@pytest.mark.parametrize("query", ["person=%00", "person=a&person=b", "person=" + "x" * 5000, "x=%ff"])
def test_any_query_gets_a_page(
    world: World, browser: FlaskClient, administrator: Identity, query: str
) -> None:
    sign_in(world, browser, "/admin", administrator)
    for path in PATHS:
        assert is_page(browser.get(f"{path}?{query}"), 400)


def test_signing_out_ends_administration_and_account_together(
    world: World, browser: FlaskClient, administrator: Identity
) -> None:
    sign_in(world, browser, "/account", administrator)
    page = sign_in(world, browser, "/admin", administrator)
    assert press(browser, page, "sign-out").location.startswith("https://entra.test/logout")
    for path in (*PATHS, "/account"):
        assert forms(browser.get(path))[0].buttons == ["sign-in"]
