"""People whose account changes after they signed in: the real MSAL against the Entra emulator, over TLS."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from authserver.model import TenantEntry
from authserver.oauth.onboarding import Invitations
from authserver.oauth.upstream_check import PAUSE_SECONDS
from authserver.store.protocols import VAULT
from authserver.upstream.entra import RENEWAL_SECONDS
from authserver.upstream.tenant_entries import TenantEntries
from authserver.upstream.tenants import PERSONAL_TENANT
from devstack.entra.directory import LOGIN_CLIENT_ID, Person, Tenant
from tests.authserver.tenants.certificates import new_certificate
from tests.authserver.tenants.entra_world import (
    ALICE,
    BOB,
    CALLBACK,
    CAROL,
    MALLORY,
    PAT,
    EntraWorld,
    come_back,
    signed_in,
)
from tests.authserver.world import ALLOWED_TENANT, answer_of, is_json_error, is_page, read_page

Make = Callable[..., EntraWorld]
CHECK_SECONDS, GRACE_SECONDS = 900, 3600
WRITERS = "55555555-5555-4555-8555-555555555555"
WRITER_HOME = {"roles": {"Snippets.Writer": ["snippets:write"]}}
NEWCO = "33333333-3333-4333-8333-333333333333"


def disabled(world: EntraWorld) -> None:
    world.entra.directory.change_person(BOB, enabled=False)


def deleted(world: EntraWorld) -> None:
    world.entra.directory.remove_person(BOB)


def revoked(world: EntraWorld) -> None:
    world.entra.directory.revoke_sessions(BOB)


def with_another_password(world: EntraWorld) -> None:
    world.entra.directory.change_password(BOB, "another one")


@pytest.mark.parametrize("change", [disabled, deleted, revoked, with_another_password])
def test_who_is_gone_at_entra_is_signed_out_at_the_next_check(
    make_with_entra: Make, change: Callable[[EntraWorld], None], caplog: pytest.LogCaptureFixture
) -> None:
    world = make_with_entra()
    token = world.tokens(BOB)["refresh_token"]
    others = world.tokens(ALICE)["refresh_token"]
    change(world)
    world.clock.advance(CHECK_SECONDS - 1)
    token = world.refresh(token).get_json()["refresh_token"]
    world.clock.advance(1)
    with caplog.at_level(logging.INFO):
        assert is_json_error(world.refresh(token), 400, "invalid_grant")
    assert [vars(r)["reason"] for r in caplog.records if r.getMessage() == "session.ended"] == [
        "upstream_refused"
    ]
    assert is_json_error(world.refresh(token), 400, "invalid_grant")
    assert world.refresh(others).status_code == 200


def test_a_role_taken_away_at_entra_takes_the_scope_away_at_the_next_check(make_with_entra: Make) -> None:
    world = make_with_entra(home_tenant=WRITER_HOME)
    world.entra.directory.change_person(BOB, roles=("Snippets.Writer",))
    tokens = world.tokens(BOB)
    assert tokens["scope"] == "mcp:tools snippets:read snippets:write"
    world.entra.directory.change_person(BOB, roles=())
    world.clock.advance(CHECK_SECONDS)
    refreshed = world.refresh(tokens["refresh_token"]).get_json()
    assert refreshed["scope"] == "mcp:tools snippets:read"
    world.entra.directory.change_person(BOB, roles=("Snippets.Writer",))
    world.clock.advance(CHECK_SECONDS)
    assert world.refresh(refreshed["refresh_token"]).get_json()["scope"] == tokens["scope"]


def test_checks_go_on_for_days_with_what_entra_gave_last(make_with_entra: Make) -> None:
    world = make_with_entra()
    token = world.tokens(BOB)["refresh_token"]
    for _ in range(5):
        world.clock.advance(20 * 86_400)
        response = world.refresh(token)
        if response.status_code != 200:
            break
        token = response.get_json()["refresh_token"]
    # The absolute lifetime, not Entra, ended it.
    assert is_json_error(response, 400, "invalid_grant")
    assert world.clock.now - 100 * 86_400 < time.time() + 60


@pytest.mark.parametrize(
    "fault",
    [
        ("down", {}),
        ("down", {"endpoint": "token"}),
        ("token_error", {"error": "temporarily_unavailable", "number": 90033, "status": 400}),
        ("token_error", {"error": "invalid_grant", "number": 90033, "status": 400}),
    ],
    ids=["all of it", "its tokens", "it says so", "it says so in odd words"],
)
def test_while_entra_is_away_refreshing_goes_on_for_an_hour_and_recovers_by_itself(
    make_with_entra: Make, fault: tuple[str, dict[str, Any]]
) -> None:
    world = make_with_entra()
    token = world.tokens(BOB)["refresh_token"]
    name, options = fault
    world.entra.faults.set(name, **options)
    for _ in range(3):
        world.clock.advance(GRACE_SECONDS / 4)
        token = world.refresh(token).get_json()["refresh_token"]
    world.clock.advance(GRACE_SECONDS / 4)
    response = world.refresh(token)
    assert is_json_error(response, 503, "temporarily_unavailable")
    assert response.headers["Retry-After"]
    world.entra.faults.clear()
    world.clock.advance(PAUSE_SECONDS)
    assert world.refresh(token).status_code == 200


def test_this_servers_own_wrong_secret_ends_nobodys_session(make_with_entra: Make) -> None:
    world = make_with_entra()
    token = world.tokens(BOB)["refresh_token"]
    before = world.entra.directory.application(LOGIN_CLIENT_ID)
    assert before is not None
    world.entra.directory.add_application(replace(before, secrets=("renewed, and nobody told the server",)))
    world.clock.advance(GRACE_SECONDS - 1)
    token = world.refresh(token).get_json()["refresh_token"]
    world.clock.advance(1)
    assert world.refresh(token).status_code == 503
    world.entra.directory.add_application(before)
    assert world.refresh(token).status_code == 200


def test_an_entra_that_is_too_slow_is_not_waited_for(make_with_entra: Make) -> None:
    world = make_with_entra()
    tokens = [world.tokens(BOB)["refresh_token"] for _ in range(3)]
    world.entra.faults.set("slow", seconds=60.0, endpoint="token")
    world.clock.advance(CHECK_SECONDS)
    started = time.monotonic()
    assert {world.refresh(token).status_code for token in tokens} == {200}
    assert RENEWAL_SECONDS <= time.monotonic() - started < 2 * RENEWAL_SECONDS


@pytest.mark.parametrize(
    "fault", ["bad_signature", "wrong_audience", "wrong_issuer", "expired", "no_id_token"]
)
def test_an_answer_that_proves_nothing_changes_nothing(make_with_entra: Make, fault: str) -> None:
    world = make_with_entra(home_tenant=WRITER_HOME)
    token = world.tokens(BOB)["refresh_token"]
    world.entra.directory.change_person(BOB, roles=("Snippets.Writer",))
    world.entra.faults.set(fault)
    world.clock.advance(CHECK_SECONDS)
    refreshed = world.refresh(token).get_json()
    assert refreshed["scope"] == "mcp:tools snippets:read"
    world.clock.advance(GRACE_SECONDS - CHECK_SECONDS)
    assert world.refresh(refreshed["refresh_token"]).status_code == 503


def test_an_entra_that_gives_no_refresh_token_lets_people_in_until_the_check(make_with_entra: Make) -> None:
    world = make_with_entra()
    world.entra.faults.set("no_refresh_token")
    token = world.tokens(BOB)["refresh_token"]
    assert world.store.list_records(VAULT) == []
    world.clock.advance(CHECK_SECONDS)
    assert is_json_error(world.refresh(token), 400, "invalid_grant")


def test_what_entra_gave_is_in_no_log_and_not_readable_in_the_store(
    make_with_entra: Make, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    world = make_with_entra()
    with caplog.at_level(logging.DEBUG):
        token = world.tokens(BOB)["refresh_token"]
        world.clock.advance(CHECK_SECONDS)
        assert world.refresh(token).status_code == 200
    # The emulator's refresh tokens begin so, and its codes and access tokens like everybody's.
    said = caplog.text + str([vars(record) for record in caplog.records])
    assert "1.gAAAA" not in said
    assert "eyJ" not in said
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("authserver.db*"))
    assert b"1.gAAAA" not in stored


def in_groups(world: EntraWorld, how_many: int) -> None:
    others = tuple(f"{number:08x}-0000-4000-8000-000000000000" for number in range(how_many - 1))
    world.entra.directory.change_person(BOB, groups=(*others, WRITERS))


GROUPS = {"home_tenant": {"groups": {WRITERS: ["snippets:write"]}}}


def test_groups_in_the_token_give_scopes(make_with_entra: Make) -> None:
    world = make_with_entra(**GROUPS)
    in_groups(world, 200)
    assert world.tokens(BOB)["scope"] == "mcp:tools snippets:read snippets:write"


def test_more_groups_than_fit_give_nothing_unless_graph_is_asked(make_with_entra: Make) -> None:
    world = make_with_entra(**GROUPS)
    in_groups(world, 201)
    assert world.tokens(BOB)["scope"] == "mcp:tools snippets:read"
    assert answer_of(world.arrive(BOB, scope="snippets:write"))["error"] == "access_denied"


def test_more_groups_than_fit_are_looked_up_at_the_sign_in_and_at_each_check(make_with_entra: Make) -> None:
    world = make_with_entra(**GROUPS, group_overage="graph")
    in_groups(world, 2500)
    tokens = world.tokens(BOB)
    assert tokens["scope"] == "mcp:tools snippets:read snippets:write"
    world.entra.directory.change_person(BOB, groups=())
    world.clock.advance(CHECK_SECONDS)
    refreshed = world.refresh(tokens["refresh_token"]).get_json()
    assert refreshed["scope"] == "mcp:tools snippets:read"
    in_groups(world, 201)
    world.clock.advance(CHECK_SECONDS)
    assert world.refresh(refreshed["refresh_token"]).get_json()["scope"] == tokens["scope"]


@pytest.mark.parametrize("status", [403, 429, 503])
def test_while_graph_does_not_answer_nobody_with_too_many_groups_gets_in(
    make_with_entra: Make, status: int
) -> None:
    world = make_with_entra(**GROUPS, group_overage="graph")
    in_groups(world, 201)
    token = world.tokens(BOB)["refresh_token"]
    world.entra.faults.set("graph_error", status=status)
    assert answer_of(world.arrive(BOB))["error"] == "temporarily_unavailable"
    world.clock.advance(CHECK_SECONDS)
    assert world.refresh(token).get_json()["scope"] == "mcp:tools snippets:read snippets:write"
    in_groups(world, 200)
    assert "code" in answer_of(world.arrive(BOB))


def test_an_administrators_role_given_by_a_foreign_tenant_means_nothing(
    make_with_entra: Make, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_with_entra()
    with caplog.at_level(logging.INFO):
        assert is_page(world.arrive(MALLORY), 403)
    world.entra.directory.change_person(CAROL, roles=("mcp.admin", "Snippets.Writer"))
    assert world.tokens(CAROL, scope="mcp:tools model:invoke")["scope"] == "mcp:tools"


def test_personal_accounts_sign_in_where_they_are_allowed(make_with_entra: Make) -> None:
    listed = {PERSONAL_TENANT: {"name": "Personal", "ceiling": ["mcp:tools"]}}
    world = make_with_entra(personal_accounts=True, allowed_tenants=listed)
    tokens = world.tokens(PAT)
    assert tokens["scope"] == "mcp:tools"
    world.clock.advance(CHECK_SECONDS)
    assert world.refresh(tokens["refresh_token"]).status_code == 200


def test_a_tenant_added_to_a_server_of_one_tenant_signs_in_at_the_common_authority(
    make_with_entra: Make,
) -> None:
    world = make_with_entra(allowed_tenants={})
    before = world.tokens(BOB)["refresh_token"]
    entries = TenantEntries({}, world.store, world.clock)
    entries.put(TenantEntry(ALLOWED_TENANT, "Fabrikam", ceiling=("mcp:tools",)))
    world.clock.advance(CHECK_SECONDS)
    assert world.tokens(CAROL)["scope"] == "mcp:tools"
    assert world.refresh(before).status_code == 200


def invite(world: EntraWorld) -> str:
    promised = TenantEntry("", "New Co", ceiling=("mcp:tools",))
    entries = TenantEntries({}, world.store, world.clock)
    secret, _ = Invitations(world.store, entries, world.clock).issue(promised)
    return secret


def test_an_invited_organization_gets_in_through_its_own_administrator(make_with_entra: Make) -> None:
    world = make_with_entra(allowed_tenants={})
    directory, administrator = world.entra.directory, "erin@newco.example"
    directory.add_tenant(Tenant(NEWCO, "newco.example", "New Co"), has_consented=False)
    directory.add_person(Person(administrator, "Erin", NEWCO, tenant_admin=True))
    directory.add_person(Person("frank@newco.example", "Frank", NEWCO))
    browser = world.app.test_client()
    page = read_page(browser.get("/onboarding?" + urlencode({"invitation": invite(world)})))
    leaving = browser.post("/onboarding", data={**page.fields, "decision": "allow"})
    asked = parse_qs(urlsplit(leaving.location).query)
    assert leaving.location.startswith(f"{world.entra.login_url}/organizations/v2.0/adminconsent?")
    assert asked["redirect_uri"] == [CALLBACK]
    consented = signed_in(leaving.location, administrator)
    assert parse_qs(urlsplit(consented).query)["tenant"] == [NEWCO]
    signing_in = come_back(browser, consented)
    assert signing_in.status_code == 302, signing_in.text
    done = come_back(browser, signed_in(signing_in.location, administrator))
    assert done.status_code == 200, done.text
    assert world.tokens("frank@newco.example")["scope"] == "mcp:tools"


def test_an_administrator_who_declines_at_entra_adds_nothing(make_with_entra: Make) -> None:
    world = make_with_entra(allowed_tenants={})
    world.entra.faults.set("consent_denied")
    browser = world.app.test_client()
    page = read_page(browser.get("/onboarding?" + urlencode({"invitation": invite(world)})))
    leaving = browser.post("/onboarding", data={**page.fields, "decision": "allow"})
    assert is_page(come_back(browser, signed_in(leaving.location, MALLORY)), 403)
    assert TenantEntries({}, world.store, world.clock).listed() == []


def test_a_certificate_takes_the_place_of_the_secret_and_may_be_renewed_while_the_server_runs(
    make_with_entra: Make, tmp_path: Path
) -> None:
    file = tmp_path / "certificate.pem"
    (first_key, first), (second_key, second) = new_certificate(), new_certificate()
    file.write_text(first_key + first)
    world = make_with_entra(entra_certificate_file=file, entra_client_secret=None, upstream_check_seconds=60)
    directory = world.entra.directory
    directory.change_application(LOGIN_CLIENT_ID, secrets=(), certificates=(first.encode(),))
    token = world.tokens(BOB)["refresh_token"]
    directory.change_application(LOGIN_CLIENT_ID, certificates=(second.encode(),))
    assert answer_of(world.arrive(BOB))["error"] == "server_error"
    # Not for longer: MSAL dates what it signs by the machine's clock.
    world.clock.advance(60)
    token = world.refresh(token).get_json()["refresh_token"]
    file.write_text("half of a file")
    token = world.refresh(token).get_json()["refresh_token"]
    file.write_text(second_key + second)
    assert "code" in answer_of(world.arrive(BOB))
    assert world.refresh(token).status_code == 200
    (session,) = (s for s in world.store.list_sessions() if s.upstream_checked_at_seconds)
    assert session.upstream_checked_at_seconds == int(world.clock.now)
