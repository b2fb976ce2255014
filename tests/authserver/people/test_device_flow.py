"""The device's side of RFC 8628: what it asks for, what polling answers, and who gets the tokens, once."""

import re
import threading
from typing import Any

import pytest

from authserver.model import Identity
from tests.authserver.people.devices import (
    GRANT,
    Device,
    approve,
    ask,
    come_back,
    decide,
    operators_client,
)
from tests.authserver.world import (
    ALICE,
    EVIL_TENANT,
    ISSUER,
    MALLORY,
    RESOURCE,
    World,
    is_json_error,
    is_page,
)


@pytest.fixture
def device(world: World) -> Device:
    return ask(world, operators_client(world))


@pytest.mark.requirement("RFC8628-3.2-RESPONSE", "RFC8628-5.2-SECRET")
def test_a_device_gets_a_code_to_show_and_one_to_keep(device: Device) -> None:
    answer = device.answer
    assert set(answer) == {
        *("device_code", "user_code", "verification_uri", "verification_uri_complete"),
        *("expires_in", "interval"),
    }
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", answer["user_code"])
    assert answer["verification_uri"] == f"{ISSUER}/oauth/device"
    assert answer["verification_uri_complete"].endswith(f"/oauth/device?user_code={answer['user_code']}")
    assert (answer["expires_in"], answer["interval"]) == (600, 5)
    assert len(answer["device_code"]) >= 43


def test_neither_code_is_in_the_store(world: World, device: Device) -> None:
    kept = str([world.store.list_records(kind) for kind in ("device", "user-code")])
    assert device.answer["device_code"] not in kept
    assert device.answer["user_code"].replace("-", "") not in kept


@pytest.mark.requirement("RFC8628-3.5-PENDING")
def test_tokens_come_once_a_person_has_allowed_it_and_signed_in(world: World, device: Device) -> None:
    assert device.error() == "authorization_pending"
    page = approve(world, device)
    assert page.status_code == 200
    assert "You can close this page" in page.text
    tokens = device.poll().get_json()
    claims = world.claims(tokens["access_token"])
    assert (claims["sub"], claims["aud"], claims["client_id"]) == (ALICE.subject, RESOURCE, "television")
    assert tokens["scope"] == "mcp:tools snippets:read snippets:write"
    assert world.refresh(device.client, tokens["refresh_token"]).status_code == 200


def test_allowing_it_without_signing_in_gives_the_device_nothing(world: World, device: Device) -> None:
    decide(world.browser(), device.answer["user_code"], "allow")
    assert device.error() == "authorization_pending"


def test_a_sign_in_that_fails_gives_the_device_nothing_and_may_be_tried_again(
    world: World, device: Device
) -> None:
    browser = world.browser()
    departed = decide(browser, device.answer["user_code"], "allow")
    assert is_page(come_back(browser, departed, error="access_denied"), 403)
    assert device.error() == "authorization_pending"
    assert approve(world, device).status_code == 200


def test_a_tenant_that_is_not_allowed_gives_the_device_nothing(world: World, device: Device) -> None:
    world.broker.person = MALLORY
    assert is_page(approve(world, device), 403)
    assert device.error() == "authorization_pending"


@pytest.mark.requirement("RFC8628-3.5-DENIED")
def test_after_deny_the_device_hears_so_and_nobody_can_allow_it(world: World, device: Device) -> None:
    browser = world.browser()
    response = decide(browser, device.answer["user_code"], "deny")
    assert "gets no access" in response.text
    assert device.error() == "access_denied"
    assert decide(browser, device.answer["user_code"], "allow").status_code == 400
    assert device.error() == "access_denied"


@pytest.mark.requirement("RFC8628-3.5-SLOW-DOWN")
def test_who_polls_too_fast_must_wait_longer_each_time(world: World, device: Device) -> None:
    assert device.error() == "authorization_pending"
    world.clock.advance(2)
    assert device.error() == "slow_down"
    world.clock.advance(6)
    assert device.error() == "slow_down"
    world.clock.advance(14)
    assert device.error() == "authorization_pending"


def test_polls_that_the_network_brought_a_little_closer_are_not_too_fast(
    world: World, device: Device
) -> None:
    for _ in range(3):
        assert device.error() == "authorization_pending"
        world.clock.advance(4.5)


@pytest.mark.requirement("RFC8628-3.5-EXPIRED")
def test_after_its_lifetime_the_device_hears_so_and_the_code_is_no_code(world: World, device: Device) -> None:
    world.clock.advance(600)
    assert device.error() == "expired_token"
    assert decide(world.browser(), device.answer["user_code"], "allow").status_code == 400
    world.clock.advance(1000)
    assert device.error() == "invalid_grant"


def test_somebody_who_returns_from_entra_too_late_approves_nothing(world: World, device: Device) -> None:
    browser = world.browser()
    departed = decide(browser, device.answer["user_code"], "allow")
    world.clock.advance(600)
    assert is_page(come_back(browser, departed), 400)
    assert device.error() == "expired_token"


def test_an_approval_that_is_not_fetched_in_time_is_worth_nothing(world: World, device: Device) -> None:
    approve(world, device)
    world.clock.advance(600)
    assert device.error() == "expired_token"


@pytest.mark.requirement("RFC8628-3.4-CLIENT")
def test_a_device_code_is_good_once(world: World, device: Device) -> None:
    approve(world, device)
    assert device.poll().status_code == 200
    assert device.error() == "invalid_grant"


def test_of_parallel_polls_one_gets_tokens(world: World, device: Device) -> None:
    approve(world, device)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(device.poll().status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 7


@pytest.mark.requirement("RFC8628-3.4-CLIENT")
def test_another_client_gets_nothing_for_the_code_and_does_not_spend_it(world: World, device: Device) -> None:
    approve(world, device)
    other = operators_client(world, "another")
    assert device.error(**other) == "invalid_grant"
    assert device.poll().status_code == 200


@pytest.mark.requirement("RFC8628-3.1-AUTHENTICATE")
def test_a_client_with_a_secret_must_show_it_at_both_endpoints(world: World) -> None:
    client = operators_client(world, "kiosk", token_endpoint_auth_method="client_secret_post")
    refused = world.post("/device_authorization", {"client_id": "kiosk"})
    assert is_json_error(refused, 401, "invalid_client")
    device = ask(world, client)
    approve(world, device)
    assert is_json_error(device.poll(client_secret="wrong"), 401, "invalid_client")
    assert device.poll().status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"grant_types": ("authorization_code",)}, {"source": "dynamic"}, {"source": "document"}],
    ids=["without the grant", "registered itself", "a metadata document"],
)
def test_a_client_that_the_operator_did_not_register_for_devices_gets_no_code(
    world: World, changes: dict[str, Any]
) -> None:
    client = operators_client(world, "other", **changes)
    assert is_json_error(world.post("/device_authorization", client), 400, "unauthorized_client")


def test_a_client_that_registers_itself_does_not_get_the_grant(world: World) -> None:
    client = world.register(grant_types=["authorization_code", GRANT])
    assert client["grant_types"] == ["authorization_code"]
    refused = world.post("/device_authorization", {"client_id": client["client_id"]})
    assert is_json_error(refused, 400, "unauthorized_client")


def test_a_device_gets_no_more_than_the_operator_gave_its_client(world: World) -> None:
    client = operators_client(world, "narrow", scope="mcp:tools")
    device = ask(world, client, scope="mcp:tools model:invoke")
    approve(world, device)
    assert device.poll().get_json()["scope"] == "mcp:tools"
    refused = world.post("/device_authorization", {**client, "scope": "model:invoke"})
    assert is_json_error(refused, 400, "invalid_scope")


def test_a_client_that_may_not_refresh_gets_no_refresh_token(world: World) -> None:
    device = ask(world, operators_client(world, "short", grant_types=(GRANT,)))
    approve(world, device)
    assert "refresh_token" not in device.poll().get_json()


@pytest.mark.requirement("RFC8628-3.1-ONCE")
@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_request"),
        ({"scope": ["mcp:tools", "mcp:tools"]}, "invalid_request"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_json(
    world: World, form: dict[str, Any], code: str
) -> None:
    sent = {**operators_client(world), **form}
    response = world.post("/device_authorization", {k: v for k, v in sent.items() if v is not None})
    assert is_json_error(response, 401 if code == "invalid_client" else 400, code)


@pytest.mark.requirement("RFC8628-3.1-EMPTY")
def test_parameters_without_a_value_count_as_left_out(world: World) -> None:
    device = ask(world, operators_client(world), scope="", resource="", client_secret="", made_up="")
    approve(world, device)
    tokens = device.poll(resource="", client_secret="").get_json()
    assert tokens["scope"] == "mcp:tools snippets:read snippets:write"
    assert world.claims(tokens["access_token"])["aud"] == RESOURCE


def test_parameters_in_the_query_are_refused(world: World) -> None:
    client = operators_client(world)
    assert is_json_error(world.post("/device_authorization?scope=x", client), 400, "invalid_request")


@pytest.mark.parametrize("device_code", [None, "", "x", "mcpdc_" + "A" * 43, "mcpac_" + "A" * 43])
def test_what_is_no_device_code_is_refused(world: World, device: Device, device_code: str | None) -> None:
    expected = "invalid_grant" if device_code else "invalid_request"
    assert device.error(device_code=device_code) == expected


def test_another_resource_than_the_one_that_was_allowed_is_refused_and_spends_nothing(
    world: World, device: Device
) -> None:
    approve(world, device)
    assert device.error(resource="https://elsewhere.example/mcp") == "invalid_target"
    assert device.poll(resource=RESOURCE).status_code == 200


def test_somebody_whose_tenant_was_taken_off_the_list_meanwhile_gives_the_device_nothing(
    world: World, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(world, device)
    name, text = world.store.list_records("device")[0]
    foreign = text.replace(ALICE.tid, EVIL_TENANT)
    assert world.store.swap_record("device", name, text, foreign, int(world.clock()) + 600)
    assert device.error() == "invalid_grant"


def test_the_session_of_a_device_ends_like_any_other(world: World, device: Device) -> None:
    approve(world, device)
    tokens = device.poll().get_json()
    world.post("/revoke", {**device.client, "token": tokens["refresh_token"]})
    assert world.refresh(device.client, tokens["refresh_token"]).status_code == 400


def test_two_devices_of_one_client_are_two_authorizations(world: World) -> None:
    client = operators_client(world)
    first, second = ask(world, client), ask(world, client)
    approve(world, first)
    assert second.error() == "authorization_pending"
    world.broker.person = Identity(ALICE.tid, ALICE.oid[:-1] + "9", "bob@contoso.example", "Bob", 0)
    approve(world, second)
    subjects = [world.claims(d.poll().get_json()["access_token"])["sub"] for d in (first, second)]
    assert subjects[0] != subjects[1]
