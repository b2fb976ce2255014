"""Clients of the operator: from the clients file, and from the command line."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from authserver.cipher import digest
from authserver.cli import main
from authserver.errors import SettingsError
from authserver.oauth.clients.directory import CACHE_SECONDS
from tests.authserver.clients.conftest import MakeWorld
from tests.authserver.clients.signing_client import SigningClient
from tests.authserver.test_cli import environment, run
from tests.authserver.world import (
    REDIRECT,
    RESOURCE,
    World,
    answer_of,
    is_json_error,
    is_page,
    make_world,
    read_page,
)

DAEMON = {
    "client_id": "daemon",
    "client_name": "Nightly",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "client_secret_post",
    "secret_hash": digest("the-daemons-secret"),
    "scope": "mcp:tools",
}
APPLICATION = {
    "client_id": "our-app",
    "client_name": "Our application",
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
    "redirect_uris": [REDIRECT],
}
Command = Callable[..., Any]


def daemon_token(world: World, secret: str, client_id: str = "daemon") -> Any:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return world.post("/token", form)


def written(folder: Path, entries: Any) -> Path:
    path = folder / "clients.json"
    path.write_text(json.dumps(entries))
    return path


@pytest.fixture
def shared(tmp_path: Path) -> Any:
    """Return a server and a function that runs commands against its store."""
    world = make_world(tmp_path)
    world.clock.now = time.time()
    variables = environment(
        tmp_path, AUTHSERVER_MASTER_SECRET=world.settings.master_secret.get_secret_value()
    )

    def command(*arguments: str, fails: bool = False) -> Any:
        done = CliRunner(env=variables).invoke(main, ["clients", *arguments, "--json"])
        assert (done.exit_code != 0) == fails, done.output
        return json.loads(done.stdout)

    yield world, command
    world.store.close()


@pytest.fixture
def world_of_commands(shared: Any) -> World:
    made: World = shared[0]
    return made


@pytest.fixture
def command(shared: Any) -> Command:
    made: Command = shared[1]
    return made


def test_a_client_of_the_file_is_there_is_verified_and_has_its_grants(
    make: MakeWorld, tmp_path: Path
) -> None:
    world = make(clients_file=written(tmp_path, [DAEMON, APPLICATION]))
    assert daemon_token(world, "the-daemons-secret").status_code == 200
    assert is_json_error(daemon_token(world, "another-secret"), 401, "invalid_client")
    page = read_page(world.authorize(world.browser(), "our-app"))
    assert "Our application" in page.text
    assert "Unverified" not in page.text
    tokens = world.tokens({"client_id": "our-app"})
    assert world.refresh({"client_id": "our-app"}, tokens["refresh_token"]).status_code == 200


def test_an_application_gets_no_scope_beyond_its_ceiling(make: MakeWorld, tmp_path: Path) -> None:
    world = make(clients_file=written(tmp_path, [{**APPLICATION, "scope": "mcp:tools model:invoke"}]))
    assert world.tokens({"client_id": "our-app"})["scope"] == "mcp:tools"
    asked = {"scope": "model:invoke snippets:read"}
    assert world.tokens({"client_id": "our-app"}, **asked)["scope"] == "model:invoke"
    refused = world.authorize(world.browser(), "our-app", scope="snippets:read")
    assert answer_of(refused)["error"] == "invalid_scope"


def test_a_client_of_the_file_that_is_disabled_is_refused(make: MakeWorld, tmp_path: Path) -> None:
    world = make(clients_file=written(tmp_path, [{**DAEMON, "is_disabled": True}]))
    assert is_json_error(daemon_token(world, "the-daemons-secret"), 401, "invalid_client")


def test_a_client_of_the_file_signs_with_its_keys(make: MakeWorld, tmp_path: Path) -> None:
    keys = SigningClient(make().clock)
    entry = {k: v for k, v in DAEMON.items() if k != "secret_hash"}
    signing = {**entry, "token_endpoint_auth_method": "private_key_jwt", "jwks": keys.jwks}
    world = make(clients_file=written(tmp_path, [signing]))
    form = {"grant_type": "client_credentials", **keys.proof("daemon")}
    assert world.post("/token", form).status_code == 200


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({}, "must be a list"),
        ([1], "must be a list"),
        (["x"], "must be a list"),
        ([{}], r"\[0\]: client_id"),
        ([DAEMON, {**APPLICATION, "client_id": "a b"}], r"\[1\] 'a b': client_id"),
        ([DAEMON, DAEMON], r"\[1\] 'daemon': .*twice"),
        ([{**DAEMON, "client_secret": "x"}], r"\[0\] 'daemon': client_secret must not"),
        ([{**DAEMON, "secret": "x"}], r"\[0\] 'daemon': 'secret' is no member"),
        ([{**DAEMON, "secret_hash": None}], r"'daemon': client_secret_post needs a secret_hash"),
        ([{**DAEMON, "secret_hash": "the-secret-itself"}], "needs a secret_hash"),
        ([{**DAEMON, "grant_types": ["password"]}], "grant_types must be among"),
        ([{**DAEMON, "grant_types": ["refresh_token"]}], "refresh_token alone"),
        ([{**DAEMON, "grant_types": "x"}], "grant_types must be a list"),
        ([{**DAEMON, "scope": "mcp:tools of:nobody"}], "scope has one that no resource has"),
        ([{**DAEMON, "scope": None}], "client_credentials needs a scope"),
        ([{**DAEMON, "introspects": ["https://other.example/mcp"]}], "introspects"),
        ([{**DAEMON, "introspects": [7]}], "introspects"),
        ([{**DAEMON, "introspects": ["x"]}], "introspects"),
        ([{**DAEMON, "is_disabled": "yes"}], "is_disabled"),
        ([{**APPLICATION, "redirect_uris": ["javascript:x"]}], "'our-app': this scheme"),
        ([{**APPLICATION, "redirect_uris": None}], "redirect_uris must be"),
        ([{**APPLICATION, "secret_hash": digest("x")}], "a client of none has no secret_hash"),
        ([{**APPLICATION, "grant_types": ["client_credentials"], "scope": "mcp:tools"}], "authenticate"),
        ([{**APPLICATION, "token_endpoint_auth_method": "private_key_jwt"}], "jwks"),
    ],
)
def test_an_entry_that_makes_no_sense_stops_the_start_with_one_line_that_names_it(
    make: MakeWorld, tmp_path: Path, entries: Any, says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        make(clients_file=written(tmp_path, entries))
    assert str(raised.value).startswith("AUTHSERVER_CLIENTS_FILE: ")
    assert len(str(raised.value).splitlines()) == 1
    assert "the-secret-itself" not in str(raised.value)


def test_a_file_that_cannot_be_read_stops_the_start(make: MakeWorld, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('[{"client_id":')
    for path in (tmp_path / "missing.json", tmp_path, broken):
        with pytest.raises(SettingsError, match="AUTHSERVER_CLIENTS_FILE: "):
            make(clients_file=path)


def test_the_command_that_serves_says_so_and_does_not_start(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", AUTHSERVER_CLIENTS_FILE=str(written(tmp_path, [{**DAEMON, "scope": "x"}])))
    assert done.returncode == 1
    assert "AUTHSERVER_CLIENTS_FILE: [0] 'daemon': scope" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_client_that_is_added_works_and_its_secret_is_shown_once(
    world_of_commands: World, command: Command
) -> None:
    world = world_of_commands
    options = ("--grant", "client_credentials", "--scope", "mcp:tools", "--introspects", RESOURCE)
    added = command("add", "--name", "Nightly", *options)
    assert added["source"] == "operator"
    assert added["introspects"] == [RESOURCE]
    assert daemon_token(world, added["client_secret"], added["client_id"]).status_code == 200
    shown = command("show", added["client_id"])
    assert shown == {name: value for name, value in added.items() if name != "client_secret"}
    assert added["client_secret"] not in repr(world.store.get_client(added["client_id"]))


def test_an_application_that_is_added_signs_people_in(world_of_commands: World, command: Command) -> None:
    options = ("--grant", "authorization_code", "--grant", "refresh_token", "--redirect-uri", REDIRECT)
    added = command("add", "--name", "App", "--client-id", "our-app", "--method", "none", *options)
    assert "client_secret" not in added
    assert world_of_commands.tokens({"client_id": "our-app"})["refresh_token"]


def test_a_client_that_signs_is_added_with_its_keys(
    world_of_commands: World, command: Command, tmp_path: Path
) -> None:
    keys = SigningClient(world_of_commands.clock)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(keys.jwks))
    options = ("--method", "private_key_jwt", "--jwks-file", str(path))
    added = command("add", "--name", "D", "--grant", "client_credentials", "--scope", "mcp:tools", *options)
    assert "client_secret" not in added
    form = {"grant_type": "client_credentials", **keys.proof(added["client_id"])}
    assert world_of_commands.post("/token", form).status_code == 200


@pytest.mark.parametrize(
    "options",
    [
        ("--grant", "client_credentials"),
        ("--grant", "client_credentials", "--scope", "of:nobody"),
        ("--grant", "client_credentials", "--scope", "mcp:tools", "--method", "none"),
        ("--grant", "authorization_code"),
        ("--grant", "authorization_code", "--redirect-uri", "http://attacker.example/"),
        ("--grant", "jwt-bearer", "--client-id", "a b"),
        ("--grant", "jwt-bearer", "--method", "private_key_jwt"),
        ("--grant", "jwt-bearer", "--introspects", "https://other.example"),
    ],
)
def test_what_makes_no_sense_is_not_added(
    world_of_commands: World, command: Command, options: tuple[str, ...]
) -> None:
    assert command("add", "--name", "X", *options, fails=True)["error"]
    assert world_of_commands.store.list_clients() == []


def test_a_resource_server_needs_no_grant(world_of_commands: World, command: Command) -> None:
    added = command("add", "--name", "Guard", "--client-id", "guard", "--introspects", RESOURCE)
    secret, world = added["client_secret"], world_of_commands
    asked = world.post("/introspect", {"token": "x"}, auth=("guard", secret))
    assert (asked.status_code, asked.get_json()) == (200, {"active": False})
    refused = world.post("/token", {"grant_type": "client_credentials"}, auth=("guard", secret))
    assert is_json_error(refused, 400, "unauthorized_client")
    assert command("add", "--name", "Nothing", fails=True)["error"]


def test_an_id_is_given_once(command: Command) -> None:
    options = ("--name", "X", "--client-id", "x", "--grant", "jwt-bearer")
    command("add", *options)
    assert "registered already" in command("add", *options, fails=True)["error"]


def test_all_clients_are_listed(world_of_commands: World, command: Command) -> None:
    registered = world_of_commands.register(client_name="Came by itself")
    command("add", "--name", "Ours", "--client-id", "ours", "--grant", "jwt-bearer")
    listed = command("list")
    assert {(row["client_id"], row["source"]) for row in listed} == {
        (registered["client_id"], "dynamic"),
        ("ours", "operator"),
    }
    assert "registration_access_token" not in json.dumps(listed)
    assert "hash" not in json.dumps(listed)


def test_a_disabled_client_is_refused_everywhere_within_seconds_and_goes_on_when_enabled(
    world_of_commands: World, command: Command
) -> None:
    world = world_of_commands
    client = world.register()
    tokens = world.tokens(client)
    code = world.sign_in(client["client_id"])["code"]
    page = read_page(world.authorize(browser := world.browser(), client["client_id"]))
    assert command("disable", client["client_id"]) == {"client_id": client["client_id"], "is_disabled": True}
    world.clock.advance(CACHE_SECONDS)
    assert is_page(world.authorize(world.browser(), client["client_id"]), 400)
    assert is_page(browser.post("/consent", data={**page.fields, "decision": "allow"}), 400)
    assert is_json_error(world.redeem(client, code), 401, "invalid_client")
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 401, "invalid_client")
    revocation = {"token": tokens["refresh_token"], "client_id": client["client_id"]}
    assert is_json_error(world.post("/revoke", revocation), 401, "invalid_client")
    command("enable", client["client_id"])
    world.clock.advance(CACHE_SECONDS)
    assert world.refresh(client, tokens["refresh_token"]).status_code == 200


def test_a_removed_client_is_gone_with_its_sessions(world_of_commands: World, command: Command) -> None:
    world = world_of_commands
    client = world.register()
    sid = world.claims(world.tokens(client)["access_token"])["sid"]
    assert command("remove", client["client_id"])["sessions_ended"] == 1
    session = world.store.get_session(sid)
    assert session is not None
    assert session.state == "ended"
    assert "no such client" in command("remove", client["client_id"], fails=True)["error"]


def test_a_new_secret_takes_over_and_the_old_one_is_good_for_the_overlap(
    world_of_commands: World, command: Command
) -> None:
    world = world_of_commands
    added = command("add", "--name", "D", "--grant", "client_credentials", "--scope", "mcp:tools")
    client_id, old = added["client_id"], added["client_secret"]
    new = command("rotate-secret", client_id, "--overlap", "24h")["client_secret"]
    assert new != old
    world.clock.advance(CACHE_SECONDS)
    assert daemon_token(world, old, client_id).status_code == 200
    assert daemon_token(world, new, client_id).status_code == 200
    world.clock.advance(24 * 3600)
    assert is_json_error(daemon_token(world, old, client_id), 401, "invalid_client")
    assert daemon_token(world, new, client_id).status_code == 200


def test_without_an_overlap_the_old_secret_is_good_for_nothing(
    world_of_commands: World, command: Command
) -> None:
    world = world_of_commands
    added = command("add", "--name", "D", "--grant", "client_credentials", "--scope", "mcp:tools")
    client_id = added["client_id"]
    new = command("rotate-secret", client_id)["client_secret"]
    assert is_json_error(daemon_token(world, added["client_secret"], client_id), 401, "invalid_client")
    assert daemon_token(world, new, client_id).status_code == 200


def test_a_client_without_a_secret_gets_none(command: Command) -> None:
    command("add", "--name", "P", "--client-id", "p", "--grant", "jwt-bearer", "--method", "none")
    assert "has no secret" in command("rotate-secret", "p", fails=True)["error"]


def test_a_secret_for_the_file_is_made_with_its_hash(command: Command) -> None:
    made = command("secret")
    assert digest(made["client_secret"]) == made["secret_hash"]


def test_what_a_person_reads_has_no_tricks_of_the_clients_and_no_secrets(
    world_of_commands: World, tmp_path: Path
) -> None:
    world = world_of_commands
    client = world.register(client_name="Evil\x1b[31m\u202ename [bold]x", token_endpoint_auth_method=None)
    master_secret = world.settings.master_secret.get_secret_value()
    for arguments in (("clients", "list"), ("clients", "show", client["client_id"])):
        done = run(tmp_path, *arguments, AUTHSERVER_MASTER_SECRET=master_secret)
        assert done.returncode == 0, done.stderr
        assert client["client_id"] in done.stdout
        assert not {"\x1b", "\u202e"} & set(done.stdout)
        assert client["client_secret"] not in done.stdout


def test_a_client_of_the_file_is_listed_and_changed_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, [DAEMON])
    variables = environment(tmp_path, AUTHSERVER_CLIENTS_FILE=str(path))
    listed = CliRunner(env=variables).invoke(main, ["clients", "list", "--json"])
    assert [(row["client_id"], row["source"]) for row in json.loads(listed.stdout)] == [("daemon", "file")]
    refused = CliRunner(env=variables).invoke(main, ["clients", "disable", "daemon", "--json"])
    assert "clients file" in json.loads(refused.stdout)["error"]
