"""The page of the device flow: the code is typed or confirmed, the facts are shown, one browser decides."""

import logging
from dataclasses import replace
from typing import Any

import pytest

from authserver.oauth.device.guess_limit import MOST_FROM_ONE_NETWORK, MOST_IN_TOTAL, WINDOW_SECONDS
from tests.authserver.people.devices import Device, ask, come_back, decide, enter, operators_client
from tests.authserver.world import World, is_page, make_world, read_page


@pytest.fixture
def device(world: World) -> Device:
    return ask(world, operators_client(world))


def decision(world: World, device: Device) -> str:
    return read_page(enter(world.browser(), device.answer["user_code"])).text


@pytest.mark.requirement("RFC8628-3.3.1-CONFIRM")
def test_a_link_with_the_code_fills_it_in_and_decides_nothing(world: World, device: Device) -> None:
    browser = world.browser()
    url = device.answer["verification_uri_complete"].replace("http://localhost:8080/oauth", "")
    page = read_page(browser.get(url))
    assert page.fields["user_code"] == device.answer["user_code"]
    assert list(page.buttons) == ["decision=continue"]
    next_page = read_page(browser.post("/device", data={**page.fields, "decision": "continue"}))
    assert list(next_page.buttons) == ["decision=allow", "decision=deny"]
    assert device.error() == "authorization_pending"


@pytest.mark.parametrize("step", ["allow", "deny"])
def test_the_form_that_asks_for_the_code_cannot_decide(world: World, device: Device, step: str) -> None:
    browser = world.browser()
    page = read_page(browser.get(f"/device?user_code={device.answer['user_code']}"))
    form = {**page.fields, "decision": step}
    assert is_page(browser.post("/device", data=form), 400)
    assert device.error() == "authorization_pending"


def test_the_page_says_who_asks_for_what_from_where_and_when(world: World) -> None:
    client = operators_client(world, client_name="Living\u202e room")
    world.post("/device_authorization", client, headers={"User-Agent": "tv-app/3.1 (x)"}, environ_base={})
    device = ask(world, client, scope="mcp:tools snippets:read")
    world.clock.advance(185)
    text = decision(world, device)
    assert "A device with Living room wants access to mcpstack" in text
    assert device.answer["user_code"] in text
    assert "Read your snippets" in text
    assert "Save and delete" not in text
    assert "3 minutes ago, from 127.0.0.1" in text
    assert "Did you start this?" in text
    assert "Unverified" not in text


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("tv-app/3.1 (x)", "by tv-app"),
        ("Mozilla/5.0 (X11) Gecko/20100101 Firefox/140.0", "by Firefox"),
        ("<script>", "by an unnamed program"),
        ("", "by an unnamed program"),
    ],
)
def test_the_program_that_asked_is_named_by_its_family(world: World, agent: str, shown: str) -> None:
    response = world.post("/device_authorization", operators_client(world), headers={"User-Agent": agent})
    device = Device(world, {}, response.get_json())
    assert shown in decision(world, device)


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, "from 127.0.0.1"),
        ({"X-Forwarded-For": "203.0.113.9", "X-Public-Origin": "http://localhost:8080"}, "from 203.0.113.9"),
        (
            {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Public-Origin": "http://localhost:8080"},
            "from 203.0.113.9",
        ),
        ({"X-Forwarded-For": "nonsense", "X-Public-Origin": "http://localhost:8080"}, "from 127.0.0.1"),
    ],
    ids=["past the gateway", "through the gateway", "claimed to the gateway", "no address"],
)
def test_the_address_is_the_one_that_the_trusted_edge_saw(
    world: World, headers: dict[str, str], shown: str
) -> None:
    response = world.post("/device_authorization", operators_client(world), headers=headers)
    assert shown in decision(world, Device(world, {}, response.get_json()))


@pytest.mark.parametrize("spelling", [str.lower, lambda code: code.replace("-", ""), " {} ".format])
def test_the_code_is_found_however_it_is_typed(world: World, device: Device, spelling: Any) -> None:
    page = read_page(enter(world.browser(), spelling(device.answer["user_code"])))
    assert "decision=allow" in page.buttons


@pytest.mark.parametrize("typed", ["", "AEIO-UAEI", "BBBB-BBBB", "x" * 500, "<b>", "BCDF-GHJK-LMNP"])
def test_a_code_that_is_none_leads_back_to_the_form_and_is_audited(
    world: World, device: Device, typed: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        response = enter(world.browser(), typed)
    assert response.status_code == 400
    assert list(read_page(response).buttons) == ["decision=continue"]
    assert "There is no such code" in response.text
    assert "device.code_unknown" in [r.getMessage() for r in caplog.records if r.name == "audit"]
    assert "<b>" not in response.text


def test_what_stands_in_the_link_is_shown_only_if_it_is_a_code(world: World) -> None:
    page = read_page(world.browser().get('/device?user_code="><script>alert(1)</script>'))
    assert page.fields["user_code"] == ""
    assert "<script" not in page.response.text


@pytest.mark.requirement("RFC8628-5.1-GUESSES")
def test_guesses_from_one_network_are_limited_and_the_right_code_waits_too(
    world: World, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MOST_FROM_ONE_NETWORK):
        assert enter(world.browser(), "BBBB-BBBB").status_code == 400
    with caplog.at_level(logging.INFO):
        refused = enter(world.browser(), device.answer["user_code"])
    assert is_page(refused, 429)
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW_SECONDS
    assert "device.guesses_refused" in [r.getMessage() for r in caplog.records if r.name == "audit"]
    elsewhere = {"REMOTE_ADDR": "203.0.113.7"}
    assert enter(world.browser(), device.answer["user_code"], environ_base=elsewhere).status_code == 200


def test_a_busy_team_behind_one_address_that_types_its_codes_is_not_limited(world: World) -> None:
    client = operators_client(world)
    for _ in range(MOST_FROM_ONE_NETWORK + 5):
        assert enter(world.browser(), ask(world, client).answer["user_code"]).status_code == 200
    for _ in range(MOST_FROM_ONE_NETWORK):
        assert enter(world.browser(), "BBBB-BBBB").status_code == 400
    assert enter(world.browser(), "BBBB-BBBB").status_code == 429


def test_guesses_are_allowed_again_in_the_next_minutes(world: World) -> None:
    for _ in range(MOST_FROM_ONE_NETWORK + 1):
        refused = enter(world.browser(), "BBBB-BBBB")
    assert refused.status_code == 429
    world.clock.advance(int(refused.headers["Retry-After"]))
    device = ask(world, operators_client(world))
    assert enter(world.browser(), device.answer["user_code"]).status_code == 200


def test_guesses_from_everywhere_together_are_limited(world: World, device: Device) -> None:
    window = int(world.clock()) // WINDOW_SECONDS
    expires = (window + 1) * WINDOW_SECONDS
    world.store.put_record("user-code-guesses", f"{window} total", str(MOST_IN_TOTAL), expires)
    assert is_page(enter(world.browser(), device.answer["user_code"]), 429)


def test_addresses_of_one_ipv6_network_guess_together(world: World) -> None:
    for number in range(MOST_FROM_ONE_NETWORK):
        enter(world.browser(), "BBBB-BBBB", environ_base={"REMOTE_ADDR": f"2001:db8::{number + 1:x}"})
    last = enter(world.browser(), "BBBB-BBBB", environ_base={"REMOTE_ADDR": "2001:db8::ffff"})
    assert last.status_code == 429


@pytest.mark.parametrize("missing", ["csrf_token", "request"])
@pytest.mark.parametrize("step", ["continue", "allow", "deny"])
def test_a_form_without_its_token_is_refused(world: World, device: Device, step: str, missing: str) -> None:
    browser = world.browser()
    code = device.answer["user_code"]
    page = read_page(browser.get("/device") if step == "continue" else enter(browser, code))
    fields = {**page.fields, "user_code": code, "decision": step}
    del fields[missing]
    assert is_page(browser.post("/device", data=fields), 403)
    assert device.error() == "authorization_pending"


def test_a_form_of_another_browser_is_refused(world: World, device: Device) -> None:
    page = read_page(enter(world.browser(), device.answer["user_code"]))
    victim = world.browser()
    victim.get("/device")
    assert is_page(victim.post("/device", data={**page.fields, "decision": "allow"}), 403)


def test_a_consent_form_is_no_device_form_and_the_other_way_round(world: World, device: Device) -> None:
    browser = world.browser()
    consent = read_page(world.authorize(browser, world.register()["client_id"]))
    assert is_page(browser.post("/device", data={**consent.fields, "decision": "allow"}), 403)
    own = read_page(enter(browser, device.answer["user_code"]))
    assert is_page(browser.post("/consent", data={**own.fields, "decision": "allow"}), 403)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_another_site_sends_is_refused(world: World, device: Device, site: str) -> None:
    browser = world.browser()
    page = read_page(enter(browser, device.answer["user_code"]))
    form = {**page.fields, "decision": "allow"}
    assert is_page(browser.post("/device", data=form, headers={"Sec-Fetch-Site": site}), 403)


@pytest.mark.requirement("RFC9700-4.7-CSRF")
def test_the_sign_in_of_another_browser_approves_nothing(world: World, device: Device) -> None:
    departed = decide(world.browser(), device.answer["user_code"], "allow")
    assert is_page(come_back(world.browser(), departed), 403)
    assert device.error() == "authorization_pending"


def test_of_two_people_who_typed_the_code_one_approves(world: World, device: Device) -> None:
    first, second = world.browser(), world.browser()
    departures = [decide(browser, device.answer["user_code"], "allow") for browser in (first, second)]
    assert come_back(first, departures[0]).status_code == 200
    assert is_page(come_back(second, departures[1]), 400)


def test_a_page_left_open_too_long_decides_nothing(world: World, device: Device) -> None:
    browser = world.browser()
    page = read_page(enter(browser, device.answer["user_code"]))
    world.clock.advance(601)
    assert is_page(browser.post("/device", data={**page.fields, "decision": "allow"}), 400)


def test_a_client_that_was_removed_meanwhile_gets_nothing(world: World, device: Device) -> None:
    browser = world.browser()
    page = read_page(enter(browser, device.answer["user_code"]))
    world.store.remove_client("television")
    world.clock.advance(5)
    assert is_page(browser.post("/device", data={**page.fields, "decision": "allow"}), 400)
    assert is_page(enter(browser, device.answer["user_code"]), 400)


def test_a_client_that_was_disabled_while_the_person_was_at_entra_gets_nothing(
    world: World, device: Device
) -> None:
    browser = world.browser()
    departed = decide(browser, device.answer["user_code"], "allow")
    client = world.store.get_client("television")
    assert client is not None
    world.store.update_client(replace(client, is_disabled=True))
    world.clock.advance(5)
    assert is_page(come_back(browser, departed), 400)
    world.store.update_client(client)
    world.clock.advance(5)
    assert device.error() == "authorization_pending"


@pytest.mark.requirement("RFC9700-4.16-FRAMING")
def test_the_pages_refuse_framing_and_everything_foreign(world: World, device: Device) -> None:
    for response in (
        world.browser().get("/device"),
        enter(world.browser(), device.answer["user_code"]),
    ):
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Cache-Control"] == "no-store"


def test_on_https_the_cookies_are_host_bound_and_secure(tmp_path: Any) -> None:
    world = make_world(tmp_path, public_url="https://auth.example")
    response = world.browser().get("/device", base_url="https://auth.example")
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-device-")
    assert "; Secure" in cookie
    assert "HttpOnly" in cookie
    world.store.close()


@pytest.mark.parametrize("query", ["user_code=a&user_code=b", "user_code=%00", "x=%ff", "a=1&" * 80])
def test_any_query_gets_a_page(world: World, query: str) -> None:
    assert world.browser().get(f"/device?{query}").status_code in (200, 400)


def test_other_methods_are_refused_on_a_page(world: World) -> None:
    assert is_page(world.browser().delete("/device"), 405)
    assert world.get("/device_authorization").status_code == 405
