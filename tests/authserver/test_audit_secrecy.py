"""Never a secret in the audit trail: whatever is fed to whichever endpoint, and all the ways through."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from authserver.audit import KIND, AuditTrail, kept, read_trail
from authserver.store.family import GRACE_SECONDS
from tests.authserver.people.devices import approve, ask, operators_client
from tests.authserver.test_limits import paths_of
from tests.authserver.world import VERIFIER, World, answer_of, read_page

SECRET = "5ecret-that-nobody-may-read"
JWT = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (b'{"alg":"RS256","typ":"JWT"}', json.dumps({"iss": SECRET}).encode(), SECRET.encode())
)
_NAMES = (
    *(
        "code",
        "code_verifier",
        "refresh_token",
        "client_secret",
        "device_code",
        "user_code",
        "token",
        "state",
    ),
    *("registration_access_token", "id_token_hint", "request", "form", "csrf", "password", "access_token"),
)


@pytest.fixture
def trail(world: World) -> Iterator[AuditTrail]:
    with kept(world.store, world.clock, 90) as opened:
        yield opened


def kept_text(world: World, trail: AuditTrail) -> str:
    trail.flush()
    return "\n".join(text for _, text in world.store.list_records(KIND, limit=100_000))


def reasons_of(world: World, trail: AuditTrail) -> list[str]:
    trail.flush()
    return [line["detail"] for line in read_trail(world.store, 0, event="token.refused", limit=1000)]


def test_secrets_fed_to_every_endpoint_are_in_no_line(world: World, trail: AuditTrail) -> None:
    client = world.register(token_endpoint_auth_method="client_secret_post")
    basic = base64.b64encode(f"{client['client_id']}:{SECRET}".encode()).decode()
    parameters = {**dict.fromkeys(_NAMES, SECRET), "assertion": JWT, "client_assertion": JWT}
    for path in paths_of(world):
        for grant in ("authorization_code", "refresh_token", "client_credentials", "device", "jwt-bearer"):
            grant_type = grant if "_" in grant else f"urn:ietf:params:oauth:grant-type:{grant}"
            form = {**parameters, "grant_type": grant_type, "client_id": client["client_id"]}
            world.post(path, form)
            world.post(path, form, headers={"Authorization": f"Bearer {SECRET}"})
            del form["client_secret"], form["client_assertion"]
            world.post(path, form, headers={"Authorization": f"Basic {basic}"})
            world.post(path, {"grant_type": grant_type, "assertion": JWT})
        world.post(path, json=parameters)
        browser = world.browser()
        browser.set_cookie("mcpstack_login", SECRET)
        browser.get(f"{path}?{urlencode(parameters)}", headers={"Authorization": f"Bearer {SECRET}"})
        for method in ("PUT", "DELETE"):
            browser.open(path, method=method, json=parameters, headers={"Authorization": f"Bearer {SECRET}"})
    text = kept_text(world, trail)
    assert "token.refused" in text
    for secret in (SECRET, JWT, JWT.split(".")[1], basic, client["client_secret"]):
        assert secret not in text


def test_a_whole_life_of_a_session_leaves_no_secret_behind(world: World, trail: AuditTrail) -> None:
    client = world.register(token_endpoint_auth_method="client_secret_post")
    browser = world.browser()
    page = read_page(world.authorize(browser, client["client_id"]))
    state = world.allow(browser, client["client_id"])
    cookies = [cookie.value for cookie in browser._cookies.values()]  # type: ignore[attr-defined]
    code = answer_of(browser.get("/callback?" + urlencode({"state": state, "code": "good"})))["code"]
    tokens = world.redeem(client, code).get_json()
    refreshed = world.refresh(client, tokens["refresh_token"]).get_json()
    world.clock.advance(GRACE_SECONDS + 1)
    world.refresh(client, tokens["refresh_token"])
    world.redeem(client, code)
    device = ask(world, operators_client(world))
    approve(world, device)
    device_tokens = device.poll().get_json()
    client_form = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    world.post("/revoke", {"token": device_tokens["refresh_token"], **client_form})
    text = kept_text(world, trail)
    for event in (
        "token.issued",
        "refresh_token.reused",
        "code.replayed",
        "device.requested",
        "consent.given",
    ):
        assert event in text
    issued: dict[str, Any] = {
        **{f"cookie {number}": cookie for number, cookie in enumerate(cookies)},
        **{f"field {name}": value for name, value in page.fields.items()},
        "client secret": client["client_secret"],
        "registration token": client["registration_access_token"],
        "state": state,
        "code": code,
        "verifier": VERIFIER,
        "upstream verifier": "upstream-verifier-secret",
        "entra": "entra-refresh-token",
        "device code": device.answer["device_code"],
        "user code": device.answer["user_code"],
        "master secret": world.settings.master_secret.get_secret_value(),
    }
    for answer in (tokens, refreshed, device_tokens):
        issued |= {f"{name} {len(issued)}": answer[name] for name in ("access_token", "refresh_token")}
    assert [name for name, value in issued.items() if value in text] == []
    assert not re.search(r"eyJ[A-Za-z0-9_-]{10,}", text), "nor any other JWT"


def test_a_refusal_is_kept_with_its_reason(world: World, trail: AuditTrail) -> None:
    client = world.register()
    code = world.sign_in(client["client_id"])["code"]
    world.redeem(client, code, code_verifier="w" * 43)
    world.refresh({"client_id": "nobody"}, "x")
    world.post("/token", {"grant_type": "password"})
    assert reasons_of(world, trail) == ["wrong code_verifier", "unknown client"]
    (first, _) = read_trail(world.store, 0, event="token.refused", limit=10)
    assert (first["reason"], first["unverified_client_id"]) == ("invalid_grant", client["client_id"])


def test_a_storm_of_refusals_is_kept_by_its_number(world: World, trail: AuditTrail) -> None:
    for _ in range(350):
        world.refresh({"client_id": "nobody"}, "x")
    assert len(reasons_of(world, trail)) == 300
    world.clock.advance(60)
    world.refresh({"client_id": "nobody"}, "x")
    trail.flush()
    *_, of_the_minute_before, latest = read_trail(world.store, 0, event="token.refused", limit=1000)
    assert of_the_minute_before["not_listed"] == 50
    assert latest["detail"] == "unknown client"


def test_the_first_signing_key_and_each_new_one_are_in_the_trail(world: World, trail: AuditTrail) -> None:
    world.clock.advance(world.settings.signing_key_rotation_seconds)
    kids = {key["kid"] for key in world.get("/jwks").get_json()["keys"]}
    trail.flush()
    created = read_trail(world.store, 0, event="key.created", limit=10)
    assert created
    assert {line["kid"] for line in created} <= kids
