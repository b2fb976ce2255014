"""GET and POST /logout: whoever leads a browser there, the person decides; nothing leads anywhere else."""

from typing import Any

import pytest

from tests.authserver.people.pages import form_with, forms, press, sign_in
from tests.authserver.world import ALICE, ISSUER, World, is_page


@pytest.mark.requirement("OIDC-LOGOUT-CONFIRM", "OIDC-LOGOUT-METHODS")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_sends_a_browser_there_signs_nobody_out(world: World, method: str) -> None:
    browser = world.browser()
    sign_in(world, browser, "/account", ALICE)
    named = {"post_logout_redirect_uri": "https://evil.example/", "state": "x", "client_id": "mcp-x"}
    kwargs: dict[str, Any] = {"query_string": named} if method == "GET" else {"data": named}
    page = browser.open("/logout", method=method, headers={"Sec-Fetch-Site": "cross-site"}, **kwargs)
    assert page.status_code == 200
    assert forms(page)[0].buttons == ["sign-out"]
    assert "evil.example" not in page.text
    assert "alice" in browser.get("/account").text


@pytest.mark.requirement("OIDC-LOGOUT-REDIRECT")
def test_the_person_signs_out_everywhere_and_returns_here_alone(world: World) -> None:
    browser = world.browser()
    sign_in(world, browser, "/account", ALICE)
    page = browser.get("/logout?post_logout_redirect_uri=https://evil.example/")
    response = press(browser, page, "sign-out")
    assert response.location.startswith(
        "https://entra.test/logout?post_logout_redirect_uri=http%3A%2F%2Flocalhost"
    )
    assert "evil" not in response.location
    assert forms(browser.get("/account"))[0].buttons == ["sign-in"]


def test_it_works_for_somebody_who_is_signed_in_at_entra_only(world: World) -> None:
    browser = world.browser()
    assert press(browser, browser.get("/logout"), "sign-out").status_code == 302


def test_another_browsers_form_signs_nobody_out(world: World) -> None:
    victim = world.browser()
    sign_in(world, victim, "/account", ALICE)
    foreign = form_with(world.browser().get("/logout"), "sign-out")
    sent = {**foreign.fields, "decision": "sign-out"}
    assert is_page(victim.post("/logout", data=sent), 403)
    own = form_with(victim.get("/logout"), "sign-out")
    sent = {**own.fields, "decision": "sign-out"}
    assert is_page(victim.post("/logout", data=sent, headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert "alice" in victim.get("/account").text


@pytest.mark.parametrize("body", [b"request=", b"request=x", b"\xff", b"{}", b"request=a&request=b"])
def test_any_body_gets_a_page(world: World, body: bytes) -> None:
    form = "application/x-www-form-urlencoded"
    for content_type in (form, "application/json"):
        response = world.browser().post("/logout", data=body, content_type=content_type)
        assert response.status_code in (200, 400, 403)
        assert response.mimetype == "text/html"


@pytest.mark.requirement("OIDC-LOGOUT-METADATA")
def test_the_metadata_name_the_endpoint(world: World) -> None:
    document = world.get("/.well-known/openid-configuration").get_json()
    assert document["end_session_endpoint"] == f"{ISSUER}/oauth/logout"
    assert document["device_authorization_endpoint"] == f"{ISSUER}/oauth/device_authorization"
    assert "urn:ietf:params:oauth:grant-type:device_code" in document["grant_types_supported"]
