"""The documents by which clients find this server, the JWKS, and who may read them from a browser."""

from pathlib import Path
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from tests.authserver.world import ISSUER, World, is_json_error, is_page, make_world

AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
CLIENT_ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"),
]
PATHS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
BROWSER_ENDPOINTS = (*PATHS, "/jwks", "/register", "/token", "/revoke")


@pytest.mark.requirement(
    "MCP-AUTH-AS-DISCOVERY",
    "MCP-AUTH-AS-ISS-ADVERTISED",
    "MCP-AUTH-AS-PKCE-METADATA",
    "MCP-CC-METADATA",
    "RFC8414-2-ISSUER",
    "RFC8414-2-REQUIRED",
    "RFC8414-2-SIGNING",
    "RFC8414-3-LOCATION",
    "RFC8414-3.2-JSON",
    "RFC8628-4-METADATA",
    "RFC9068-4-METADATA",
    "RFC9207-2-SAME",
    "RFC9207-3-METADATA",
)
@pytest.mark.parametrize("path", PATHS)
def test_the_metadata_says_what_is_built(world: World, path: str) -> None:
    response = world.get(path)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    document = response.get_json()
    assert document == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oauth/authorize",
        "token_endpoint": f"{ISSUER}/oauth/token",
        "registration_endpoint": f"{ISSUER}/oauth/register",
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "jwks_uri": f"{ISSUER}/oauth/jwks",
        "scopes_supported": [
            "mcp:tools",
            "snippets:read",
            "snippets:write",
            "model:invoke",
            "offline_access",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            *("authorization_code", "refresh_token", "client_credentials"),
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "device_authorization_endpoint": f"{ISSUER}/oauth/device_authorization",
        "end_session_endpoint": f"{ISSUER}/oauth/logout",
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": CLIENT_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": CLIENT_ALGORITHMS,
        "introspection_endpoint": f"{ISSUER}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS[1:],
        "introspection_endpoint_auth_signing_alg_values_supported": CLIENT_ALGORITHMS,
        "client_id_metadata_document_supported": True,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }
    AuthorizationServerMetadata(document).validate()


@pytest.mark.requirement("RFC8414-2-ISSUER", "RFC8414-3.3-SAME")
def test_the_issuer_has_one_spelling_whatever_the_settings_and_the_host_header_say(tmp_path: Path) -> None:
    world = make_world(tmp_path, public_url="https://Auth.example/", endpoint_prefix="")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    document = world.get(PATHS[0], headers=headers).get_json()
    assert document["issuer"] == "https://auth.example"
    assert document["token_endpoint"] == "https://auth.example/token"
    assert "evil" not in str(document)


@pytest.mark.requirement("RFC8414-3-LOCATION")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("suffix", ["/mcp", "/oauth", "/mcp/sse", "/", "//x"])
def test_with_a_path_appended_there_is_nothing(world: World, path: str, suffix: str) -> None:
    response = world.get(path + suffix)
    assert is_json_error(response, 404, "not_found")


@pytest.mark.requirement("RFC9068-4-METADATA")
def test_the_jwks_shows_public_keys_and_nothing_else(world: World) -> None:
    response = world.get("/jwks")
    assert response.mimetype == "application/json"
    keys = response.get_json()["keys"]
    assert len(keys) == 1
    for key in keys:
        assert {"kty", "kid", "use", "alg"} <= set(key)
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)


@pytest.mark.parametrize("path", BROWSER_ENDPOINTS)
def test_scripts_of_any_origin_may_call_what_clients_call(world: World, path: str) -> None:
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version",
    }
    preflight = world.browser().options(path, headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Authorization", "Content-Type", "MCP-Protocol-Version"} <= set(
        preflight.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    for method in ("GET", "POST"):
        answer = world.browser().open(path, method=method, headers={"Origin": "https://app.example"})
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]


@pytest.mark.parametrize("path", BROWSER_ENDPOINTS)
def test_behind_the_gateway_this_server_sends_no_cors_headers(world: World, path: str) -> None:
    headers = {"X-Public-Origin": ISSUER, "Origin": "https://app.example"}
    for method in ("GET", "POST", "OPTIONS"):
        response = world.browser().open(path, method=method, headers=headers)
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/authorize", "/consent", "/callback", "/healthz", "/readyz", "/metrics"])
def test_pages_and_probes_are_not_for_scripts_of_other_origins(world: World, path: str) -> None:
    response = world.browser().get(path, headers={"Origin": "https://app.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_an_unknown_path_is_json_for_programs_and_a_page_for_people(world: World) -> None:
    assert is_json_error(world.get("/nothing"), 404, "not_found")
    assert is_json_error(world.get("/oauth/.well-known/openid-configuration"), 404, "not_found")
    assert is_page(world.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"}), 404)


@pytest.mark.parametrize("path", ["//token", "/token/", "/TOKEN", "/./token", "/authorize/", "/%2e%2e/token"])
def test_a_path_that_is_almost_an_endpoint_is_none(world: World, path: str) -> None:
    assert world.post(path, {}).status_code == 404


def test_every_answer_names_its_correlation_id(world: World) -> None:
    for path in ("/nothing", "/authorize", "/healthz", "/token"):
        assert len(world.get(path).headers["X-Correlation-Id"]) == 16


def test_a_correlation_id_is_never_the_clients(world: World) -> None:
    response = world.get("/healthz", headers={"X-Correlation-Id": "mine"})
    assert response.headers.getlist("X-Correlation-Id") != ["mine"]


def test_head_has_no_body(world: World) -> None:
    response: Any = world.browser().head(PATHS[0])
    assert (response.status_code, response.data) == (200, b"")
