"""Which server behind gets which request, and what is nobody's."""

from typing import Any

import pytest

WELL_KNOWN = "/.well-known/oauth-protected-resource"
SERVED: list[tuple[str, str, str, str]] = [
    (
        "GET",
        "/.well-known/oauth-authorization-server",
        "authserver",
        "/.well-known/oauth-authorization-server",
    ),
    ("GET", "/.well-known/openid-configuration", "authserver", "/.well-known/openid-configuration"),
    ("GET", "/oauth/authorize", "authserver", "/authorize"),
    ("POST", "/oauth/consent", "authserver", "/consent"),
    ("GET", "/oauth/callback", "authserver", "/callback"),
    ("POST", "/oauth/token", "authserver", "/token"),
    ("POST", "/oauth/register", "authserver", "/register"),
    ("POST", "/oauth/revoke", "authserver", "/revoke"),
    ("POST", "/oauth/introspect", "authserver", "/introspect"),
    ("GET", "/oauth/jwks", "authserver", "/jwks"),
    ("GET", "/oauth/revoked", "authserver", "/revoked"),
    ("GET", "/oauth/device", "authserver", "/device"),
    ("GET", "/oauth/account", "authserver", "/account"),
    ("GET", "/oauth/admin/clients", "authserver", "/admin/clients"),
    ("POST", "/token", "authserver", "/token"),
    ("POST", "/register", "authserver", "/register"),
    ("GET", WELL_KNOWN, "mcpserver", WELL_KNOWN),
    ("GET", f"{WELL_KNOWN}/mcp", "mcpserver", f"{WELL_KNOWN}/mcp"),
    ("GET", f"{WELL_KNOWN}/mcp/sse", "mcpserver", f"{WELL_KNOWN}/mcp/sse"),
]
WITH_TOKEN: list[tuple[str, str, str]] = [
    ("POST", "/mcp", "/runtime/webhooks/mcp"),
    ("GET", "/mcp", "/runtime/webhooks/mcp"),
    ("DELETE", "/mcp", "/runtime/webhooks/mcp"),
    ("POST", "/mcp/", "/runtime/webhooks/mcp"),
    ("GET", "/mcp/sse", "/runtime/webhooks/mcp/sse"),
    ("POST", "/mcp/sse", "/runtime/webhooks/mcp/sse"),
    ("POST", "/mcp/message", "/runtime/webhooks/mcp/message"),
]


@pytest.mark.requirement("RFC8414-3.1-WELL-KNOWN-PATH", "RFC9728-3.1-WELL-KNOWN-PATH")
@pytest.mark.parametrize(("method", "path", "server", "target"), SERVED)
def test_a_public_path_reaches_its_server_without_a_token(
    stack: Any, method: str, path: str, server: str, target: str
) -> None:
    backend = stack.auth if server == "authserver" else stack.mcp
    response = stack.request(method, f"{path}?a=b&c=%2F")
    assert (response.status_code, response.headers["X-Behind"]) == (200, server)
    assert backend.last["PATH_INFO"] == target
    assert backend.last["QUERY_STRING"] == "a=b&c=%2F"
    assert backend.last["REQUEST_METHOD"] == method
    assert backend.last["HTTP_HOST"] == backend.host


@pytest.mark.requirement("MCP-HTTP-ENDPOINT")
@pytest.mark.parametrize(("method", "path", "target"), WITH_TOKEN)
def test_an_mcp_path_reaches_the_mcp_server_with_a_token(
    stack: Any, method: str, path: str, target: str
) -> None:
    response = stack.request(method, f"{path}?sessionId=1", headers=stack.bearer())
    assert response.status_code == 200
    assert stack.mcp.last["PATH_INFO"] == target
    assert stack.mcp.last["QUERY_STRING"] == "sessionId=1"
    assert stack.mcp.last["HTTP_AUTHORIZATION"].startswith("Bearer ")


@pytest.mark.parametrize(("method", "path", "_target"), WITH_TOKEN)
def test_an_mcp_path_is_closed_without_a_token(stack: Any, method: str, path: str, _target: str) -> None:
    assert stack.request(method, path).status_code == 401
    assert stack.mcp.seen == []


def test_the_old_authorize_address_redirects_with_the_same_query_before_any_server_is_asked(
    stack: Any,
) -> None:
    query = "?client_id=a%20b&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&state=%22"
    response = stack.request("GET", f"/authorize{query}", host="127.0.0.1")
    assert response.status_code == 302
    assert response.headers["Location"] == f"{stack.url}/oauth/authorize{query}"
    assert "Set-Cookie" not in response.headers
    assert stack.auth.seen == []


def test_the_old_authorize_address_redirects_without_a_query_as_well(stack: Any) -> None:
    assert stack.request("GET", "/authorize").headers["Location"] == f"{stack.url}/oauth/authorize"


@pytest.mark.requirement("RFC8414-3.1-WELL-KNOWN-PATH")
@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
@pytest.mark.parametrize("suffix", ["/mcp", "/mcp/sse", "/oauth", "/x/y/z"])
def test_metadata_with_a_path_is_a_404_that_a_page_can_read(stack: Any, name: str, suffix: str) -> None:
    response = stack.request(
        "GET", f"/.well-known/{name}{suffix}", headers={"Origin": "https://page.example"}
    )
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert stack.auth.seen == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/metrics"),
        ("GET", "/healthz"),
        ("GET", "/oauth/metrics"),
        ("GET", "/oauth/healthz"),
        ("GET", "/oauth/readyz"),
        ("GET", "/mcp/metrics"),
        ("GET", "/oauth"),
        ("GET", "/oauth/"),
        ("GET", "/runtime/webhooks/mcp"),
        ("POST", "/runtime/webhooks/mcp"),
        ("GET", "/token"),
        ("PUT", "/mcp"),
        ("PATCH", "/mcp"),
        ("POST", "/MCP"),
        ("POST", "/mcp/message/x"),
        ("GET", "/.well-known/oauth-protected-resource/other"),
        ("GET", "/.well-known/"),
        ("OPTIONS", "/mcp"),
        ("TRACE", "/mcp"),
    ],
)
def test_what_the_map_does_not_hold_is_404_and_reaches_nobody(stack: Any, method: str, path: str) -> None:
    response = stack.request(method, path, headers=stack.bearer())
    assert response.status_code == 404
    assert response.json() == {"statusCode": 404, "message": "Resource not found"}
    assert stack.mcp.seen == stack.auth.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/admin/../metrics",
        "/oauth/admin/%2e%2e/metrics",
        "/oauth/admin/..%2fmetrics",
        "/oauth/admin//metrics",
        "/oauth/admin/./metrics",
        "/oauth/admin/..",
        "/oauth/admin/%5c..",
        "/oauth/admin/\\..\\metrics",
        "/oauth/admin/%00",
        "/oauth/admin/%zz",
        "//mcp",
        "/%6dcp",
        "/mcp/../oauth/jwks",
    ],
)
def test_a_path_that_can_be_read_in_two_ways_reaches_nobody(stack: Any, path: str) -> None:
    with stack.raw(b"GET %b HTTP/1.1\r\nHost: HOST\r\n\r\n" % path.encode()) as client:
        assert client.status == 404
    assert stack.mcp.seen == stack.auth.seen == []


@pytest.mark.requirement("MCP-HTTP-DNS-REBINDING")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "localhost:x"],
)
def test_a_host_that_is_not_the_gateways_is_refused(stack: Any, host: str) -> None:
    response = stack.request("GET", "/oauth/jwks", headers={"Host": host})
    assert response.status_code == 421
    assert response.headers["Content-Type"] == "application/json"
    assert stack.auth.seen == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:65000", "[::1]:1"])
def test_a_tunnel_on_another_port_of_this_machine_reaches_the_gateway_as_itself(
    stack: Any, host: str
) -> None:
    assert stack.request("GET", WELL_KNOWN, headers={"Host": host}).status_code == 200
    name = host.lower().removesuffix(":1").removesuffix(":65000")
    assert stack.mcp.last["HTTP_X_PUBLIC_ORIGIN"] == f"http://{name}:{stack.gateway.port}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_each_loopback_name_is_served_and_told_to_the_server_behind(stack: Any, host: str) -> None:
    stack.request("GET", WELL_KNOWN, host=host)
    assert stack.mcp.last["HTTP_X_PUBLIC_ORIGIN"] == f"http://{host}:{stack.gateway.port}"


def test_a_public_url_in_front_is_served_and_told_with_its_own_scheme(make_stack: Any) -> None:
    stack = make_stack({"public-url": "https://mcp.example"})
    stack.request("GET", WELL_KNOWN, headers={"Host": "MCP.example"})
    assert stack.mcp.last["HTTP_X_PUBLIC_ORIGIN"] == "https://mcp.example"
    location = stack.request("GET", "/authorize?x=1", headers={"Host": "mcp.example"}).headers["Location"]
    assert location == "https://mcp.example/oauth/authorize?x=1"


def test_an_absolute_request_target_counts_instead_of_the_host(stack: Any) -> None:
    port = stack.gateway.port
    with stack.raw(
        b"GET http://127.0.0.1:%d%b HTTP/1.1\r\nHost: HOST\r\n\r\n" % (port, WELL_KNOWN.encode())
    ) as client:
        assert client.status == 200
    assert stack.mcp.last["HTTP_X_PUBLIC_ORIGIN"] == f"http://127.0.0.1:{port}"
    with stack.raw(b"GET http://evil.example/oauth/jwks HTTP/1.1\r\nHost: HOST\r\n\r\n") as client:
        assert client.status == 421


def test_the_gateway_says_that_it_is_ready(stack: Any) -> None:
    assert stack.request("GET", "/readyz").json() == {"status": "ready"}
