"""/register/<client_id> (RFC 7592): a client reads, replaces and removes its registration, nobody else's."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from authserver.oauth.clients.directory import CACHE_SECONDS
from tests.authserver.clients.conftest import MakeWorld
from tests.authserver.clients.signing_client import SigningClient
from tests.authserver.world import ISSUER, REDIRECT, World, is_json_error, is_page, registration


def call(
    world: World, method: str, client: dict[str, Any], body: Any = None, token: str | None = ""
) -> TestResponse:
    """Call the client's configuration endpoint, with its own token unless told otherwise."""
    presented = client["registration_access_token"] if token == "" else token
    headers = {} if presented is None else {"Authorization": f"Bearer {presented}"}
    path = urlsplit(client["registration_client_uri"]).path.removeprefix("/oauth")
    return world.app.test_client().open(path, method=method, json=body, headers=headers)


def update(client: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the body of an update."""
    return registration(client_id=client["client_id"], **changes)


def is_challenged(response: TestResponse, error: str | None) -> bool:
    """Tell whether this is a 401 with a Bearer challenge, and JSON."""
    challenge = "Bearer" if error is None else f'Bearer error="{error}"'
    return is_json_error(response, 401, "invalid_token") and response.headers["WWW-Authenticate"] == challenge


@pytest.mark.requirement("RFC7592-3-RESPONSE")
def test_a_registration_says_where_and_by_what_it_is_managed(world: World) -> None:
    client = world.register()
    assert client["registration_client_uri"] == f"{ISSUER}/oauth/register/{client['client_id']}"
    stored = world.store.get_client(client["client_id"])
    assert client["registration_access_token"] not in repr(stored)


@pytest.mark.requirement("RFC7592-2.1-READ", "RFC7592-3-RESPONSE")
def test_a_client_reads_what_is_registered_but_for_its_secret(world: World) -> None:
    client = world.register(token_endpoint_auth_method="client_secret_post", contacts=["a@example.com"])
    response = call(world, "GET", client)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    read = response.get_json()
    assert read == {k: v for k, v in client.items() if not k.startswith("client_secret")}


@pytest.mark.requirement("RFC7592-2.2-NULL", "RFC7592-2.2-REPLACE")
def test_an_update_replaces_everything_and_rotates_nothing(world: World) -> None:
    client = world.register(token_endpoint_auth_method="client_secret_post", client_uri="https://example.com")
    body = update(
        client, client_name="Renamed", token_endpoint_auth_method="client_secret_basic", client_secret=None
    )
    response = call(world, "PUT", client, body)
    assert response.status_code == 200
    updated = response.get_json()
    assert updated["client_name"] == "Renamed"
    assert "client_uri" not in updated
    assert "client_secret" not in updated
    for name in ("client_id", "client_id_issued_at", "registration_access_token", "registration_client_uri"):
        assert updated[name] == client[name]
    assert world.tokens(client)["access_token"]  # with the secret it always had


@pytest.mark.requirement("RFC7592-2.2-NULL")
def test_a_member_that_is_null_is_removed(world: World) -> None:
    client = world.register(client_uri="https://example.com", contacts=["a@example.com"], scope="mcp:tools")
    body = {**update(client), "client_uri": None, "contacts": None, "scope": None}
    assert not {"client_uri", "contacts", "scope"} & call(world, "PUT", client, body).get_json().keys()
    assert not {"client_uri", "contacts", "scope"} & call(world, "GET", client).get_json().keys()


def test_an_update_takes_effect_where_codes_are_sent_at_once(world: World) -> None:
    client = world.register()
    assert world.authorize(world.browser(), client["client_id"]).status_code == 200
    moved = "http://127.0.0.1:6274/elsewhere"
    assert call(world, "PUT", client, update(client, redirect_uris=[moved])).status_code == 200
    assert is_page(world.authorize(world.browser(), client["client_id"]), 400)
    response = world.authorize(world.browser(), client["client_id"], redirect_uri=moved)
    assert response.status_code == 200


@pytest.mark.requirement("RFC7592-2.2-SECRET")
def test_an_update_may_repeat_the_secret_and_not_choose_it(world: World) -> None:
    client = world.register(token_endpoint_auth_method="client_secret_post")
    method = {"token_endpoint_auth_method": "client_secret_post"}
    same = update(client, **method, client_secret=client["client_secret"])
    assert call(world, "PUT", client, same).status_code == 200
    for chosen in ("mine", "", 7, ["x"], {"a": 1}, "\ud800"):
        response = call(world, "PUT", client, update(client, **method, client_secret=chosen))
        assert response.status_code == 400
    assert world.tokens(client)["access_token"]


def test_a_public_client_that_wants_a_secret_is_told_one_and_can_lose_it_again(world: World) -> None:
    client = world.register()
    secretive = call(world, "PUT", client, update(client, token_endpoint_auth_method="client_secret_post"))
    secret = secretive.get_json()["client_secret"]
    world.clock.advance(CACHE_SECONDS)
    assert is_json_error(world.redeem(client, "none"), 401, "invalid_client")
    assert is_json_error(world.redeem(client, "none", client_secret=secret), 400, "invalid_grant")
    public = call(world, "PUT", client, update(client))
    assert "client_secret" not in public.get_json()
    assert is_json_error(world.redeem(client, "none", client_secret=secret), 401, "invalid_client")
    assert world.tokens(client)["access_token"]


def test_a_client_can_go_over_to_signing(world: World) -> None:
    client = world.register(token_endpoint_auth_method="client_secret_basic")
    signer = SigningClient(world.clock)
    body = update(client, token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks)
    assert call(world, "PUT", client, body).get_json()["jwks"] == signer.jwks
    client_id = client["client_id"]
    code = world.sign_in(client_id)["code"]
    assert is_json_error(world.redeem(client, code), 401, "invalid_client")
    del client["client_secret"]
    assert world.redeem(client, code, **signer.proof(client_id)).status_code == 200


@pytest.mark.requirement("RFC7592-2.2-CLIENT-ID", "RFC7592-2.2-WHOLE")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_id": "another"}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"registration_client_uri": "https://x.example"}, "invalid_client_metadata"),
        ({"client_secret_expires_at": 0}, "invalid_client_metadata"),
        ({"client_id_issued_at": 0}, "invalid_client_metadata"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [REDIRECT, "http://attacker.example/"]}, "invalid_redirect_uri"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
    ],
)
def test_an_update_is_validated_like_a_registration_and_changes_nothing_when_refused(
    world: World, changes: dict[str, Any], error: str
) -> None:
    client = world.register()
    body = {k: v for k, v in {**update(client), **changes}.items() if v is not None}
    assert is_json_error(call(world, "PUT", client, body), 400, error)
    assert call(world, "GET", client).get_json() == client


@pytest.mark.requirement("RFC7592-2.2-POLICY")
def test_a_client_that_updates_itself_gets_no_more_than_before(world: World) -> None:
    client = world.register()
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    body = {**update(client, grant_types=grants), "source": "operator", "introspects": [f"{ISSUER}/mcp"]}
    updated = call(world, "PUT", client, body).get_json()
    assert updated["grant_types"] == ["authorization_code", "refresh_token"]
    stored = world.store.get_client(client["client_id"])
    assert stored is not None
    assert (stored.source, stored.introspects) == ("dynamic", ())


@pytest.mark.parametrize("body", ["[", "[1]", "null", '"x"', "\xff", ""])
def test_an_update_that_is_no_object_is_refused_as_json(world: World, body: str) -> None:
    client = world.register()
    response = world.app.test_client().put(
        f"/register/{client['client_id']}",
        data=body.encode("latin-1"),
        headers={"Authorization": f"Bearer {client['registration_access_token']}"},
    )
    assert is_json_error(response, 400, "invalid_client_metadata")


def test_an_update_that_is_too_large_is_refused(world: World) -> None:
    client = world.register()
    assert call(world, "PUT", client, {"x": "y" * 70_000}).status_code == 413


@pytest.mark.requirement("RFC7592-2-TOKEN")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_without_its_own_token_a_registration_is_not_to_be_had(world: World, method: str) -> None:
    client, other = world.register(), world.register()
    body = update(client) if method == "PUT" else None
    assert is_challenged(call(world, method, client, body, token=None), None)
    for token in ("wrong", other["registration_access_token"], client["client_id"], "a b", "ü", "x" * 5000):
        assert is_challenged(call(world, method, client, body, token=token), "invalid_token")
    access_token = world.tokens(client)["access_token"]
    assert is_challenged(call(world, method, client, body, token=access_token), "invalid_token")
    assert call(world, "GET", client).get_json() == client


@pytest.mark.requirement("RFC7592-2.1-UNKNOWN")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("client_id", ["nobody", "mcp-", "a/b", "%00", "é", "x" * 3000])
def test_whether_there_is_such_a_client_is_not_said(world: World, method: str, client_id: str) -> None:
    client = world.register()
    response = world.app.test_client().open(
        f"/register/{client_id}",
        method=method,
        json=update(client) if method == "PUT" else None,
        headers={"Authorization": f"Bearer {client['registration_access_token']}"},
    )
    assert is_challenged(response, "invalid_token")


@pytest.mark.requirement("RFC7592-2-BEARER")
def test_basic_is_no_bearer_and_a_token_in_the_url_is_none(world: World) -> None:
    client = world.register()
    token = client["registration_access_token"]
    path = f"/register/{client['client_id']}"
    browser = world.app.test_client()
    assert browser.get(path, headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert browser.get(f"{path}?access_token={token}").status_code == 400


@pytest.mark.requirement("RFC7592-2.3-DELETE")
def test_a_client_that_removes_itself_is_gone_with_its_sessions(world: World) -> None:
    client = world.register()
    first, second = world.tokens(client), world.tokens(client)
    other = world.register()
    others = world.tokens(other)
    waiting = world.sign_in(client["client_id"])["code"]
    response = call(world, "DELETE", client)
    assert (response.status_code, response.data) == (204, b"")
    assert is_challenged(call(world, "GET", client), "invalid_token")
    assert is_page(world.authorize(world.browser(), client["client_id"]), 400)
    for tokens in (first, second):
        assert is_json_error(world.refresh(client, tokens["refresh_token"]), 401, "invalid_client")
        session = world.store.get_session(world.claims(tokens["access_token"])["sid"])
        assert session is not None
        assert session.state == "ended"
    assert is_json_error(world.redeem(client, waiting), 401, "invalid_client")
    assert world.refresh(other, others["refresh_token"]).status_code == 200


def test_more_sessions_than_are_read_at_once_all_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authserver.oauth.clients.sessions._PAGE", 2)
    client = world.register()
    sids = [world.claims(world.tokens(client)["access_token"])["sid"] for _ in range(5)]
    call(world, "DELETE", client)
    assert {session.state for sid in sids if (session := world.store.get_session(sid))} == {"ended"}


@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD"])
def test_other_methods_are_not_for_registrations(world: World, method: str) -> None:
    client = world.register()
    response = call(world, method, client)
    assert response.status_code == (200 if method == "HEAD" else 405)


def test_a_page_of_another_origin_may_manage_its_registration(world: World) -> None:
    client = world.register()
    preflight = world.app.test_client().options(f"/register/{client['client_id']}")
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    allowed = preflight.headers["Access-Control-Allow-Methods"]
    assert {"GET", "PUT", "DELETE"} <= set(allowed.split(", "))
    assert call(world, "GET", client).headers["Access-Control-Allow-Origin"] == "*"


def test_a_disabled_client_manages_nothing(world: World) -> None:
    client = world.register()
    stored = world.store.get_client(client["client_id"])
    assert stored is not None
    world.store.update_client(replace(stored, is_disabled=True))
    assert is_challenged(call(world, "GET", client), "invalid_token")
    assert is_challenged(call(world, "PUT", client, update(client)), "invalid_token")


def test_where_nobody_registers_nothing_is_managed(make: MakeWorld, world: World) -> None:
    client = world.register()
    closed = make(
        registration_policy="off",
        state_file=world.settings.state_file,
        master_secret=world.settings.master_secret.get_secret_value(),
    )
    assert is_json_error(call(closed, "GET", client), 403, "access_denied")
