"""What a client sends cannot pass for what the gateway sets."""

from typing import Any

import pytest

PRETENCES = [
    "X-Public-Origin",
    "Forwarded",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Uri",
    "X-Forwarded-User",
    "X-Forwarded-Client-Cert",
    "X-Original-URL",
    "X-Original-Host",
    "X-Rewrite-URL",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "X-HTTP-Method-Override",
    "X-MS-CLIENT-PRINCIPAL",
]
PATHS = ["/oauth/jwks", "/.well-known/oauth-protected-resource", "/mcp"]


def forwarded(stack: Any, path: str) -> dict[str, Any]:
    backend = stack.auth if path.startswith("/oauth") else stack.mcp
    return {name: value for name, value in backend.last.items() if name.startswith("HTTP_")}


@pytest.mark.requirement("RFC9700-4.13-PROXY")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", PRETENCES)
def test_a_header_that_speaks_for_a_proxy_is_not_passed_on(stack: Any, name: str, path: str) -> None:
    for spelling in (name, name.upper(), name.lower()):
        headers = {**stack.bearer(), spelling: "evil.example"}
        assert stack.request("GET", path, headers=headers).status_code == 200
        assert "evil" not in str(forwarded(stack, path))


@pytest.mark.parametrize("path", PATHS)
def test_the_server_behind_learns_the_origin_and_the_callers_address_from_the_gateway(
    stack: Any, path: str
) -> None:
    headers = {**stack.bearer(), "X-Forwarded-For": "203.0.113.7", "X-Public-Origin": "http://evil.example"}
    stack.request("GET", path, headers=headers)
    seen = forwarded(stack, path)
    assert seen["HTTP_X_PUBLIC_ORIGIN"] == stack.url
    assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"


@pytest.mark.requirement("RFC9700-4.13-PROXY")
@pytest.mark.parametrize(
    "name", ["X_Public_Origin", "X-Public_Origin", "x_public-origin", "X_Forwarded_For", "Content_Length"]
)
def test_an_underscore_does_not_pass_for_a_hyphen(stack: Any, name: str) -> None:
    stack.request("GET", "/oauth/jwks", headers={name: "evil.example"})
    assert "evil" not in str(forwarded(stack, "/oauth/jwks"))


def test_a_doubled_header_does_not_survive_beside_the_gateways_own(stack: Any) -> None:
    line = b"X-Public-Origin: http://evil.example\r\n"
    with stack.raw(b"GET /oauth/jwks HTTP/1.1\r\nHost: HOST\r\n" + line * 3 + b"\r\n") as client:
        assert client.status == 200
    assert forwarded(stack, "/oauth/jwks")["HTTP_X_PUBLIC_ORIGIN"] == stack.url


def test_naming_the_gateways_header_in_connection_does_not_remove_it(stack: Any) -> None:
    named = b"Connection: X-Public-Origin, X-Forwarded-For, x-a\r\nX-A: 1\r\n\r\n"
    with stack.raw(b"GET /oauth/jwks HTTP/1.1\r\nHost: HOST\r\n" + named) as client:
        assert client.status == 200
    seen = forwarded(stack, "/oauth/jwks")
    assert seen["HTTP_X_PUBLIC_ORIGIN"] == stack.url
    assert "HTTP_X_A" not in seen


def test_hop_by_hop_headers_stay_on_their_hop(stack: Any) -> None:
    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response(
            "200 OK", [("X-B", "kept"), ("X-C", "dropped"), ("Connection", "X-C"), ("Content-Length", "0")]
        )
        return []

    stack.auth.app = app
    extra = {"TE": "trailers", "Proxy-Authorization": "Basic eDp5", "Keep-Alive": "3", "Upgrade": "h2c"}
    response = stack.request("GET", "/oauth/jwks", headers=extra)
    seen = forwarded(stack, "/oauth/jwks")
    assert not {"HTTP_TE", "HTTP_PROXY_AUTHORIZATION", "HTTP_KEEP_ALIVE", "HTTP_UPGRADE"} & set(seen)
    assert response.headers["X-B"] == "kept"
    assert "X-C" not in response.headers


def test_ordinary_headers_pass_in_both_directions(stack: Any) -> None:
    def app(_environ: Any, start_response: Any) -> list[bytes]:
        cookies = [("Set-Cookie", "a=1; HttpOnly"), ("Set-Cookie", "b=2")]
        start_response("303 See Other", [*cookies, ("Location", "/x?y=z"), ("Content-Length", "0")])
        return []

    stack.auth.app = app
    sent = {
        "Cookie": "s=1",
        "Accept": "text/html",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Param-X": "ä".encode(),
    }
    response = stack.request("GET", "/oauth/callback?code=1", headers=sent)
    seen = forwarded(stack, "/oauth/callback")
    assert (seen["HTTP_COOKIE"], seen["HTTP_ACCEPT"]) == ("s=1", "text/html")
    assert seen["HTTP_MCP_PROTOCOL_VERSION"] == "2026-07-28"
    assert seen["HTTP_MCP_PARAM_X"].encode("latin-1") == "ä".encode()
    assert (response.status_code, response.reason, response.headers["Location"]) == (
        303,
        "See Other",
        "/x?y=z",
    )
    assert [v for k, v in response.raw.headers.items() if k == "Set-Cookie"] == ["a=1; HttpOnly", "b=2"]
