"""grant_type=client_credentials (RFC 6749 4.4): programs that the operator registered, for themselves."""

import logging
from typing import Any

import pytest

from tests.authserver.machines.conftest import REPORTS, SECRET, Machines
from tests.authserver.world import RESOURCE, is_json_error

GRANT = "client_credentials"
AUTH = ("daemon", SECRET)


@pytest.fixture(autouse=True)
def daemon(machines: Machines) -> None:
    machines.operator_client("daemon", GRANT, scope="snippets:write snippets:read reports:read")


@pytest.mark.requirement("RFC6749-5.1-NO-STORE", "RFC9700-4.15-SUBJECT")
def test_a_daemon_gets_what_the_operator_wrote_down_and_nothing_of_a_person(machines: Machines) -> None:
    answer = machines.token(GRANT, auth=AUTH, resource=RESOURCE)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert body["scope"] == "snippets:read snippets:write"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in body
    claims = machines.world.claims(body["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("daemon", "daemon", RESOURCE)
    assert claims["scope"] == "snippets:read snippets:write"
    assert not {"tid", "oid", "roles"} & claims.keys()


def test_each_token_stands_alone(machines: Machines) -> None:
    issued = [machines.token(GRANT, auth=AUTH, resource=RESOURCE).get_json() for _ in range(2)]
    claims = [machines.world.claims(each["access_token"]) for each in issued]
    assert claims[0]["sid"] != claims[1]["sid"]
    assert claims[0]["jti"] != claims[1]["jti"]


@pytest.mark.requirement("RFC6749-5.1-SCOPE")
def test_a_request_may_narrow_the_scopes(machines: Machines) -> None:
    for scope, granted in (
        ("snippets:read", "snippets:read"),
        ("snippets:write  snippets:read", "snippets:read snippets:write"),
        ("offline_access snippets:read", "snippets:read"),
        ("offline_access", "snippets:read snippets:write"),
    ):
        answer = machines.token(GRANT, auth=AUTH, resource=RESOURCE, scope=scope)
        assert answer.get_json()["scope"] == granted


@pytest.mark.parametrize("scope", ["model:invoke", "snippets:read model:invoke", "reports:read", "nonsense"])
def test_a_scope_that_the_operator_did_not_write_down_is_refused(machines: Machines, scope: str) -> None:
    assert is_json_error(
        machines.token(GRANT, auth=AUTH, resource=RESOURCE, scope=scope), 400, "invalid_scope"
    )


@pytest.mark.parametrize("scope", [None, "", "reports:read", "nonsense"])
def test_a_daemon_without_a_scope_of_the_resource_gets_nothing(machines: Machines, scope: str | None) -> None:
    machines.operator_client("poor", GRANT, scope=scope)
    assert is_json_error(
        machines.token(GRANT, auth=("poor", SECRET), resource=RESOURCE), 400, "invalid_scope"
    )


def test_a_resource_may_be_named_by_an_alias_and_the_audience_is_canonical(machines: Machines) -> None:
    body = machines.token(GRANT, auth=AUTH, resource=f"{RESOURCE}/sse").get_json()
    assert machines.world.claims(body["access_token"])["aud"] == RESOURCE


@pytest.mark.parametrize("resource", [None, "https://unknown.example", "mcp", f"{RESOURCE}#x"])
def test_an_unknown_resource_is_refused_and_so_is_none_among_several(
    machines: Machines, resource: str | None
) -> None:
    assert is_json_error(machines.token(GRANT, auth=AUTH, resource=resource), 400, "invalid_target")


def test_a_resource_that_is_for_other_clients_is_refused(machines: Machines) -> None:
    assert is_json_error(machines.token(GRANT, auth=AUTH, resource=REPORTS), 400, "invalid_target")
    machines.operator_client("reporter", GRANT, scope="reports:read")
    body = machines.token(GRANT, auth=("reporter", SECRET), resource=REPORTS).get_json()
    assert (body["scope"], body["expires_in"]) == ("reports:read", 300)


@pytest.mark.requirement("MCP-CC-AUTHENTICATE", "RFC6749-4.4.2-AUTHENTICATE")
@pytest.mark.parametrize("auth", [("daemon", "wrong"), ("daemon", ""), ("nobody", SECRET)])
def test_a_daemon_that_does_not_prove_itself_gets_nothing(machines: Machines, auth: tuple[str, str]) -> None:
    answer = machines.token(GRANT, auth=auth, resource=RESOURCE)
    assert is_json_error(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.requirement("RFC6749-4.4.2-AUTHENTICATE")
def test_a_name_alone_or_no_name_at_all_proves_nothing(machines: Machines) -> None:
    assert is_json_error(machines.token(GRANT, client_id="daemon", resource=RESOURCE), 401, "invalid_client")
    assert is_json_error(machines.token(GRANT, resource=RESOURCE), 401, "invalid_client")


@pytest.mark.requirement("MCP-CC-REGISTERED", "RFC6749-4.4-CONFIDENTIAL")
@pytest.mark.parametrize(
    "members",
    [
        {"source": "dynamic"},
        {"source": "document"},
        {"grant_types": ("authorization_code",)},
        {"token_endpoint_auth_method": "none", "secret_hash": None},
    ],
)
def test_only_confidential_clients_that_an_operator_registered_for_it_may(
    machines: Machines, members: dict[str, Any]
) -> None:
    grant_types = members.pop("grant_types", (GRANT,))
    machines.operator_client("other", *grant_types, scope="mcp:tools", **members)
    is_public = members.get("secret_hash", "") is None
    proof = {"client_id": "other"} if is_public else {"auth": ("other", SECRET)}
    assert is_json_error(machines.token(GRANT, resource=RESOURCE, **proof), 400, "unauthorized_client")


def test_what_was_issued_is_audited_without_the_token(
    machines: Machines, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = machines.token(GRANT, auth=AUTH, resource=RESOURCE).get_json()["access_token"]
    claims = machines.world.claims(token)
    lines = [record for record in caplog.records if getattr(record, "event", "") == "token.issued"]
    assert len(lines) == 1
    assert (lines[0].client_id, lines[0].sid, lines[0].jti) == ("daemon", claims["sid"], claims["jti"])  # type: ignore[attr-defined]
    assert not any(
        token in str(record.__dict__) or SECRET in str(record.__dict__) for record in caplog.records
    )
