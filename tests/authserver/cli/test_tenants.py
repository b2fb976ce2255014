"""``authserver tenants``: list, show, add, remove, restore, invite."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import Result

from authserver.audit import read_trail
from authserver.upstream.tenant_entries import MAX_STALE_SECONDS
from tests.authserver.cli.commands import MASTER_SECRET, Commands
from tests.authserver.world import (
    ALLOWED_TENANT,
    HOME_TENANT,
    MALLORY,
    World,
    is_json_error,
    make_world,
    read_page,
)

Run = Callable[..., Result]
NEW_TENANT = "33333333-3333-4333-8333-333333333333"
FABRIKAM = {ALLOWED_TENANT: {"name": "Fabrikam", "ceiling": ["mcp:tools"]}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path, master_secret=MASTER_SECRET, allowed_tenants=FABRIKAM)
    yield made
    made.store.close()


@pytest.fixture
def run(world: World, commands: Commands) -> Run:
    """Run a command against the state of the server that is running."""
    commands.environment(AUTHSERVER_ALLOWED_TENANTS=json.dumps(FABRIKAM))
    return lambda *arguments: commands.run("tenants", *arguments)


def ok(result: Result) -> Any:
    """Return what a command printed as JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_tenant_is_added_shown_and_listed(run: Run) -> None:
    entry = {
        "tid": NEW_TENANT,
        "name": "New Co",
        "ceiling": ["mcp:tools", "snippets:write"],
        "roles": {"Snippets.Writer": ["snippets:write"]},
        "groups": {"55555555-5555-4555-8555-555555555555": ["mcp:tools", "snippets:write"]},
        "required_roles": ["Member", "Guest"],
        "clients": ["bbbbbbbb-0000-4000-8000-000000000001"],
        "app_roles": {"Snippets.Write.All": ["snippets:write"]},
    }
    arguments = [
        *("--name", "New Co", "--ceiling", "mcp:tools snippets:write"),
        *("--role", "Snippets.Writer=snippets:write"),
        *("--group", "55555555-5555-4555-8555-555555555555=mcp:tools snippets:write"),
        *("--require-role", "Member", "--require-role", "Guest"),
        *("--client", "BBBBBBBB-0000-4000-8000-000000000001"),
        *("--app-role", "Snippets.Write.All=snippets:write"),
    ]
    assert ok(run("add", NEW_TENANT.upper(), *arguments, "--json")) == entry
    assert ok(run("show", NEW_TENANT, "--json")) == {**entry, "source": "store"}
    listed = ok(run("list", "--json"))
    assert [(row["tid"], row["source"]) for row in listed] == [
        (HOME_TENANT, "settings"),
        (ALLOWED_TENANT, "settings"),
        (NEW_TENANT, "store"),
    ]


def test_what_is_said_for_people_is_said_in_sentences(run: Run) -> None:
    assert "gets nothing yet" in run("add", NEW_TENANT, "--name", "New Co").output
    assert "New Co" in run("list").output
    assert "ceiling: mcp:tools" in run("show", ALLOWED_TENANT).output
    assert "was removed" in run("remove", NEW_TENANT).output


def test_an_added_tenant_may_sign_in_to_the_running_server(run: Run, world: World) -> None:
    ok(run("add", MALLORY.tid, "--name", "Not so evil", "--ceiling", "mcp:tools", "--json"))
    world.broker.person = MALLORY
    assert world.tokens(world.register())["scope"] == "mcp:tools"


def test_removing_a_tenant_ends_the_sessions_of_its_people_and_of_nobody_else(run: Run, world: World) -> None:
    client = world.register()
    alices = world.tokens(client)["refresh_token"]
    ok(run("add", MALLORY.tid, "--name", "Evil", "--ceiling", "mcp:tools", "--json"))
    world.broker.person = MALLORY
    mallorys = world.tokens(client)
    assert ok(run("remove", MALLORY.tid, "--json")) == {"tid": MALLORY.tid, "sessions_ended": 1}
    assert is_json_error(world.refresh(client, mallorys["refresh_token"]), 400, "invalid_grant")
    assert [session.identity.tid for session in world.store.list_sessions()] == [HOME_TENANT]
    assert world.refresh(client, alices).status_code == 200


def test_a_tenant_of_the_settings_can_be_removed_and_restored(run: Run, world: World) -> None:
    ok(run("remove", ALLOWED_TENANT, "--json"))
    assert ok(run("show", ALLOWED_TENANT, "--json"))["source"] == "removed"
    world.clock.advance(MAX_STALE_SECONDS)
    assert run("remove", ALLOWED_TENANT, "--json").exit_code == 1
    ok(run("restore", ALLOWED_TENANT, "--json"))
    assert ok(run("show", ALLOWED_TENANT, "--json"))["source"] == "settings"
    assert run("restore", ALLOWED_TENANT).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", NEW_TENANT), "no such tenant"),
        (("remove", NEW_TENANT), "no such tenant"),
        (("remove", HOME_TENANT), "home tenant"),
        (("restore", NEW_TENANT), "not in the settings"),
        (("add", NEW_TENANT, "--name", "x", "--ceiling", "nope"), "no such scope: nope"),
        (("add", NEW_TENANT, "--name", "x", "--role", "R=nope mcp:tools"), "no such scope: nope"),
        (("invite", "--name", "x", "--app-role", "R=nope"), "no such scope: nope"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_json_where_it_is_wanted(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert words in result.output
    as_json = run(*arguments, "--json")
    assert as_json.exit_code == 1
    assert words in json.loads(as_json.output)["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "fabrikam.example"),
        ("add", "x", "--name", "x"),
        ("add", NEW_TENANT),
        ("add", NEW_TENANT, "--name", "x", "--role", "Writer"),
        ("add", NEW_TENANT, "--name", "x", "--role", "=mcp:tools"),
        ("add", NEW_TENANT, "--name", "x", "--group", "g= "),
    ],
)
def test_what_is_written_wrongly_is_explained(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage" in result.output


def test_an_invitation_is_a_link_to_the_page_of_the_running_server(run: Run, world: World) -> None:
    made = ok(run("invite", "--name", "New Co", "--ceiling", "mcp:tools", "--json"))
    link = urlsplit(made["link"])
    assert f"{link.scheme}://{link.netloc}{link.path}" == "http://localhost:8080/oauth/onboarding"
    assert parse_qs(link.query)["invitation"][0].startswith("mcpin_")
    # The command's clock is the real one, the server's stands still.
    world.clock.now = made["expires_at"] - 60
    page = read_page(world.browser().get("/onboarding?" + link.query))
    assert "New Co" in page.text
    world.clock.now = made["expires_at"]
    assert world.browser().get("/onboarding?" + link.query).status_code == 400


def test_changes_are_in_the_audit_trail_and_secrets_are_not(run: Run, world: World) -> None:
    ok(run("add", NEW_TENANT, "--name", "New Co", "--json"))
    ok(run("remove", NEW_TENANT, "--json"))
    ok(run("remove", ALLOWED_TENANT, "--json"))
    ok(run("restore", ALLOWED_TENANT, "--json"))
    link = ok(run("invite", "--name", "Other Co", "--json"))["link"]
    lines = read_trail(world.store, 0, limit=100)
    assert [(line["event"], line.get("tid")) for line in lines if line["event"].startswith("tenant.")] == [
        ("tenant.added", NEW_TENANT),
        ("tenant.removed", NEW_TENANT),
        ("tenant.removed", ALLOWED_TENANT),
        ("tenant.restored", ALLOWED_TENANT),
        ("tenant.invited", None),
    ]
    assert parse_qs(urlsplit(link).query)["invitation"][0] not in json.dumps(lines)
