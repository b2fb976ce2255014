"""POST /register: who may introduce itself, as what, and how often."""

import json
from pathlib import Path
from typing import Any

import pytest

from authserver.oauth.clients.metadata import MAX_REDIRECT_URIS
from tests.authserver.world import REDIRECT, World, is_json_error, make_world, registration

VS_CODE = [
    "https://vscode.dev/redirect",
    "https://insiders.vscode.dev/redirect",
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/",
]


@pytest.mark.requirement("RFC7591-3.1-POST", "RFC7591-3.2.1-201")
def test_a_registration_is_answered_with_201_and_everything_that_was_registered(world: World) -> None:
    sent = registration(
        client_name="Inspector",
        client_uri="https://example.com",
        logo_uri="https://example.com/logo.png",
        tos_uri="https://example.com/tos",
        policy_uri="https://example.com/policy",
        contacts=["ops@example.com"],
        scope="mcp:tools",
        application_type="native",
        software_id="4NRB1",
        software_version="1.0",
    )
    response = world.post("/register", json.dumps(sent), content_type="application/json")
    assert response.status_code == 201
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = response.get_json()
    assert {name: body[name] for name in sent} == sent
    assert body["client_id"]
    assert body["client_id_issued_at"] == int(world.clock())


@pytest.mark.requirement("RFC7591-3.2.1-SECRET")
def test_a_public_client_gets_no_secret(world: World) -> None:
    assert not {"client_secret", "client_secret_expires_at"} & set(world.register())


@pytest.mark.requirement("RFC7591-2-DEFAULTS", "RFC7591-3.2.1-SECRET")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", None])
def test_any_other_client_gets_a_secret_that_is_stored_hashed(world: World, method: str | None) -> None:
    body = world.register(token_endpoint_auth_method=method)
    assert body["token_endpoint_auth_method"] == (method or "client_secret_basic")
    assert len(body["client_secret"]) >= 43
    assert body["client_secret_expires_at"] == 0
    stored = world.store.get_client(body["client_id"])
    assert body["client_secret"] not in repr(stored)


@pytest.mark.requirement("RFC7591-3.2.1-UNIQUE")
def test_two_registrations_are_two_clients(world: World) -> None:
    assert world.register()["client_id"] != world.register()["client_id"]


def test_vs_codes_four_uris_are_accepted_together_and_its_random_port_afterwards(world: World) -> None:
    client = world.register(
        redirect_uris=VS_CODE,
        grant_types=[
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
    )
    assert client["redirect_uris"] == VS_CODE
    assert client["grant_types"] == ["authorization_code", "refresh_token"]
    response = world.authorize(world.browser(), client["client_id"], redirect_uri="http://127.0.0.1:51337/")
    assert response.status_code == 200


@pytest.mark.requirement("MCP-AUTH-AS-REDIRECT-SAFE")
@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:6274/oauth/callback",
        "http://127.0.0.1:6276/oauth/callback/debug",
        "http://localhost:3118/callback",
        "http://[::1]:8080/cb",
        "http://localhost",
        "https://claude.ai/api/mcp/auth_callback",
        "https://claude.com/api/mcp/auth_callback",
        "https://chatgpt.com/connector/oauth/abc_DEF-123",
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "https://app.example:8443/cb?tenant=1&x=%20",
        "https://xn--bcher-kva.example/cb",
        "https://[2001:db8::1]/cb",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "cursor://anysphere.cursor-retrieval/oauth/user-anysphere/callback",
        "vscode://vscode.github-authentication/did-authenticate",
        "vscode-insiders://publisher.extension/cb",
        "windsurf://codeium.windsurf/oauth/callback",
        "com.example.app:/cb",
        "com.example.app://cb",
        "com.example.app:/oauth2redirect/provider",
    ],
)
def test_what_clients_really_use_is_accepted(world: World, uri: str) -> None:
    assert world.register(redirect_uris=[uri])["redirect_uris"] == [uri]


@pytest.mark.requirement("MCP-AUTH-AS-REDIRECT-SAFE", "RFC7591-3.2.2-ERRORS", "RFC7591-5-REDIRECT-SCHEMES")
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "javascript://127.0.0.1/%0aalert(1)",
        "java%73cript:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "\u0001javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "DATA:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "FILE://localhost/etc/passwd",
        "blob:https://app.example/1",
        "filesystem:https://app.example/x",
        "about:blank",
        "view-source:https://app.example/",
        "ftp://app.example/cb",
        "ws://127.0.0.1/cb",
        "intent://cb#Intent;end",
        "mailto:someone@example.com",
        "tel:1",
        "urn:ietf:wg:oauth:2.0:oob",
        "unknownapp://callback",
        "http://app.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.2/cb",
        "http://0.0.0.0/cb",
        "http://192.168.1.1/cb",
        "http://[::]/cb",
        "http://2130706433/cb",
        "http://user@127.0.0.1/cb",
        "https://user:password@app.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example/cb#fragment",
        "https://app.example/cb#",
        "https://*.example/cb",
        "https://app.example/*",
        "https://app.example\\@evil.example/cb",
        "https://app.example/a/../cb",
        "https://app.example/a/%2e%2e/cb",
        "https://app.example/./cb",
        "https://app.example/a/..",
        "https://app.example/c b",
        "https://app.example/c\nb",
        "https://app.example/%zz",
        "https://app.example:99999/cb",
        "https://app.example:0/cb",
        "https://app.example:port/cb",
        "https://app..example/cb",
        "https:///cb",
        "https:app.example/cb",
        "https://",
        "https://b\u00fccher.example/cb",
        "//app.example/cb",
        "/cb",
        "cb",
        "",
        "com.example.app:",
        "com.example.app://",
        "cursor:",
        "https://app.example/cb?code=fixed",
        "https://app.example/cb?x=1&%73tate=",
        "https://app.example/cb?iss=https://other.example",
        "1com.example:/cb",
        "https://app.example/" + "x" * 2048,
    ],
)
def test_a_redirect_uri_that_executes_reads_or_deceives_is_refused(world: World, uri: str) -> None:
    body = json.dumps(registration(redirect_uris=[REDIRECT, uri]))
    response = world.post("/register", body, content_type="application/json")
    assert is_json_error(response, 400, "invalid_redirect_uri")
    assert not uri or uri not in response.get_json()["error_description"]


@pytest.mark.requirement("RFC7591-2-REDIRECTS")
@pytest.mark.parametrize(
    "uris", [None, [], "https://app.example/cb", {}, [1], [None], [["https://app.example/cb"]], [True], 7]
)
def test_redirect_uris_must_be_a_list_of_strings(world: World, uris: Any) -> None:
    body = json.dumps({**registration(), "redirect_uris": uris})
    response = world.post("/register", body, content_type="application/json")
    assert is_json_error(response, 400, "invalid_redirect_uri")


def test_twenty_redirect_uris_are_accepted_and_one_more_is_not(world: World) -> None:
    uris = [f"https://app.example/{n}" for n in range(MAX_REDIRECT_URIS)]
    assert world.register(redirect_uris=uris)["redirect_uris"] == uris
    body = json.dumps(registration(redirect_uris=[*uris, "https://app.example/one-more"]))
    response = world.post("/register", body, content_type="application/json")
    assert is_json_error(response, 400, "invalid_redirect_uri")


def test_desktop_schemes_are_the_operators_choice(tmp_path: Path) -> None:
    world = make_world(tmp_path, private_redirect_schemes=("myapp", "javascript"))
    assert world.register(redirect_uris=["myapp://cb"])
    for refused in ("cursor://anysphere.cursor-mcp/oauth/callback", "javascript:alert(1)"):
        body = json.dumps(registration(redirect_uris=[refused]))
        response = world.post("/register", body, content_type="application/json")
        assert is_json_error(response, 400, "invalid_redirect_uri")


@pytest.mark.requirement("RFC7591-3.1-POST")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"true",
        b"7",
        b'"text"',
        b"[1]",
        b"[]",
        b"[[[[",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"{",
        b"{'redirect_uris': []}",
        b"redirect_uris=x",
        b"\xff\xfe",
        b'{"redirect_uris": ["\\ud800"]}',
        b"NaN",
        b"<xml/>",
    ],
)
def test_what_is_no_json_object_is_refused_in_json(world: World, body: bytes) -> None:
    response = world.post("/register", body, content_type="application/json")
    assert is_json_error(response, 400, "invalid_client_metadata")


@pytest.mark.requirement("RFC7591-3.2.2-ERRORS")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_name", 1),
        ("client_name", ["a"]),
        ("client_name", {"en": "a"}),
        ("client_name", "n" * 5000),
        ("scope", ["mcp:tools"]),
        ("software_id", 1.5),
        ("software_version", True),
        ("contacts", "ops@example.com"),
        ("contacts", [1]),
        ("contacts", ["x"] * 100),
        ("grant_types", "authorization_code"),
        ("grant_types", ["client_credentials"]),
        ("grant_types", ["refresh_token"]),
        ("grant_types", [None]),
        ("response_types", "code"),
        ("response_types", ["token"]),
        ("response_types", [{}]),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_method", "tls_client_auth"),
        ("token_endpoint_auth_method", 1),
        ("token_endpoint_auth_method", ["none"]),
        ("application_type", "service"),
        ("client_uri", "javascript:alert(1)"),
        ("client_uri", 1),
        ("logo_uri", "data:image/png;base64,x"),
        ("logo_uri", "/logo.png"),
        ("tos_uri", "https://user@example.com"),
        ("tos_uri", "http://["),
        ("policy_uri", "https://example.com/a b"),
        ("policy_uri", "https://example.com/\n"),
    ],
)
def test_metadata_of_another_type_or_meaning_is_refused_in_json(world: World, name: str, value: Any) -> None:
    body = json.dumps({**registration(), name: value})
    response = world.post("/register", body, content_type="application/json")
    assert is_json_error(response, 400, "invalid_client_metadata")


def test_null_and_empty_members_count_as_absent(world: World) -> None:
    body = json.dumps(
        {**registration(), "client_name": None, "logo_uri": "", "scope": None, "response_types": None}
    )
    response = world.post("/register", body, content_type="application/json")
    assert response.status_code == 201
    assert not {"client_name", "logo_uri", "scope"} & set(response.get_json())


@pytest.mark.requirement("RFC7591-2-IGNORE")
def test_members_this_server_does_not_know_are_ignored(world: World) -> None:
    body = world.register(jwks={"keys": []}, software_statement="a.b.c", **{"client_name#fr": "Nom"})
    assert not {"jwks", "software_statement", "client_name#fr"} & set(body)


@pytest.mark.requirement("RFC7591-3.2.1-UNIQUE", "RFC9700-4.15-SUBJECT")
def test_a_client_cannot_choose_its_id_its_secret_or_its_source(world: World) -> None:
    sent = {"client_id": "mine", "client_secret": "mine", "source": "operator", "secret_hash": "x"}
    body = world.register(**sent)
    assert body["client_id"] != "mine"
    assert "client_secret" not in body
    stored = world.store.get_client(body["client_id"])
    assert stored is not None
    assert stored.source == "dynamic"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused_in_json(world: World, method: str) -> None:
    assert is_json_error(world.browser().open("/register", method=method), 405, "invalid_request")


@pytest.mark.requirement("RFC7591-5-RATE")
def test_a_body_over_64_kib_is_refused_in_json(world: World) -> None:
    body = json.dumps(registration(client_name="n" * 70_000))
    response = world.post("/register", body, content_type="application/json")
    assert is_json_error(response, 413, "invalid_request")


def test_a_body_of_unknown_length_over_64_kib_is_refused_too(world: World) -> None:
    body = json.dumps(registration(client_name="n" * 70_000)).encode()
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    response = world.post("/register", body, environ_overrides=environ)
    assert is_json_error(response, 413, "invalid_request")
