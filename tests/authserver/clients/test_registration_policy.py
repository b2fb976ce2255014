"""Who may register: anybody, whose redirect hosts are listed, who has the initial access token, or nobody."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from authserver.settings import Settings
from tests.authserver.clients.conftest import MakeWorld
from tests.authserver.world import ISSUER, REDIRECT, WEB_REDIRECT, World, is_json_error, registration

TOKEN = "an-initial-access-token-of-the-operator"
METADATA = "/.well-known/oauth-authorization-server"


def register(world: World, authorization: str | None = None, **metadata: Any) -> TestResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    return world.post("/register", json=registration(**metadata), headers=headers)


def test_anybody_may_register_unless_told_otherwise(world: World) -> None:
    assert register(world).status_code == 201
    assert world.get(METADATA).get_json()["registration_endpoint"] == f"{ISSUER}/oauth/register"


def test_nobody_registers_where_it_is_off_and_the_metadata_says_so(make: MakeWorld) -> None:
    world = make(registration_policy="off")
    assert is_json_error(register(world), 403, "access_denied")
    assert is_json_error(register(world, f"Bearer {TOKEN}"), 403, "access_denied")
    assert "registration_endpoint" not in world.get(METADATA).get_json()
    assert world.store.list_clients() == []


@pytest.mark.requirement("RFC7591-3-INITIAL-TOKEN")
def test_with_the_initial_access_token_one_registers_and_without_it_not(make: MakeWorld) -> None:
    world = make(registration_policy="token", registration_access_token=TOKEN)
    missing = register(world)
    assert is_json_error(missing, 401, "invalid_token")
    assert missing.headers["WWW-Authenticate"] == "Bearer"
    for wrong in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer ü", f"Basic {TOKEN}", TOKEN):
        refused = register(world, wrong)
        assert is_json_error(refused, 401, "invalid_token")
        assert TOKEN not in refused.text
    assert world.store.list_clients() == []
    assert register(world, f"Bearer {TOKEN}").status_code == 201
    assert register(world, f"bearer {TOKEN}").status_code == 201


@pytest.mark.parametrize(
    ("uris", "accepted"),
    [
        ([WEB_REDIRECT], True),
        (["https://claude.ai:8443/other/path"], True),
        (["https://a.b.corp.example/cb"], True),
        ([REDIRECT], True),
        (["http://[::1]:4711/cb"], True),
        (["cursor://anysphere.cursor-mcp/oauth/callback"], True),
        (["com.example.app:/cb"], True),
        ([WEB_REDIRECT, REDIRECT, "cursor://x/y"], True),
        (["http://localhost/cb"], False),
        (["https://claude.com/cb"], False),
        (["https://corp.example/cb"], False),
        (["https://claude.ai.attacker.example/cb"], False),
        (["https://attacker.example/claude.ai"], False),
        (["vscode://claude.ai/cb"], False),
        (["com.example.other:/cb"], False),
        ([WEB_REDIRECT, "https://attacker.example/cb"], False),
    ],
)
def test_where_hosts_are_listed_every_redirect_uri_leads_to_one(
    make: MakeWorld, uris: list[str], accepted: bool
) -> None:
    world = make(
        registration_policy="allowlist",
        registration_redirect_hosts=(
            *("claude.ai", "*.corp.example", "127.0.0.1", "[::1]", "cursor", "com.example.app"),
        ),
    )
    response = register(world, redirect_uris=uris)
    if accepted:
        assert response.status_code == 201
    else:
        assert is_json_error(response, 400, "invalid_redirect_uri")


def test_an_empty_list_lets_nobody_in(make: MakeWorld) -> None:
    world = make(registration_policy="allowlist")
    assert is_json_error(register(world), 400, "invalid_redirect_uri")


@pytest.mark.requirement("RFC7592-2.2-POLICY")
def test_an_update_is_held_to_the_list_too(make: MakeWorld) -> None:
    world = make(registration_policy="allowlist", registration_redirect_hosts=("127.0.0.1",))
    client = register(world).get_json()
    body = registration(client_id=client["client_id"], redirect_uris=[WEB_REDIRECT])
    response = world.app.test_client().put(
        f"/register/{client['client_id']}",
        json=body,
        headers={"Authorization": f"Bearer {client['registration_access_token']}"},
    )
    assert is_json_error(response, 400, "invalid_redirect_uri")


def test_the_policy_token_needs_the_token(make: MakeWorld) -> None:
    with pytest.raises(ValueError, match="AUTHSERVER_REGISTRATION_ACCESS_TOKEN"):
        make(registration_policy="token")


def test_the_token_is_shown_to_nobody(make: MakeWorld) -> None:
    settings: Settings = make(registration_policy="token", registration_access_token=TOKEN).settings
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize(
    "entry",
    ["https://claude.ai", "claude.ai/", "claude.ai:443", "*", "*.", "", " ", "a b", "*.*.x", "user@x"],
)
def test_an_entry_that_no_host_could_match_stops_the_start(make: MakeWorld, entry: str) -> None:
    for variable in (
        "registration_redirect_hosts",
        "verified_client_hosts",
        "client_document_allowed_hosts",
        "client_document_denied_hosts",
    ):
        with pytest.raises(ValueError, match="must be hosts"):
            make(**{variable: (entry,)})
