"""The consent page and POST /consent: what the person reads, and whose decision counts."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from authserver.errors import UpstreamUnavailable
from authserver.model import Client as Registered
from authserver.web.cookies import MAX_OPEN_FORMS
from authserver.web.display import MAX_NAME_CHARACTERS
from tests.authserver.world import (
    ISSUER,
    REDIRECT,
    WEB_REDIRECT,
    World,
    answer_of,
    is_page,
    make_world,
    read_page,
)

Client = dict[str, Any]


def text_for(world: World, **metadata: Any) -> str:
    client = world.register(**metadata)
    redirect_uri = metadata.get("redirect_uris", [REDIRECT])[0]
    return read_page(world.authorize(world.browser(), client["client_id"], redirect_uri=redirect_uri)).text


@pytest.mark.requirement("MCP-AUTH-AS-SHOW-HOST")
def test_the_page_names_the_client_the_host_the_scopes_and_what_comes_next(world: World) -> None:
    text = text_for(world, client_name="Claude", redirect_uris=[WEB_REDIRECT])
    assert "Claude wants access to mcpstack" in text
    assert "You will return to claude.ai" in text
    assert "Read your snippets" in text
    assert "Save and delete your snippets" in text
    assert "Ask the language model" not in text
    assert "you choose the account" in text


@pytest.mark.requirement("RFC7591-5-SELF-ASSERTED")
def test_a_famous_name_with_an_unknown_host_shows_the_host_and_unverified(world: World) -> None:
    text = text_for(world, client_name="Claude", redirect_uris=["https://claude.evil.example/cb"])
    assert "claude.evil.example" in text
    assert "Unverified" in text


def test_a_client_that_the_operator_registered_is_not_called_unverified(world: World) -> None:
    world.store.add_client(
        Registered(
            client_id="operators-own",
            token_endpoint_auth_method="none",
            redirect_uris=(REDIRECT,),
            grant_types=("authorization_code",),
            response_types=("code",),
            issued_at_seconds=0,
            source="operator",
            client_name="House app",
        )
    )
    text = read_page(world.authorize(world.browser(), "operators-own")).text
    assert "House app" in text
    assert "Unverified" not in text


@pytest.mark.requirement("MCP-AUTH-AS-SHOW-HOST")
def test_a_loopback_redirect_is_an_application_on_this_computer(world: World) -> None:
    assert "an application on this computer" in text_for(world)


def test_a_private_scheme_is_named(world: World) -> None:
    assert "opens cursor: links" in text_for(
        world, redirect_uris=["cursor://anysphere.cursor-mcp/oauth/callback"]
    )


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "&lt;b&gt;", "</style><b>"],
)
def test_markup_in_a_name_is_shown_as_text(world: World, name: str) -> None:
    client = world.register(client_name=name, logo_uri="https://evil.example/logo.png")
    response = world.authorize(world.browser(), client["client_id"])
    assert "<script" not in response.text
    assert "<img" not in response.text
    assert "<b>" not in response.text
    assert "logo.png" not in response.text
    assert name.partition("<")[0] in read_page(response).text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Claude\u202egpj.exe", "Claudegpj.exe"),
        ("Cl\u200baude\u2060\ufeff", "Claude"),
        ("Cl\u00adaude\u061c\u2066\u2069", "Claude"),
        ("Line\r\nbreak\t tab", "Line break tab"),
        ("Nul\x00\x1b[31m", "Nul[31m"),
        ("\u3164\u115f\u2800", "An application without a name"),
        ("Cl\u180baude\u180f", "Claude"),
        ("\U000e0041\U000e0042", "An application without a name"),
        ("e" + "\u0301" * 40, "é\u0301\u0301"),
        ("\uff23\uff4c\uff41\uff55\uff44\uff45", "Claude"),
        ("   ", "An application without a name"),
        (None, "An application without a name"),
    ],
)
def test_a_name_is_stripped_of_what_would_deceive_a_reader(
    world: World, name: str | None, shown: str
) -> None:
    assert text_for(world, client_name=name).startswith(f"Allow access to mcpstack? {shown} wants access")


def test_a_long_name_is_cut(world: World) -> None:
    shown = text_for(world, client_name="n" * 2000).split(" ", 5)[4]
    assert len(shown) == MAX_NAME_CHARACTERS
    assert shown.endswith("…")


@pytest.mark.requirement("RFC9700-4.16-FRAMING")
def test_the_page_refuses_framing_caching_and_everything_foreign(world: World, client: Client) -> None:
    headers = world.authorize(world.browser(), client["client_id"]).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action" not in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.requirement("MCP-AUTH-AS-CONSENT")
def test_no_state_cookie_exists_before_allow(world: World, client: Client) -> None:
    response = world.authorize(world.browser(), client["client_id"])
    cookies = response.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    assert cookies[0].startswith("consent-")


@pytest.mark.requirement("RFC9700-4.12-307")
def test_allow_goes_to_entra_with_a_state_cookie_for_this_host_only(world: World, client: Client) -> None:
    browser = world.browser()
    page = read_page(world.authorize(browser, client["client_id"], login_hint="alice@contoso.example"))
    response = browser.post("/consent", data={**page.fields, "decision": "allow"})
    assert response.status_code == 302
    assert parse_qs(urlsplit(response.location).query)["prompt"] == ["select_account"]
    assert [hints.login_hint for hints in world.broker.started] == ["alice@contoso.example"]
    cookie = next(c for c in response.headers.getlist("Set-Cookie") if c.startswith("login-"))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie  # plain http on loopback, and there alone


def test_on_https_every_cookie_is_host_bound_and_secure(tmp_path: Any) -> None:
    world = make_world(tmp_path, public_url="https://auth.example")
    client = world.register()
    browser = world.browser()
    base = {"base_url": "https://auth.example"}
    shown = browser.get("/authorize?" + urlencode(request_for(client)), **base)  # type: ignore[arg-type]
    page = read_page(shown)
    gone = browser.post("/consent", data={**page.fields, "decision": "allow"}, **base)  # type: ignore[arg-type]
    cookies = shown.headers.getlist("Set-Cookie") + gone.headers.getlist("Set-Cookie")
    assert len(cookies) == 3
    assert all(c.startswith("__Host-") and "; Secure" in c and "Domain" not in c for c in cookies)
    assert gone.status_code == 302


def request_for(client: Client) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": client["client_id"],
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }


@pytest.mark.requirement("RFC9207-2-ERROR", "RFC9700-4.12-307")
def test_deny_tells_the_client_and_stores_nothing(world: World, client: Client) -> None:
    browser = world.browser()
    page = read_page(world.authorize(browser, client["client_id"]))
    world.store.put_login = None  # type: ignore[assignment, method-assign]
    response = browser.post("/consent", data={**page.fields, "decision": "deny"})
    assert response.status_code == 302
    assert response.location.startswith(REDIRECT)
    answer = answer_of(response)
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the-state", ISSUER)


@pytest.mark.requirement("MCP-AUTH-AS-CONSENT")
def test_no_approval_is_remembered(world: World, client: Client) -> None:
    browser = world.browser()
    state = world.allow(browser, client["client_id"])
    browser.get("/callback?" + urlencode({"state": state, "code": "good"}))
    again = world.authorize(browser, client["client_id"])
    assert read_page(again).buttons


def test_two_tabs_both_work_in_any_order(world: World, client: Client) -> None:
    browser = world.browser()
    pages = [read_page(world.authorize(browser, client["client_id"], state=f"tab-{n}")) for n in (1, 2)]
    states = []
    for page in reversed(pages):
        response = browser.post("/consent", data={**page.fields, "decision": "allow"})
        states.append(parse_qs(urlsplit(response.location).query)["state"][0])
    for state, expected in zip(states, ("tab-2", "tab-1"), strict=True):
        response = browser.get("/callback?" + urlencode({"state": state, "code": "good"}))
        assert answer_of(response)["state"] == expected


@pytest.mark.parametrize("missing", ["csrf_token", "request"])
def test_a_form_without_its_token_is_refused(world: World, client: Client, missing: str) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    del fields[missing]
    assert is_page(browser.post("/consent", data={**fields, "decision": "allow"}), 403)


@pytest.mark.parametrize("field", ["csrf_token", "request"])
def test_an_altered_form_is_refused(world: World, client: Client, field: str) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    altered = {**fields, field: fields[field][:-4] + "AAAA"}
    assert is_page(browser.post("/consent", data={**altered, "decision": "allow"}), 403)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "what is this"])
def test_a_form_that_another_site_or_port_sends_is_refused_whatever_cookies_it_planted(
    world: World, client: Client, site: str
) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    decision = {**fields, "decision": "allow"}
    assert is_page(browser.post("/consent", data=decision, headers={"Sec-Fetch-Site": site}), 403)
    own = browser.post("/consent", data=decision, headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 302


def test_a_form_without_the_cookie_is_refused(world: World, client: Client) -> None:
    fields = read_page(world.authorize(world.browser(), client["client_id"])).fields
    assert is_page(world.browser().post("/consent", data={**fields, "decision": "allow"}), 403)


def test_somebody_elses_form_and_token_are_refused(world: World, client: Client) -> None:
    victim, attacker = world.browser(), world.browser()
    own = read_page(world.authorize(victim, client["client_id"])).fields
    foreign = read_page(world.authorize(attacker, client["client_id"])).fields
    for mixed in (foreign, {**foreign, "csrf_token": own["csrf_token"]}, {**own, **{"csrf_token": "x"}}):
        assert is_page(victim.post("/consent", data={**mixed, "decision": "allow"}), 403)


def test_a_page_left_open_too_long_says_so(world: World, client: Client) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    world.clock.advance(world.settings.login_lifetime_seconds)
    response = browser.post("/consent", data={**fields, "decision": "allow"})
    assert is_page(response, 400)
    assert "open for too long" in response.text


@pytest.mark.parametrize("decision", [None, "", "maybe", "ALLOW"])
def test_anything_but_allow_and_deny_decides_nothing(
    world: World, client: Client, decision: str | None
) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    data = {**fields, **({"decision": decision} if decision is not None else {})}
    assert is_page(browser.post("/consent", data=data), 400)


def test_both_decisions_at_once_decide_nothing(world: World, client: Client) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    body = urlencode([*fields.items(), ("decision", "allow"), ("decision", "deny")])
    response = browser.post("/consent", data=body, content_type="application/x-www-form-urlencoded")
    assert is_page(response, 400)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"]
)
def test_what_is_no_form_is_a_page(world: World, content_type: str) -> None:
    assert is_page(world.browser().post("/consent", data=b"{}", content_type=content_type), 400)


def test_a_form_that_is_too_large_is_a_page(world: World) -> None:
    assert is_page(world.browser().post("/consent", data={"request": "x" * 70_000}), 413)


def test_a_client_removed_meanwhile_gets_no_login(world: World, client: Client) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    world.store.remove_client(client["client_id"])
    world.clock.advance(5)
    assert is_page(browser.post("/consent", data={**fields, "decision": "allow"}), 400)


def test_while_entra_is_away_allow_says_so_and_can_be_pressed_again(world: World, client: Client) -> None:
    browser = world.browser()
    fields = read_page(world.authorize(browser, client["client_id"])).fields
    world.broker.failure = UpstreamUnavailable("down for a test")
    response = browser.post("/consent", data={**fields, "decision": "allow"})
    assert is_page(response, 503)
    assert response.headers["Retry-After"] == "5"
    assert "down for a test" not in response.text
    world.broker.failure = None
    assert browser.post("/consent", data={**fields, "decision": "allow"}).status_code == 302


def test_cookies_of_old_forms_do_not_pile_up(world: World, client: Client) -> None:
    browser = world.browser()
    for _ in range(MAX_OPEN_FORMS * 2):
        world.clock.advance(1)
        world.authorize(browser, client["client_id"])
    assert len(browser._cookies) <= MAX_OPEN_FORMS


def test_get_consent_is_refused_on_a_page(world: World) -> None:
    response = world.browser().get("/consent")
    assert is_page(response, 405)
    assert response.headers["Allow"] == "POST"
