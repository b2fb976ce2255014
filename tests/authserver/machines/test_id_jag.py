"""Enterprise-managed authorization: a company's ID-JAG instead of a sign-in, spent by its first use."""

import logging
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authserver.upstream.identity_assertion import TYP
from tests.authserver.machines import assertion_factory as made
from tests.authserver.machines.conftest import REPORTS, SECRET, SETTINGS, Machines
from tests.authserver.world import RESOURCE, is_json_error, make_world

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUTH = ("agent", SECRET)


@pytest.fixture(autouse=True)
def agent(machines: Machines) -> None:
    machines.operator_client("agent", GRANT)


def jag(machines: Machines, **changes: Any) -> str:
    return made.signed(made.id_jag(machines.now, **changes), typ=TYP)


def present(machines: Machines, assertion: str, **form: Any) -> TestResponse:
    return machines.bearer(assertion, **{"auth": AUTH, **form})


@pytest.mark.requirement("ID-JAG-SCOPE")
def test_a_person_of_the_company_gets_what_its_identity_provider_granted(machines: Machines) -> None:
    answer = present(machines, jag(machines))
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["scope"] == "mcp:tools snippets:read"
    assert "refresh_token" not in body
    claims = machines.world.claims(body["access_token"])
    assert (claims["sub"], claims["tid"], claims["oid"]) == ("acme.U019488227", "acme", "U019488227")
    assert (claims["client_id"], claims["aud"], claims["roles"]) == ("agent", RESOURCE, [])


def test_the_token_ends_with_the_assertion_at_the_latest(machines: Machines) -> None:
    assert present(machines, jag(machines, exp=machines.now + 120)).get_json()["expires_in"] == 120


@pytest.mark.requirement("MCP-EMA-REPLAY")
def test_it_is_spent_by_its_first_use(machines: Machines, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assertion = jag(machines)
    assert present(machines, assertion).status_code == 200
    assert is_json_error(present(machines, assertion), 400, "invalid_grant")
    # Another signature over the same jti is the same assertion.
    assert is_json_error(present(machines, jag(machines, exp=machines.now + 200)), 400, "invalid_grant")
    assert present(machines, jag(machines, jti="jag-2")).status_code == 200
    assert [vars(r)["jti"] for r in caplog.records if getattr(r, "event", "") == "assertion.replayed"]


def test_what_was_refused_for_another_reason_is_not_spent(machines: Machines) -> None:
    assertion = jag(machines)
    assert is_json_error(present(machines, assertion, scope="model:invoke"), 400, "invalid_scope")
    assert is_json_error(present(machines, assertion, resource=REPORTS), 400, "invalid_target")
    assert present(machines, assertion).status_code == 200


@pytest.mark.requirement("ID-JAG-CLIENT")
@pytest.mark.parametrize("auth", [None, ("agent", "wrong"), ("nobody", SECRET)])
def test_the_client_must_prove_itself_before_anything_is_looked_at(
    machines: Machines, auth: tuple[str, str] | None
) -> None:
    assert is_json_error(present(machines, jag(machines), auth=auth), 401, "invalid_client")
    assert machines.network.asked == []


@pytest.mark.requirement("ID-JAG-CLIENT")
def test_it_is_for_the_client_that_it_names(tmp_path: Path) -> None:
    (issuer,) = SETTINGS["identity_assertion_issuers"]
    # The issuer speaks for both: only the name in the assertion tells them apart.
    settings = {**SETTINGS, "identity_assertion_issuers": [{**issuer, "clients": ["agent", "thief"]}]}
    network = made.Network()
    (folder := tmp_path / "both").mkdir()
    world = make_world(folder, connect=lambda _url: network, **settings)
    machines = Machines(world, network)
    machines.operator_client("agent", GRANT)
    machines.operator_client("thief", GRANT)
    assertion = jag(machines)
    assert is_json_error(present(machines, assertion, auth=("thief", SECRET)), 400, "invalid_grant")
    assert present(machines, assertion).status_code == 200
    world.store.close()


def test_an_issuer_speaks_only_for_the_clients_that_the_operator_named(machines: Machines) -> None:
    machines.operator_client("other", GRANT)
    stretched = jag(machines, client_id="other")
    assert is_json_error(present(machines, stretched, auth=("other", SECRET)), 400, "invalid_grant")


@pytest.mark.parametrize(
    "members",
    [
        {"source": "dynamic"},
        {"source": "document"},
        {"grant_types": ("client_credentials",)},
        {"token_endpoint_auth_method": "none", "secret_hash": None},
    ],
)
def test_only_confidential_clients_that_an_operator_registered_for_it_may(
    machines: Machines, members: dict[str, Any]
) -> None:
    is_public = "secret_hash" in members
    machines.operator_client("agent", *members.pop("grant_types", (GRANT,)), **members)
    proof = {"auth": None, "client_id": "agent"} if is_public else {}
    assert is_json_error(present(machines, jag(machines), **proof), 400, "unauthorized_client")


@pytest.mark.requirement("ID-JAG-CNF", "MCP-EMA-RESOURCE")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"iss": "https://evil.example"},
        {"exp": 1.0},
        {"resource": "https://elsewhere.example/mcp"},
        {"resource": [RESOURCE, REPORTS]},
        {"resource": f"{RESOURCE}#x"},
        {"scope": "model:invoke"},
        {"scope": "nonsense"},
        {"scope": ""},
        {"cnf": {"jkt": "x"}},
        {"jti": None},
    ],
)
def test_what_is_wrong_in_any_single_thing_is_worth_nothing(
    machines: Machines, changes: dict[str, Any]
) -> None:
    for asked in (RESOURCE, None):
        answer = present(machines, jag(machines, **changes), resource=asked)
        assert is_json_error(answer, 400, "invalid_grant")
        assert answer.get_json()["error_description"] == "the assertion is not valid"


@pytest.mark.requirement("ID-JAG-TYP")
def test_an_entra_token_in_its_place_is_worth_nothing_and_the_other_way_round(machines: Machines) -> None:
    claims = made.id_jag(machines.now)
    assert is_json_error(present(machines, made.signed(claims)), 400, "invalid_grant")
    assert is_json_error(present(machines, made.signed(claims, typ="at+jwt")), 400, "invalid_grant")
    dressed_up = made.signed(made.delegated(machines.now), typ=TYP)
    assert is_json_error(present(machines, dressed_up), 400, "invalid_grant")


@pytest.mark.requirement("MCP-EMA-RESOURCE")
def test_its_resource_and_the_requests_are_the_same(machines: Machines) -> None:
    assert present(machines, jag(machines), resource=f"{RESOURCE}/sse").status_code == 200
    by_alias = jag(machines, jti="2", resource=f"{RESOURCE}/sse")
    assert machines.world.claims(present(machines, by_alias).get_json()["access_token"])["aud"] == RESOURCE
    machines.operator_client("reporter", GRANT)
    # Which resource is meant may be said by either.
    assert present(machines, jag(machines, jti="3"), resource=None).status_code == 200
    assert present(machines, jag(machines, jti="4", resource=None)).status_code == 200
    neither = present(machines, jag(machines, jti="5", resource=None), resource=None)
    assert is_json_error(neither, 400, "invalid_target")
    other = present(machines, jag(machines, jti="6"), resource="https://unknown.example")
    assert is_json_error(other, 400, "invalid_target")


@pytest.mark.requirement("MCP-EMA-RESOURCE")
def test_what_was_granted_for_one_server_opens_no_other(tmp_path: Path) -> None:
    (issuer,), (mcpstack, reports) = SETTINGS["identity_assertion_issuers"], SETTINGS["resources"]
    # Nothing else stands between this client and the reports.
    settings = {
        **SETTINGS,
        "identity_assertion_issuers": [{**issuer, "scopes": ["mcp:tools", "reports:read"]}],
        "resources": [mcpstack, {**reports, "allowed_clients": ["agent"]}],
    }
    network = made.Network()
    (folder := tmp_path / "open").mkdir()
    world = make_world(folder, connect=lambda _url: network, **settings)
    machines = Machines(world, network)
    machines.operator_client("agent", GRANT)
    assertion = jag(machines, scope="mcp:tools reports:read")
    assert is_json_error(present(machines, assertion, resource=REPORTS), 400, "invalid_target")
    answer = present(machines, assertion, resource=None)
    assert answer.get_json()["scope"] == "mcp:tools"
    assert world.claims(answer.get_json()["access_token"])["aud"] == RESOURCE
    world.store.close()


@pytest.mark.requirement("MCP-EMA-SCOPES", "RFC7521-4.1-SCOPE")
def test_scopes_are_what_all_agree_on(machines: Machines) -> None:
    def granted(scope: str | None, asked: str | None) -> str:
        assertion = jag(machines, jti=f"{scope} {asked}".replace(" ", "-"), scope=scope)
        return str(present(machines, assertion, scope=asked).get_json()["scope"])

    assert granted("snippets:write model:invoke nonsense", None) == "snippets:write"
    assert granted("mcp:tools snippets:read", "snippets:read snippets:write") == "snippets:read"
    assert granted(None, None) == "mcp:tools snippets:read snippets:write"
    assert granted(None, "snippets:read") == "snippets:read"
    machines.operator_client("agent", GRANT, scope="snippets:read")
    machines.world.clock.advance(10)
    assert granted("mcp:tools snippets:read", None) == "snippets:read"


def test_an_issuer_without_scopes_grants_nothing(tmp_path: Any) -> None:
    network = made.Network()
    (issuer,) = SETTINGS["identity_assertion_issuers"]
    settings = {**SETTINGS, "identity_assertion_issuers": [{**issuer, "scopes": []}]}
    world = make_world(tmp_path, connect=lambda _url: network, **settings)
    machines = Machines(world, network)
    machines.operator_client("agent", GRANT)
    assert is_json_error(present(machines, jag(machines)), 400, "invalid_grant")
    world.store.close()


def test_an_issuer_that_is_away_is_said_so_and_nothing_is_spent(machines: Machines) -> None:
    machines.network.is_down = True
    assertion = jag(machines)
    assert is_json_error(present(machines, assertion), 503, "temporarily_unavailable")
    machines.network.is_down = False
    assert present(machines, assertion).status_code == 200


@pytest.mark.requirement("MCP-EMA-LOG")
def test_what_was_issued_is_audited(machines: Machines, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assertion = jag(machines)
    present(machines, assertion)
    (line,) = [vars(record) for record in caplog.records if getattr(record, "event", "") == "token.issued"]
    assert (line["client_id"], line["issuer"], line["assertion"]) == ("agent", made.IDP, "id-jag")
    assert (line["sub"], line["assertion_jti"]) == ("acme.U019488227", "jag-1")
    assert assertion not in " ".join(str(vars(record)) for record in caplog.records)
