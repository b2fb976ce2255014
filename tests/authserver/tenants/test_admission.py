"""Who gets in, and with which scopes: tenants, roles, groups, personal accounts; a stub stands in Entra's
place.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from authserver.model import Identity, TenantEntry
from authserver.upstream.tenant_entries import MAX_STALE_SECONDS, TenantEntries
from authserver.upstream.tenants import PERSONAL_TENANT
from tests.authserver.world import (
    ALICE,
    ALLOWED_TENANT,
    HOME_TENANT,
    ISSUER,
    MALLORY,
    REDIRECT,
    World,
    answer_of,
    is_json_error,
    is_page,
    make_world,
    read_page,
)

Client = dict[str, Any]
Make = Callable[..., World]
WRITERS = "55555555-5555-4555-8555-555555555555"
CAROL = Identity(
    ALLOWED_TENANT, "c" * 8 + "-0000-4000-8000-000000000003", "carol@fabrikam.example", "Carol", 0
)
PAT = Identity(PERSONAL_TENANT, "d" * 8 + "-0000-4000-8000-000000000004", "pat@personal.example", "Pat", 0)
FABRIKAM = {"name": "Fabrikam", "ceiling": ["mcp:tools", "snippets:read", "snippets:write"]}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[World] = []

    def make_one(**settings: Any) -> World:
        made.append(make_world(tmp_path, **settings))
        return made[-1]

    yield make_one
    for world in made:
        world.store.close()


def arrive(world: World, person: Identity, **request: Any) -> Any:
    """Go all the way as this person; return the answer of /callback."""
    world.broker.person = person
    client, browser = world.register(), world.browser()
    state = world.allow(browser, client["client_id"], **request)
    return browser.get("/callback?" + urlencode({"state": state, "code": "good"}))


def scopes_of(world: World, person: Identity, **request: Any) -> str:
    world.broker.person = person
    return str(world.tokens(world.register(), **request)["scope"])


def way_back(response: Any) -> str:
    """Return the page's only link."""
    links: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            links.extend(value or "" for name, value in attrs if tag == "a" and name == "href")

    Reader().feed(response.text)
    (link,) = links
    return link


@pytest.mark.requirement("RFC9207-2-ERROR")
def test_an_unknown_tenant_gets_a_page_that_says_whom_to_ask_and_leads_back(make: Make) -> None:
    world = make(support_contact="it@contoso.example, extension 42")
    response = arrive(world, MALLORY)
    assert is_page(response, 403)
    text = read_page(response).text
    assert "organization" in text
    assert "it@contoso.example, extension 42" in text
    assert MALLORY.tid in text
    back = way_back(response)
    assert back.startswith(REDIRECT + "?")
    answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the-state", ISSUER)
    assert "code" not in answer


def test_the_support_contact_is_text_and_never_markup(make: Make) -> None:
    response = arrive(make(support_contact="<script>alert(1)</script>"), MALLORY)
    assert "<script>" not in response.text


def test_an_administrators_role_from_another_tenant_means_nothing(make: Make) -> None:
    world = make()
    assert is_page(arrive(world, replace(MALLORY, roles=("mcp.admin", "Writer"))), 403)


def test_a_foreign_role_of_the_same_name_gives_nothing(make: Make) -> None:
    home = {"roles": {"Writer": ["snippets:write"]}}
    world = make(
        home_tenant=home,
        allowed_tenants={ALLOWED_TENANT: {**FABRIKAM, "roles": {"Fab.Writer": ["snippets:write"]}}},
    )
    asked = {"scope": "mcp:tools snippets:write"}
    assert scopes_of(world, replace(ALICE, roles=("Writer",)), **asked) == "mcp:tools snippets:write"
    assert scopes_of(world, replace(CAROL, roles=("Writer",)), **asked) == "mcp:tools"
    assert scopes_of(world, replace(CAROL, roles=("Fab.Writer",)), **asked) == "mcp:tools snippets:write"
    assert scopes_of(world, replace(ALICE, roles=("Fab.Writer",)), **asked) == "mcp:tools"


def test_the_ceiling_of_a_tenant_holds_whatever_is_asked_for(make: Make) -> None:
    world = make()
    asked = "mcp:tools snippets:write model:invoke"
    assert scopes_of(world, CAROL, scope=asked) == "mcp:tools snippets:write"
    assert scopes_of(world, ALICE, scope=asked) == asked


def test_a_tenant_that_is_only_named_gets_nothing_and_the_application_is_told(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    world = make(allowed_tenants={ALLOWED_TENANT: "Fabrikam"})
    with caplog.at_level(logging.INFO):
        answer = answer_of(arrive(world, CAROL))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the-state", ISSUER)
    assert answer["error_description"]
    assert refusals(caplog) == [("scopes", ALLOWED_TENANT)]


def test_somebody_without_a_required_role_gets_the_page(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    world = make(home_tenant={"required_roles": ["Member", "Guest"]})
    with caplog.at_level(logging.INFO):
        response = arrive(world, replace(ALICE, roles=("Other",)))
    assert is_page(response, 403)
    assert way_back(response).startswith(REDIRECT)
    assert refusals(caplog) == [("role", HOME_TENANT)]
    assert "code" in answer_of(arrive(world, replace(ALICE, roles=("Guest",))))


def test_groups_give_scopes_as_roles_do(make: Make) -> None:
    world = make(home_tenant={"groups": {WRITERS: ["snippets:write"]}})
    asked = {"scope": "mcp:tools snippets:write"}
    assert scopes_of(world, replace(ALICE, groups=(WRITERS,)), **asked) == "mcp:tools snippets:write"
    assert scopes_of(world, ALICE, **asked) == "mcp:tools"


def test_groups_that_are_not_known_give_nothing(make: Make) -> None:
    world = make(home_tenant={"groups": {WRITERS: ["snippets:write"]}})
    unknown = replace(ALICE, has_group_overage=True)
    assert scopes_of(world, unknown, scope="mcp:tools snippets:write") == "mcp:tools"
    assert answer_of(arrive(world, unknown, scope="snippets:write"))["error"] == "access_denied"


def test_personal_accounts_are_refused_unless_they_are_allowed(make: Make) -> None:
    world = make(allowed_tenants={PERSONAL_TENANT: {"name": "Personal", "ceiling": ["mcp:tools"]}})
    assert is_page(arrive(world, PAT), 403)


def test_personal_accounts_that_are_allowed_have_a_ceiling_of_their_own(make: Make) -> None:
    listed = {PERSONAL_TENANT: {"name": "Personal", "ceiling": ["mcp:tools"]}}
    world = make(personal_accounts=True, allowed_tenants=listed)
    assert scopes_of(world, PAT) == "mcp:tools"


def test_personal_accounts_that_are_allowed_without_an_entry_are_refused(make: Make) -> None:
    assert is_page(arrive(make(personal_accounts=True), PAT), 403)


def test_a_tenant_added_while_the_server_runs_may_sign_in_at_once(make: Make) -> None:
    world = make()
    assert is_page(arrive(world, MALLORY), 403)
    entries(world).put(TenantEntry(MALLORY.tid, "Evil", ceiling=("mcp:tools",)))
    assert scopes_of(world, MALLORY) == "mcp:tools"


def test_a_tenant_removed_while_the_server_runs_is_refused_within_seconds_also_at_refresh(
    make: Make,
) -> None:
    world = make()
    client = world.register()
    world.broker.person = CAROL
    token = world.tokens(client)["refresh_token"]
    assert entries(world).remove(ALLOWED_TENANT)
    world.clock.advance(MAX_STALE_SECONDS)
    assert is_json_error(world.refresh(client, token), 400, "invalid_grant")
    assert is_page(arrive(world, CAROL), 403)


def test_a_ceiling_lowered_while_the_server_runs_counts_at_the_next_refresh(make: Make) -> None:
    world = make()
    client = world.register()
    world.broker.person = CAROL
    token = world.tokens(client)["refresh_token"]
    entries(world).put(TenantEntry(ALLOWED_TENANT, "Fabrikam", ceiling=("snippets:read",)))
    world.clock.advance(MAX_STALE_SECONDS)
    assert world.refresh(client, token).get_json()["scope"] == "snippets:read"


def test_what_the_store_says_of_a_tenant_wins_until_it_is_forgotten(make: Make) -> None:
    world = make()
    listed = entries(world, {ALLOWED_TENANT: TenantEntry(ALLOWED_TENANT, "Fabrikam")})
    assert not listed.add(TenantEntry(ALLOWED_TENANT, "Other"))
    listed.remove(ALLOWED_TENANT)
    assert listed.get(ALLOWED_TENANT) is None
    assert [(each.entry.name, each.source) for each in listed.listed()] == [("Fabrikam", "removed")]
    assert listed.add(TenantEntry(ALLOWED_TENANT, "Again"))
    assert [(each.entry.name, each.source) for each in listed.listed()] == [("Again", "store")]
    assert listed.restore(ALLOWED_TENANT)
    assert not listed.restore(ALLOWED_TENANT)
    assert [(each.entry.name, each.source) for each in listed.listed()] == [("Fabrikam", "settings")]


def test_there_may_be_more_tenants_than_the_store_lists_at_once(make: Make) -> None:
    listed = entries(make(), {})
    for number in range(1005):
        tid = f"{number:08x}-0000-4000-8000-000000000000"
        listed.put(TenantEntry(tid, f"Tenant {number}"))
    assert len(listed.listed()) == 1005


def entries(world: World, configured: dict[str, TenantEntry] | None = None) -> TenantEntries:
    """Return the tenants as another process with these settings sees them."""
    return TenantEntries(
        world.settings.allowed_tenants if configured is None else configured, world.store, world.clock
    )


def refusals(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    lines = [vars(r) for r in caplog.records if r.name == "audit" and r.getMessage() == "login.refused"]
    return [(line["reason"], line["tid"]) for line in lines]
