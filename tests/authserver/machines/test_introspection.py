"""Token introspection (RFC 7662): for resource servers that the operator named, about their own tokens."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.authserver.machines.conftest import REPORTS, SECRET, Machines
from tests.authserver.world import ALICE, ISSUER, RESOURCE, is_json_error

AUTH = ("guard", SECRET)
INACTIVE = {"active": False}


@pytest.fixture(autouse=True)
def guard(machines: Machines) -> None:
    machines.operator_client("guard", introspects=(RESOURCE,))
    machines.operator_client("daemon", "client_credentials", scope="snippets:read")
    machines.operator_client("reporter", "client_credentials", scope="reports:read")


def ask(machines: Machines, token: str, auth: Any = AUTH, **form: str) -> TestResponse:
    return machines.world.post("/introspect", {"token": token, **form}, auth=auth)


def said(machines: Machines, token: str) -> Mapping[str, Any]:
    answer = ask(machines, token)
    assert answer.status_code == 200
    return dict(answer.get_json())


def persons_tokens(machines: Machines) -> tuple[dict[str, Any], dict[str, Any]]:
    client = machines.world.register()
    return client, machines.world.tokens(client, resource=RESOURCE)


def programs_token(machines: Machines) -> str:
    answer = machines.token("client_credentials", auth=("daemon", SECRET), resource=RESOURCE)
    return str(answer.get_json()["access_token"])


@pytest.mark.requirement("RFC7662-2.2-ACTIVE")
def test_a_persons_token_is_described_in_full(machines: Machines) -> None:
    client, tokens = persons_tokens(machines)
    answer = ask(machines, tokens["access_token"], token_type_hint="access_token")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == "application/json"
    claims = machines.world.claims(tokens["access_token"])
    assert answer.get_json() == {"active": True, "token_type": "Bearer", "username": ALICE.username, **claims}
    assert (claims["client_id"], claims["sub"], claims["iss"]) == (client["client_id"], ALICE.subject, ISSUER)


@pytest.mark.requirement("RFC7662-2.2-ACTIVE")
def test_a_programs_token_is_described_too(machines: Machines) -> None:
    token = programs_token(machines)
    assert said(machines, token) == {"active": True, "token_type": "Bearer", **machines.world.claims(token)}


@pytest.mark.requirement("RFC7009-2.1-AT-ONCE", "RFC7662-4-REVOKED")
def test_what_was_ended_is_not_active_at_once(machines: Machines) -> None:
    client, tokens = persons_tokens(machines)
    revoked = machines.world.post(
        "/revoke", {"client_id": client["client_id"], "token": tokens["refresh_token"]}
    )
    assert revoked.status_code == 200
    assert said(machines, tokens["access_token"]) == INACTIVE
    token = programs_token(machines)
    machines.world.store.end_session(machines.world.claims(token)["sid"], "revoked")
    assert said(machines, token) == INACTIVE


@pytest.mark.requirement("RFC7662-4-SIGNATURE")
def test_what_a_withdrawn_key_signed_is_not_active(machines: Machines) -> None:
    token = programs_token(machines)
    store = machines.world.store
    for key in store.list_keys():
        assert store.swap_key(key, replace(key, withdrawn_at_seconds=int(machines.now)))
    machines.world.clock.advance(10)
    assert said(machines, token) == INACTIVE


def test_what_a_disabled_client_holds_is_not_active(machines: Machines) -> None:
    token = programs_token(machines)
    machines.operator_client("daemon", "client_credentials", scope="snippets:read", is_disabled=True)
    machines.world.clock.advance(10)
    assert said(machines, token) == INACTIVE


@pytest.mark.requirement("RFC7662-4-EXPIRED")
def test_what_has_expired_is_not_active(machines: Machines) -> None:
    token = programs_token(machines)
    machines.world.clock.advance(3599)
    assert said(machines, token)["active"] is True
    machines.world.clock.advance(1)
    assert said(machines, token) == INACTIVE


@pytest.mark.requirement("RFC7662-4-NOT-BEFORE")
def test_what_is_not_yet_valid_is_not_active(machines: Machines) -> None:
    token = programs_token(machines)
    machines.world.clock.advance(-1)
    assert said(machines, token) == INACTIVE
    machines.world.clock.advance(1)
    assert said(machines, token)["active"] is True


def test_a_refresh_token_is_nothing_to_a_resource_server(machines: Machines) -> None:
    _, tokens = persons_tokens(machines)
    assert said(machines, tokens["refresh_token"]) == INACTIVE


@pytest.mark.requirement("RFC7662-2.2-AUDIENCE")
def test_a_token_of_another_resource_is_not_active(machines: Machines) -> None:
    answer = machines.token("client_credentials", auth=("reporter", SECRET), resource=REPORTS)
    token = answer.get_json()["access_token"]
    assert said(machines, token) == INACTIVE
    machines.operator_client("reports", introspects=(REPORTS,))
    assert ask(machines, token, ("reports", SECRET)).get_json()["active"] is True
    assert ask(machines, programs_token(machines), ("reports", SECRET)).get_json() == INACTIVE


def test_a_resource_may_be_named_by_an_alias(machines: Machines) -> None:
    machines.operator_client("guard", introspects=(f"{RESOURCE}/sse",))
    assert said(machines, programs_token(machines))["active"] is True


@pytest.mark.requirement("RFC7662-2.2-INACTIVE")
@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "mcprt_x", "é", "a" * 4000])
def test_what_is_no_token_is_not_active(machines: Machines, token: str) -> None:
    assert said(machines, token) == INACTIVE


@pytest.mark.requirement("RFC7662-4-SIGNATURE")
def test_a_token_that_was_changed_is_not_active(machines: Machines) -> None:
    head, body, signature = programs_token(machines).split(".")
    flipped = "A" if signature[0] != "A" else "B"
    assert said(machines, f"{head}.{body}.{flipped}{signature[1:]}") == INACTIVE


@pytest.mark.requirement("RFC7662-2.2-INACTIVE")
@pytest.mark.parametrize("members", [{}, {"source": "dynamic", "introspects": (RESOURCE,)}])
def test_a_client_that_serves_nothing_learns_nothing(machines: Machines, members: dict[str, Any]) -> None:
    machines.operator_client("curious", "client_credentials", **members)
    assert ask(machines, programs_token(machines), ("curious", SECRET)).get_json() == INACTIVE


@pytest.mark.requirement("RFC7662-2.1-AUTHORIZED")
def test_who_asks_must_prove_itself(machines: Machines) -> None:
    token = programs_token(machines)
    for auth in (None, ("guard", "wrong"), ("nobody", SECRET)):
        assert is_json_error(ask(machines, token, auth), 401, "invalid_client")
    assert is_json_error(ask(machines, token, None, client_id="guard"), 401, "invalid_client")
    machines.operator_client(
        "open", introspects=(RESOURCE,), token_endpoint_auth_method="none", secret_hash=None
    )
    assert is_json_error(ask(machines, token, None, client_id="open"), 401, "invalid_client")
    machines.operator_client("off", introspects=(RESOURCE,), is_disabled=True)
    assert is_json_error(ask(machines, token, ("off", SECRET)), 401, "invalid_client")


@pytest.mark.requirement("RFC7662-2.1-POST")
def test_a_request_is_a_form_with_one_token(machines: Machines) -> None:
    assert is_json_error(machines.world.post("/introspect", {}, auth=AUTH), 400, "invalid_request")
    twice = machines.world.post(
        "/introspect", "token=a&token=b", content_type="application/x-www-form-urlencoded", auth=AUTH
    )
    assert is_json_error(twice, 400, "invalid_request")
    assert is_json_error(machines.world.post("/introspect?token=a", {}, auth=AUTH), 400, "invalid_request")
    assert is_json_error(
        machines.world.post("/introspect", json={"token": "a"}, auth=AUTH), 400, "invalid_request"
    )
    assert machines.world.get("/introspect").status_code == 405
