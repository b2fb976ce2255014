"""grant_type=jwt-bearer with Entra's access tokens (RFC 7523): callers of other tenants, no browser."""

import logging
from typing import Any

import pytest

from authserver.upstream.identity_assertion import TYP
from tests.authserver.machines import assertion_factory as made
from tests.authserver.machines.conftest import FABRIKAM, REPORTS, SECRET, SETTINGS, Machines
from tests.authserver.world import (
    ALLOWED_TENANT,
    EVIL_TENANT,
    HOME_TENANT,
    RESOURCE,
    is_json_error,
    make_world,
)

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def app_only(machines: Machines, **changes: Any) -> str:
    return made.signed(made.app_only(machines.now, **changes))


def delegated(machines: Machines, **changes: Any) -> str:
    return made.signed(made.delegated(machines.now, **changes))


def test_a_daemon_of_a_listed_tenant_gets_what_its_application_roles_map_to(machines: Machines) -> None:
    answer = machines.bearer(app_only(machines))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    # The ceiling holds model:invoke back, whatever the role maps to.
    assert body["scope"] == "mcp:tools snippets:write"
    assert "refresh_token" not in body
    claims = machines.world.claims(body["access_token"])
    assert claims["sub"] == f"{ALLOWED_TENANT}.{made.PRINCIPAL}"
    assert (claims["tid"], claims["oid"]) == (ALLOWED_TENANT, made.PRINCIPAL)
    assert (claims["client_id"], claims["aud"], claims["roles"]) == (made.DAEMON, RESOURCE, [])


def test_roles_add_up(machines: Machines) -> None:
    both = app_only(machines, roles=["Snippets.Write.All", "Snippets.Read.All", "Unheard.Of"])
    assert machines.bearer(both).get_json()["scope"] == "mcp:tools snippets:read snippets:write"
    assert machines.bearer(both, scope="snippets:read model:invoke").get_json()["scope"] == "snippets:read"


@pytest.mark.parametrize("roles", [None, [], ["Unheard.Of"], ["Admin.All"], ["snippets.write.all"]])
def test_a_daemon_without_a_role_that_maps_to_anything_gets_nothing(
    machines: Machines, roles: list[str] | None
) -> None:
    assert is_json_error(machines.bearer(app_only(machines, roles=roles)), 400, "invalid_grant")


def test_a_person_gets_the_default_scopes_that_they_hold(machines: Machines) -> None:
    body = machines.bearer(delegated(machines)).get_json()
    assert body["scope"] == "mcp:tools snippets:read"
    claims = machines.world.claims(body["access_token"])
    assert claims["sub"] == f"{ALLOWED_TENANT}.{made.PERSON}"
    assert claims["client_id"] == made.DAEMON
    writer = delegated(machines, roles=["Writer"])
    assert machines.bearer(writer).get_json()["scope"] == "mcp:tools snippets:read snippets:write"
    assert machines.bearer(writer, scope="snippets:write").get_json()["scope"] == "snippets:write"


def test_application_roles_are_worth_nothing_to_a_person(machines: Machines) -> None:
    token = delegated(machines, roles=["Snippets.Write.All"])
    assert machines.bearer(token).get_json()["scope"] == "mcp:tools snippets:read"
    assert is_json_error(machines.bearer(token, scope="snippets:write"), 400, "invalid_scope")


@pytest.mark.requirement("RFC7521-4.1-SCOPE")
def test_nothing_that_is_asked_for_is_held(machines: Machines) -> None:
    for scope in ("model:invoke", "nonsense", "reports:read"):
        assert is_json_error(machines.bearer(app_only(machines), scope=scope), 400, "invalid_scope")


def test_the_token_ends_with_the_assertion_at_the_latest(machines: Machines) -> None:
    long = machines.bearer(app_only(machines)).get_json()
    assert long["expires_in"] == 3600
    short = machines.bearer(app_only(machines, exp=machines.now + 90)).get_json()
    assert short["expires_in"] == 90
    assert machines.world.claims(short["access_token"])["exp"] == machines.now + 90


def test_an_assertion_may_be_exchanged_again_while_it_is_good(machines: Machines) -> None:
    token = app_only(machines)
    assert machines.bearer(token).status_code == 200
    machines.world.clock.advance(3000)
    assert machines.bearer(token).get_json()["expires_in"] == 900
    machines.world.clock.advance(900)
    assert is_json_error(machines.bearer(token), 400, "invalid_grant")


@pytest.mark.requirement("RFC7523-3.1-ERROR")
@pytest.mark.parametrize("kind", [made.app_only, made.delegated])
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "aaaaaaaa-0000-4000-8000-000000000001"},
        {"nonce": "n"},
        {"azp": None},
        {"azp": "bbbbbbbb-0000-4000-8000-000000000009"},
        {"ver": "1.0"},
        {"tenant": EVIL_TENANT},
        {"tenant": HOME_TENANT},
        {"scp": "User.Read"},
        {"idtyp": "device"},
    ],
)
def test_what_is_wrong_in_any_single_thing_is_worth_nothing(
    machines: Machines, kind: Any, changes: dict[str, Any]
) -> None:
    answer = machines.bearer(made.signed(kind(machines.now, **changes)))
    assert is_json_error(answer, 400, "invalid_grant")
    assert answer.get_json()["error_description"] == "the assertion is not valid"


def test_a_token_of_another_kind_is_worth_nothing(machines: Machines) -> None:
    ours = machines.bearer(app_only(machines)).get_json()["access_token"]
    id_token = {"scp": None, "azp": None, "nonce": "n"}
    for assertion in (
        ours,
        delegated(machines, **id_token),
        made.signed(made.id_jag(machines.now)),
        made.signed(made.app_only(machines.now), typ="at+jwt"),
        made.unsigned(made.app_only(machines.now)),
        "mcprt_not-an-assertion",
        "a.b.c",
        "x",
    ):
        assert is_json_error(machines.bearer(assertion), 400, "invalid_grant")


def test_an_api_token_that_calls_itself_an_id_jag_is_worth_nothing(machines: Machines) -> None:
    machines.operator_client("agent", GRANT)
    dressed_up = made.signed(made.app_only(machines.now), typ=TYP)
    assert is_json_error(machines.bearer(dressed_up, auth=("agent", SECRET)), 400, "invalid_grant")
    assert is_json_error(machines.bearer(dressed_up), 401, "invalid_client")


@pytest.mark.requirement("RFC7523-2.1-ONE")
def test_an_assertion_must_be_there_once(machines: Machines) -> None:
    assert is_json_error(machines.token(GRANT, resource=RESOURCE), 400, "invalid_request")
    twice = f"grant_type={GRANT}&assertion=a&assertion=b"
    answer = machines.world.post("/token", twice, content_type="application/x-www-form-urlencoded")
    assert is_json_error(answer, 400, "invalid_request")


def test_a_person_with_two_hundred_groups_has_a_long_token_that_is_read(machines: Machines) -> None:
    groups = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(200)]
    token = delegated(machines, groups=groups)
    assert len(token) > 4096
    assert machines.bearer(token).status_code == 200


def test_an_assertion_that_is_longer_than_any_is_refused_unread(machines: Machines) -> None:
    assert is_json_error(machines.bearer("A" * 20_000), 400, "invalid_request")


def test_the_client_may_say_its_name(machines: Machines) -> None:
    assert machines.bearer(app_only(machines), client_id=made.DAEMON).status_code == 200


@pytest.mark.requirement("RFC7521-4.1.1-CREDENTIALS")
@pytest.mark.parametrize(
    "proof",
    [
        {"client_id": "somebody-else"},
        {"client_id": made.DAEMON, "client_secret": "made-up"},
        {"auth": (made.DAEMON, "made-up")},
        {"auth": ("somebody-else", "made-up")},
    ],
)
def test_a_name_or_secret_that_is_presented_must_be_right(machines: Machines, proof: dict[str, Any]) -> None:
    assert is_json_error(machines.bearer(app_only(machines), **proof), 401, "invalid_client")


def test_a_caller_that_is_registered_here_too_must_authenticate(machines: Machines) -> None:
    machines.operator_client(made.DAEMON, GRANT, scope="mcp:tools")
    token = app_only(machines)
    assert is_json_error(machines.bearer(token), 401, "invalid_client")
    assert is_json_error(machines.bearer(token, client_id=made.DAEMON), 401, "invalid_client")
    body = machines.bearer(token, auth=(made.DAEMON, SECRET)).get_json()
    assert body["scope"] == "mcp:tools"


def test_a_caller_whose_registration_is_disabled_gets_nothing(machines: Machines) -> None:
    machines.operator_client(made.DAEMON, GRANT, is_disabled=True)
    for proof in ({}, {"client_id": made.DAEMON}, {"auth": (made.DAEMON, SECRET)}):
        assert is_json_error(machines.bearer(app_only(machines), **proof), 401, "invalid_client")


def test_an_operators_client_may_bring_another_applications_token_and_is_not_named_in_it(
    machines: Machines,
) -> None:
    machines.operator_client("broker", GRANT)
    body = machines.bearer(app_only(machines), auth=("broker", SECRET)).get_json()
    assert machines.world.claims(body["access_token"])["client_id"] == made.DAEMON


@pytest.mark.parametrize(
    "members", [{"source": "dynamic"}, {"grant_types": ("client_credentials",)}, {"source": "document"}]
)
def test_a_client_that_may_not_use_this_grant_is_refused(machines: Machines, members: dict[str, Any]) -> None:
    machines.operator_client("other", *members.pop("grant_types", (GRANT,)), **members)
    answer = machines.bearer(app_only(machines), auth=("other", SECRET))
    assert is_json_error(answer, 400, "unauthorized_client")


def test_resources_are_named_as_everywhere(machines: Machines) -> None:
    token = app_only(machines)
    assert machines.bearer(token, resource=f"{RESOURCE}/sse").status_code == 200
    for resource in (None, "https://unknown.example", REPORTS):
        assert is_json_error(machines.bearer(token, resource=resource), 400, "invalid_target")


def test_a_tenant_that_is_taken_off_the_list_gets_nothing_any_more(machines: Machines, tmp_path: Any) -> None:
    (tmp_path / "other").mkdir()
    for entry in ({}, {ALLOWED_TENANT: "Fabrikam"}, {ALLOWED_TENANT: {**FABRIKAM, "clients": []}}):
        settings = {**SETTINGS, "allowed_tenants": entry}
        world = make_world(tmp_path / "other", connect=lambda _url: machines.network, **settings)
        assert is_json_error(
            Machines(world, machines.network).bearer(app_only(machines)), 400, "invalid_grant"
        )
        world.store.close()


def test_a_person_without_the_role_that_the_tenant_must_give_gets_nothing(tmp_path: Any) -> None:
    network = made.Network()
    tenants = {ALLOWED_TENANT: {**FABRIKAM, "required_roles": ["Writer"]}}
    world = make_world(tmp_path, connect=lambda _url: network, **{**SETTINGS, "allowed_tenants": tenants})
    machines = Machines(world, network)
    assert is_json_error(machines.bearer(delegated(machines)), 400, "invalid_grant")
    assert machines.bearer(delegated(machines, roles=["Writer"])).status_code == 200
    assert machines.bearer(app_only(machines)).status_code == 200
    world.store.close()


def test_without_an_api_application_the_grant_is_not_there(tmp_path: Any) -> None:
    world = make_world(tmp_path)
    answer = world.post("/token", {"grant_type": GRANT, "assertion": made.signed(made.app_only(1.0))})
    assert is_json_error(answer, 400, "unsupported_grant_type")
    world.store.close()


def test_entra_that_is_away_is_said_so(machines: Machines) -> None:
    machines.network.is_down = True
    answer = machines.bearer(app_only(machines))
    assert is_json_error(answer, 503, "temporarily_unavailable")
    assert "Retry-After" in answer.headers
    machines.network.is_down = False
    assert machines.bearer(app_only(machines)).status_code == 200


def test_what_was_issued_is_audited_with_entras_name_for_the_assertion(
    machines: Machines, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = app_only(machines)
    issued = machines.bearer(token).get_json()["access_token"]
    machines.bearer(app_only(machines, aud="elsewhere"))
    (line,) = [vars(record) for record in caplog.records if getattr(record, "event", "") == "token.issued"]
    assert (line["uti"], line["tid"], line["oid"]) == ("uti-1", ALLOWED_TENANT, made.PRINCIPAL)
    assert (line["client_id"], line["assertion"]) == (made.DAEMON, "app")
    written = " ".join(str(vars(record)) for record in caplog.records)
    assert token not in written
    assert issued not in written
    # Why the other one was refused is for the operator alone.
    assert "assertion: aud" in caplog.text
