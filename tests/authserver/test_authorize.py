"""GET /authorize: what is shown to the person, what travels back to the client, and what does neither."""

from typing import Any
from urllib.parse import urlencode

import pytest

from authserver.oauth.parameters import MAX_PARAMETERS, MAX_VALUE_CHARACTERS
from tests.authserver.world import (
    CHALLENGE,
    ISSUER,
    REDIRECT,
    RESOURCE,
    World,
    answer_of,
    is_page,
    make_world,
    query,
    read_page,
)

Client = dict[str, Any]


def error_at_client(world: World, client: Client, **changes: Any) -> dict[str, str]:
    """Return the error that the client's redirect URI receives, after checking what every error carries."""
    response = world.authorize(world.browser(), client["client_id"], **changes)
    assert response.status_code == 302, response.text
    assert response.location.startswith(REDIRECT + "?")
    answer = answer_of(response)
    assert answer["iss"] == ISSUER
    assert "code" not in answer
    return answer


def test_a_valid_request_is_asked_about_on_one_form_with_allow_and_deny(world: World, client: Client) -> None:
    page = read_page(world.authorize(world.browser(), client["client_id"]))
    assert page.response.status_code == 200
    assert page.buttons == {"decision=allow": "Allow", "decision=deny": "Deny"}
    assert page.response.text.count("<form") == 1


def test_it_may_be_loaded_any_number_of_times_and_stores_nothing(world: World, client: Client) -> None:
    world.store.close()
    world.store.put_login = world.store.put_code = None  # type: ignore[assignment, method-assign]
    for browser in (world.browser(), world.browser()):
        for _ in range(3):
            assert world.authorize(browser, client["client_id"]).status_code == 200


def test_head_answers_like_get_without_a_body(world: World, client: Client) -> None:
    response = world.browser().head("/authorize?" + query(client["client_id"]))
    assert (response.status_code, response.data) == (200, b"")


def test_a_request_without_client_id_is_a_page(world: World) -> None:
    assert is_page(world.browser().get("/authorize"), 400)


@pytest.mark.requirement("MCP-AUTH-AS-UNTRUSTED-URI", "RFC9700-4.11-INVALID")
def test_an_unknown_client_is_a_page(world: World) -> None:
    assert is_page(world.authorize(world.browser(), "nobody"), 400)


def test_a_client_that_was_removed_is_a_page_within_seconds(world: World, client: Client) -> None:
    world.authorize(world.browser(), client["client_id"])
    world.store.remove_client(client["client_id"])
    world.clock.advance(5)
    assert is_page(world.authorize(world.browser(), client["client_id"]), 400)


@pytest.mark.requirement("MCP-AUTH-AS-EXACT-REDIRECT", "MCP-AUTH-AS-UNTRUSTED-URI", "RFC9700-2.1-EXACT")
@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        REDIRECT + "/extra",
        REDIRECT + "/",
        REDIRECT + "?extra=1",
        REDIRECT + "?",
        REDIRECT + "#fragment",
        REDIRECT.upper(),
        REDIRECT.replace("/oauth/callback", "/OAuth/callback"),
        REDIRECT.replace("/oauth/callback", "/x/../oauth/callback"),
        REDIRECT.replace("/oauth/callback", "/./oauth/callback"),
        REDIRECT.replace("callback", "c%61llback"),
        REDIRECT.replace("127.0.0.1", "127.0.0.1.evil.example"),
        REDIRECT.replace("127.0.0.1", "127.0.0.2"),
        REDIRECT.replace("127.0.0.1", "localhost"),
        REDIRECT.replace("127.0.0.1", "[::1]"),
        REDIRECT.replace("127.0.0.1", "user@127.0.0.1"),
        REDIRECT.replace("127.0.0.1:6274", "127.0.0.1:6274@evil.example"),
        REDIRECT.replace("127.0.0.1:6274", "127.0.0.1:99999"),
        REDIRECT.replace("127.0.0.1:6274", "127.0.0.1:0"),
        REDIRECT.replace("127.0.0.1:6274", "127.0.0.1:"),
        REDIRECT.replace("127.0.0.1:6274", "127.0.0.1:06274"),
        REDIRECT.replace("http:", "https:"),
        REDIRECT.replace("http:", "HTTP:"),
        " " + REDIRECT,
        "//127.0.0.1:6274/oauth/callback",
        "/oauth/callback",
        "x" * 3000,
    ],
)
def test_a_redirect_uri_that_differs_in_anything_is_a_page(world: World, client: Client, uri: str) -> None:
    assert is_page(world.authorize(world.browser(), client["client_id"], redirect_uri=uri), 400)


@pytest.mark.requirement("MCP-AUTH-AS-EXACT-REDIRECT", "RFC9700-2.1-EXACT")
@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb.evil.example",
        "https://app.example.evil.example/cb",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://APP.example/cb",
        "https://app.example/CB",
        "https://app.example/cb/",
        "https://app.example/cb?tenant=2",
        "https://app.example/cb",
    ],
)
def test_a_web_redirect_uri_matches_as_a_string_or_not_at_all(world: World, uri: str) -> None:
    client = world.register(redirect_uris=["https://app.example/cb?tenant=1"])
    assert is_page(world.authorize(world.browser(), client["client_id"], redirect_uri=uri), 400)


@pytest.mark.requirement("RFC9700-2.1-EXACT")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_loopback_redirect_may_come_with_any_port(world: World, host: str) -> None:
    client = world.register(redirect_uris=[f"http://{host}/callback"])
    for port in (":1024", ":65535", ""):
        uri = f"http://{host}{port}/callback"
        assert world.authorize(world.browser(), client["client_id"], redirect_uri=uri).status_code == 200


@pytest.mark.requirement("MCP-AUTH-AS-UNTRUSTED-URI", "RFC9700-4.11-INVALID")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_client_id_or_redirect_uri_sent_twice_is_a_page(world: World, client: Client, name: str) -> None:
    once = query(client["client_id"])
    value = {"client_id": client["client_id"], "redirect_uri": REDIRECT}[name]
    assert is_page(world.browser().get(f"/authorize?{once}&{urlencode({name: value})}"), 400)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("response_type", "code"),
        ("scope", "mcp:tools"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "consent"),
        ("response_mode", "query"),
    ],
)
def test_any_other_parameter_sent_twice_goes_back_to_the_client(
    world: World, client: Client, name: str, value: str
) -> None:
    answer = error_at_client(world, client, **{name: [value, value]})
    assert (answer["error"], answer["state"]) == ("invalid_request", "the-state")


def test_a_state_sent_twice_is_refused_and_neither_is_returned(world: World, client: Client) -> None:
    answer = error_at_client(world, client, state=["one", "two"])
    assert answer["error"] == "invalid_request"
    assert "state" not in answer


def test_parameters_this_server_does_not_know_are_ignored(world: World, client: Client) -> None:
    response = world.authorize(world.browser(), client["client_id"], utm_source=["a", "b"], foo="bar")
    assert response.status_code == 200


@pytest.mark.requirement(
    "RFC7636-4.2-S256", "RFC7636-4.3-METHOD", "RFC7636-4.4.1-REQUIRED", "RFC9700-2.1.1-PKCE"
)
@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": ""},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 44},
        {"code_challenge": "x" * 42 + "="},
        {"code_challenge": "x" * 42 + "\u00e9"},
    ],
)
def test_without_a_proper_s256_challenge_the_client_is_told_invalid_request(
    world: World, client: Client, changes: dict[str, Any]
) -> None:
    answer = error_at_client(world, client, **changes)
    assert (answer["error"], answer["state"]) == ("invalid_request", "the-state")


@pytest.mark.requirement("MCP-AUTH-AS-OAUTH21", "RFC7636-4.4.1-REQUIRED")
def test_a_client_with_a_secret_needs_a_challenge_too(world: World, secret_client: Client) -> None:
    assert error_at_client(world, secret_client, code_challenge=None)["error"] == "invalid_request"


@pytest.mark.requirement("MCP-AUTH-AS-OAUTH21", "RFC9207-2-ERROR")
@pytest.mark.parametrize("response_type", ["token", "id_token", "code token", "none", 'co"de', "CODE"])
def test_an_unsupported_response_type_goes_back_to_the_client(
    world: World, client: Client, response_type: str
) -> None:
    answer = error_at_client(world, client, response_type=response_type)
    assert (answer["error"], answer["state"]) == ("unsupported_response_type", "the-state")


def test_a_missing_response_type_is_an_invalid_request(world: World, client: Client) -> None:
    assert error_at_client(world, client, response_type=None)["error"] == "invalid_request"


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
def test_another_response_mode_than_query_is_refused(world: World, client: Client, mode: str) -> None:
    assert error_at_client(world, client, response_mode=mode)["error"] == "invalid_request"


def test_request_objects_are_refused_by_name(world: World, client: Client) -> None:
    assert error_at_client(world, client, request="x.y.z")["error"] == "request_not_supported"
    answer = error_at_client(world, client, request_uri="https://evil.example/")
    assert answer["error"] == "request_uri_not_supported"


@pytest.mark.requirement("OIDC-3.1.2.1-PROMPT-NONE")
def test_prompt_none_is_answered_with_consent_required(world: World, client: Client) -> None:
    assert error_at_client(world, client, prompt="none")["error"] == "consent_required"


@pytest.mark.parametrize("prompt", ["consent", "login", "select_account"])
def test_other_prompts_are_served(world: World, client: Client, prompt: str) -> None:
    assert world.authorize(world.browser(), client["client_id"], prompt=prompt).status_code == 200


@pytest.mark.requirement("RFC8707-2-ABSOLUTE", "RFC8707-2-UNKNOWN")
@pytest.mark.parametrize(
    "resource",
    [
        "https://other.example/mcp",
        RESOURCE + "/other",
        RESOURCE + "#fragment",
        RESOURCE + "#",
        RESOURCE + "?x=1",
        "/mcp",
        "mcp",
        "http://",
        "http://[",
        "http://localhost:port/mcp",
        "http://user@localhost:8080/mcp",
        "urn:mcp",
        "javascript:alert(1)",
    ],
)
def test_a_resource_that_is_not_ours_is_an_invalid_target(
    world: World, client: Client, resource: str
) -> None:
    answer = error_at_client(world, client, resource=resource)
    assert (answer["error"], answer["state"]) == ("invalid_target", "the-state")


@pytest.mark.requirement("RFC8707-2-AUDIENCE", "RFC9068-3-AUD")
@pytest.mark.parametrize(
    "resource",
    [
        RESOURCE,
        RESOURCE.replace("localhost", "LOCALHOST"),
        "HTTP://localhost:8080/mcp",
        RESOURCE + "/sse",
        "http://127.0.0.1:8080/mcp",
        "http://[::1]:8082/mcp",
        "http://localhost:8082/mcp/sse",
    ],
)
def test_an_alias_or_another_spelling_means_the_canonical_resource(
    world: World, client: Client, resource: str
) -> None:
    code = world.sign_in(client["client_id"], resource=resource)["code"]
    token = world.redeem(client, code).get_json()["access_token"]
    assert world.claims(token)["aud"] == RESOURCE


def test_a_root_slash_and_a_default_port_do_not_matter(tmp_path: Any) -> None:
    resources = ({"uri": "https://mcp.example", "name": "x", "scopes": {"a": "A"}, "default_scopes": ["a"]},)
    world = make_world(tmp_path, resources=resources)
    client = world.register()
    for spelling in ("https://mcp.example/", "https://MCP.example:443", "https://mcp.example"):
        token = world.tokens(client, resource=spelling)["access_token"]
        assert world.claims(token)["aud"] == "https://mcp.example"


@pytest.mark.requirement("RFC8707-2-MULTIPLE")
def test_the_same_resource_named_twice_is_one_resource(world: World, client: Client) -> None:
    response = world.authorize(world.browser(), client["client_id"], resource=[RESOURCE, RESOURCE + "/sse"])
    assert response.status_code == 200


@pytest.mark.requirement("RFC8707-2-MULTIPLE")
def test_two_resources_at_once_are_an_invalid_target(tmp_path: Any) -> None:
    resources = tuple(
        {"uri": f"https://{name}.example", "name": name, "scopes": {"a": "A"}, "default_scopes": ["a"]}
        for name in ("one", "two")
    )
    world = make_world(tmp_path, resources=resources)
    client = world.register()
    both = ["https://one.example", "https://two.example"]
    assert error_at_client(world, client, resource=both)["error"] == "invalid_target"
    assert error_at_client(world, client)["error"] == "invalid_target"


@pytest.mark.requirement("RFC9068-2.2.3-SCOPE")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, "mcp:tools snippets:read snippets:write"),
        ("", "mcp:tools snippets:read snippets:write"),
        ("mcp:tools", "mcp:tools"),
        ("mcp:tools mcp:tools", "mcp:tools"),
        ("snippets:read unknown:scope mcp:tools", "mcp:tools snippets:read"),
        ("mcp:tools offline_access", "mcp:tools"),
        ("mcp:tools model:invoke", "mcp:tools model:invoke"),
        ("openid profile", "mcp:tools snippets:read snippets:write"),
        ('mcp:tools "\\', "mcp:tools"),
    ],
)
def test_scopes_are_those_known_and_the_default_ones_where_none_is(
    world: World, client: Client, asked: str | None, granted: str
) -> None:
    tokens = world.tokens(client, scope=asked)
    assert tokens["scope"] == granted
    assert world.claims(tokens["access_token"])["scope"] == granted


def test_redirect_uri_may_be_left_out_where_one_is_registered(world: World, client: Client) -> None:
    assert world.authorize(world.browser(), client["client_id"], redirect_uri=None).status_code == 200


def test_redirect_uri_may_not_be_left_out_where_several_are_registered(world: World) -> None:
    client = world.register(redirect_uris=[REDIRECT, "https://app.example/cb"])
    assert is_page(world.authorize(world.browser(), client["client_id"], redirect_uri=None), 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "line\nbreak"},
        {"state": "nul\x00"},
        {"scope": "mcp:tools\r\nSet-Cookie: x=y"},
        {"resource": "http://localhost:8080/mcp\x7f"},
        {"state": "s" * (MAX_VALUE_CHARACTERS + 1)},
        {"foo": "\u2028"},
        {f"p{n}": "x" for n in range(MAX_PARAMETERS)},
    ],
)
def test_oversized_parameters_and_control_characters_are_a_page(
    world: World, client: Client, changes: dict[str, str]
) -> None:
    assert is_page(world.authorize(world.browser(), client["client_id"], **changes), 400)


def test_parameters_that_are_not_utf8_are_a_page(world: World, client: Client) -> None:
    response = world.browser().get("/authorize?" + query(client["client_id"]) + "&foo=%ff%fe")
    assert is_page(response, 400)


@pytest.mark.parametrize("state", ["a b+c&d=e/?%", "ünïcode", "x" * MAX_VALUE_CHARACTERS, '{"json":"<b>"}'])
def test_the_state_comes_back_exactly_as_it_was_sent(world: World, client: Client, state: str) -> None:
    assert error_at_client(world, client, state=state, code_challenge=None)["state"] == state
    assert world.sign_in(client["client_id"], state=state)["state"] == state


def test_no_state_means_none_in_the_answer(world: World, client: Client) -> None:
    assert set(world.sign_in(client["client_id"], state=None)) == {"code", "iss"}


def test_the_query_of_a_registered_redirect_uri_stays_as_it_is(world: World) -> None:
    uri = "https://app.example/cb?a=1&b=%20x"
    client = world.register(redirect_uris=[uri])
    response = world.authorize(world.browser(), client["client_id"], redirect_uri=uri, code_challenge=None)
    assert response.location.startswith(uri + "&error=invalid_request&")


def test_error_descriptions_keep_to_the_characters_of_the_specification(world: World, client: Client) -> None:
    description = error_at_client(world, client, response_type='"\\<script>')["error_description"]
    assert all(" " <= c <= "~" and c not in '"\\' for c in description)
    assert "script" not in description


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_other_methods_are_refused_on_a_page(world: World, method: str) -> None:
    response = world.browser().open("/authorize", method=method)
    assert is_page(response, 405)
    assert response.headers["Allow"] == "GET, HEAD"
