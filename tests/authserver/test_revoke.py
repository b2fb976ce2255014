"""POST /revoke (RFC 7009): what ends a session, and what must not."""

from typing import Any

import pytest

from tests.authserver.world import World, is_json_error

Client = dict[str, Any]


def revoke(world: World, client: Client, token: str, **more: str) -> Any:
    form = {"token": token, "client_id": client["client_id"], "client_secret": client.get("client_secret")}
    return world.post("/revoke", {k: v for k, v in {**form, **more}.items() if v is not None})


@pytest.mark.requirement("RFC7009-2-REFRESH", "RFC7009-2.1-HINT")
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "made_up"])
def test_either_token_ends_the_session_whatever_the_hint_says(
    world: World, client: Client, kind: str, hint: str | None
) -> None:
    tokens = world.tokens(client)
    response = revoke(world, client, tokens[kind], **({"token_type_hint": hint} if hint else {}))
    assert (response.status_code, response.data) == (200, b"")
    assert is_json_error(world.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    session = world.store.get_session(world.claims(tokens["access_token"])["sid"])
    assert session is not None
    assert (session.state, session.end_reason) == ("ended", "revoked")


def test_an_expired_access_token_still_ends_its_session(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    world.clock.advance(7200)
    assert revoke(world, client, tokens["access_token"]).status_code == 200
    assert world.refresh(client, tokens["refresh_token"]).status_code == 400


@pytest.mark.requirement("RFC7009-2.2-200")
def test_revoking_twice_is_no_error(world: World, client: Client) -> None:
    token = world.tokens(client)["refresh_token"]
    assert [revoke(world, client, token).status_code for _ in range(2)] == [200, 200]


@pytest.mark.requirement("RFC7009-2.2-200")
@pytest.mark.parametrize(
    "token", ["x", "mcprt_" + "A" * 86, "a.b.c", "mcpac_x", "é", "..", "eyJhbGciOiJub25lIn0.e30."]
)
def test_an_unknown_token_is_answered_like_a_success(world: World, client: Client, token: str) -> None:
    assert revoke(world, client, token).status_code == 200


@pytest.mark.requirement("RFC7009-2.1-CLIENT")
def test_another_clients_token_is_refused_and_its_session_lives(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    other = world.register()
    for kind in ("refresh_token", "access_token"):
        assert is_json_error(revoke(world, other, tokens[kind]), 400, "invalid_grant")
    assert world.refresh(client, tokens["refresh_token"]).status_code == 200


def test_a_forged_access_token_that_names_a_session_ends_nothing(world: World, client: Client) -> None:
    tokens = world.tokens(client)
    head, body, signature = tokens["access_token"].split(".")
    forged = f"{head}.{body}.{signature[:-8]}AAAAAAAA"
    assert revoke(world, client, forged).status_code == 200
    assert world.refresh(client, tokens["refresh_token"]).status_code == 200


@pytest.mark.requirement("RFC7009-2.1-CLIENT")
def test_a_client_with_a_secret_must_show_it(world: World, secret_client: Client) -> None:
    token = world.tokens(secret_client)["refresh_token"]
    assert is_json_error(
        revoke(world, {"client_id": secret_client["client_id"]}, token), 401, "invalid_client"
    )
    assert world.refresh(secret_client, token).status_code == 200


def test_a_request_without_a_token_is_an_invalid_request(world: World, client: Client) -> None:
    response = world.post("/revoke", {"client_id": client["client_id"]})
    assert is_json_error(response, 400, "invalid_request")


def test_a_token_in_the_query_is_refused(world: World, client: Client) -> None:
    response = world.post("/revoke?token=x", {"client_id": client["client_id"]})
    assert is_json_error(response, 400, "invalid_request")


def test_a_json_body_is_refused_in_json(world: World) -> None:
    assert is_json_error(world.browser().post("/revoke", json={"token": "x"}), 400, "invalid_request")


def test_get_is_refused_in_json(world: World) -> None:
    assert is_json_error(world.get("/revoke"), 405, "invalid_request")
