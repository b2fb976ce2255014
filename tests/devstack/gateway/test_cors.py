"""What a page of another origin may do, by the cors policies as they are deployed."""

from typing import Any

import pytest

ORIGIN = {"Origin": "https://page.example"}
EXPOSED = "WWW-Authenticate,Mcp-Session-Id,MCP-Protocol-Version,Retry-After"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("origin", ["https://page.example", "http://localhost:6274", "null"])
def test_a_preflight_is_answered_by_the_gateway_for_any_origin(stack: Any, method: str, origin: str) -> None:
    asked = "authorization,content-type,mcp-protocol-version,mcp-param-x"
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": asked,
    }
    response = stack.request("OPTIONS", "/mcp", headers=headers)
    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == method
    assert response.headers["Access-Control-Allow-Headers"] == asked
    assert response.headers["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert stack.mcp.seen == []


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/oauth/token", "POST"),
        ("/oauth/register", "POST"),
        ("/token", "POST"),
        ("/.well-known/oauth-authorization-server", "GET"),
        ("/.well-known/oauth-protected-resource/mcp", "GET"),
        ("/mcp/message", "POST"),
        ("/mcp/sse", "GET"),
    ],
)
def test_each_public_endpoint_answers_preflights(stack: Any, path: str, method: str) -> None:
    headers = {**ORIGIN, "Access-Control-Request-Method": method}
    assert stack.request("OPTIONS", path, headers=headers).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(("path", "method"), [("/mcp", "PUT"), ("/metrics", "GET"), ("/oauth/token", "GET")])
def test_a_preflight_for_what_is_not_there_is_404(stack: Any, path: str, method: str) -> None:
    headers = {**ORIGIN, "Access-Control-Request-Method": method}
    response = stack.request("OPTIONS", path, headers=headers)
    assert response.status_code == 404
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_page_may_read_the_answer_and_the_headers_it_needs(stack: Any) -> None:
    response = stack.request("POST", "/mcp", headers={**stack.bearer(), **ORIGIN})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Expose-Headers"] == EXPOSED
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert stack.mcp.last["HTTP_ORIGIN"] == ORIGIN["Origin"]


def test_a_page_may_read_a_challenge(stack: Any) -> None:
    response = stack.request("POST", "/mcp", headers=ORIGIN)
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Expose-Headers"] == EXPOSED


def test_a_page_may_read_that_the_server_behind_is_away(make_stack: Any) -> None:
    stack = make_stack({"authserver-url": "http://127.0.0.1:9"})
    response = stack.request("GET", "/oauth/jwks", headers=ORIGIN)
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (503, "*")


def test_headers_of_the_server_behind_do_not_double_the_gateways(stack: Any) -> None:
    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response(
            "200 OK", [("Access-Control-Allow-Origin", "https://other.example"), ("Content-Length", "0")]
        )
        return []

    stack.auth.app = app
    response = stack.request("GET", "/oauth/jwks", headers=ORIGIN)
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_without_an_origin_there_are_no_cors_headers(stack: Any) -> None:
    response = stack.request("GET", "/oauth/jwks")
    assert not [name for name in response.headers if name.startswith("Access-Control")]
