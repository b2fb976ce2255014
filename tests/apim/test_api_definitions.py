"""The API definitions: exactly the public URL map of the design, and nothing beside it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

APIM = Path(__file__).parents[2] / "apim"
WELL_KNOWN = "/.well-known"
# The public URL map, a line for each row of the design's table.
URL_MAP: dict[str, set[str]] = {
    "root-api": {
        f"GET {WELL_KNOWN}/oauth-authorization-server",
        f"GET {WELL_KNOWN}/oauth-authorization-server/*",
        f"GET {WELL_KNOWN}/openid-configuration",
        f"GET {WELL_KNOWN}/openid-configuration/*",
        f"GET {WELL_KNOWN}/oauth-protected-resource",
        f"GET {WELL_KNOWN}/oauth-protected-resource/mcp",
        f"GET {WELL_KNOWN}/oauth-protected-resource/mcp/sse",
        "GET /authorize",
        "POST /token",
        "POST /register",
    },
    "auth-api": {
        "GET /oauth/authorize",
        "POST /oauth/consent",
        "GET /oauth/callback",
        "POST /oauth/token",
        "POST /oauth/register",
        "POST /oauth/revoke",
        "POST /oauth/introspect",
        "GET /oauth/jwks",
        "GET /oauth/revoked",
        "POST /oauth/device_authorization",
        "GET /oauth/device",
        "POST /oauth/device",
        "GET /oauth/account",
        "POST /oauth/account",
        "GET /oauth/account/*",
        "GET /oauth/admin",
        "POST /oauth/admin",
        "GET /oauth/admin/*",
        "POST /oauth/admin/*",
        "GET /oauth/register/*",
        "PUT /oauth/register/*",
        "DELETE /oauth/register/*",
        "GET /oauth/logout",
        "POST /oauth/logout",
        "GET /oauth/onboarding",
        "POST /oauth/onboarding",
        "GET /oauth/openapi.json",
    },
    "mcp-api": {
        "POST /mcp/",
        "GET /mcp/",
        "DELETE /mcp/",
        "GET /mcp/sse",
        "POST /mcp/sse",
        "POST /mcp/message",
    },
    "ws-api": {"GET /mcp/ws/"},
}


def document(api: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((APIM / api / "openapi.json").read_text("utf-8"))
    return read


def test_there_is_a_definition_and_a_policy_for_each_api() -> None:
    assert {path.parent.name for path in APIM.glob("*-api/openapi.json")} == set(URL_MAP)
    assert {path.parent.name for path in APIM.glob("*-api/policy.xml")} == set(URL_MAP)


@pytest.mark.parametrize("api", list(URL_MAP))
def test_the_operations_are_those_of_the_public_url_map(api: str) -> None:
    read = document(api)
    (server,) = read["servers"]
    base = server["url"].rstrip("/")
    operations = {
        f"{method.upper()} {base}{path}" for path, methods in read["paths"].items() for method in methods
    }
    assert operations == URL_MAP[api]


@pytest.mark.parametrize("api", list(URL_MAP))
def test_a_definition_is_complete_enough_to_be_imported(api: str) -> None:
    read = document(api)
    assert read["openapi"].startswith("3.0.")
    assert read["info"]["title"] == api
    assert read["info"]["version"]
    operations = [operation for methods in read["paths"].values() for operation in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(operation["summary"] and operation["responses"] for operation in operations)
    # What the import would make of an id: another one would be a new operation at the next import.
    if api != "ws-api":
        assert [each for each in ids if not re.fullmatch(r"[a-z]+(-[a-z]+)*", each)] == []


@pytest.mark.parametrize("api", list(URL_MAP))
def test_preflights_are_left_to_the_cors_policy(api: str) -> None:
    assert not [path for path, methods in document(api)["paths"].items() if "options" in methods]


def test_metrics_and_health_are_not_public() -> None:
    for routes in URL_MAP.values():
        assert not [r for r in routes if r.endswith(("/metrics", "/healthz", "/readyz"))]


def test_the_websocket_api_has_the_one_operation_that_such_an_api_has() -> None:
    read = document("ws-api")
    assert read["x-api-type"] == "websocket"
    assert read["paths"]["/"]["get"]["operationId"] == "onHandshake"


def test_a_policy_of_an_operation_belongs_to_one() -> None:
    for path in APIM.glob("*-api/operations/*.xml"):
        operations = document(path.parents[1].name)["paths"].values()
        assert path.stem in {o["operationId"] for methods in operations for o in methods.values()}
