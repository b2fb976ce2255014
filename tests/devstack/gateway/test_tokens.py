"""validate-jwt and the 401 challenge: which tokens pass, and what a client is told otherwise."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jwk

from tests.devstack.gateway.harness import unsigned

SCOPE = 'scope="mcp:tools snippets:read snippets:write"'
INVALID = 'error="invalid_token", error_description="The access token is expired, or not valid here", '


def challenge(stack: Any, error: str = "", alias: str = "/mcp", host: str = "localhost") -> str:
    metadata = f"http://{host}:{stack.gateway.port}/.well-known/oauth-protected-resource{alias}"
    return f'Bearer {error}resource_metadata="{metadata}", {SCOPE}'


@pytest.mark.requirement("MCP-AUTH-PRM-LOCATION")
@pytest.mark.parametrize(
    "header", [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}]
)
def test_without_a_token_the_challenge_has_no_error_code(stack: Any, header: dict[str, str]) -> None:
    response = stack.request("POST", "/mcp", headers=header)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == challenge(stack)
    assert stack.mcp.seen == []


@pytest.mark.requirement("MCP-AUTH-PRM-LOCATION", "RFC9728-5.1-CHALLENGE")
@pytest.mark.parametrize(
    ("path", "alias"), [("/mcp", "/mcp"), ("/mcp/sse", "/mcp/sse"), ("/mcp/message", "/mcp/sse")]
)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_challenge_names_the_metadata_of_the_address_that_was_asked(
    stack: Any, path: str, alias: str, host: str
) -> None:
    response = stack.request("POST", path, host=host)
    assert response.headers["WWW-Authenticate"] == challenge(stack, alias=alias, host=host)


def test_a_good_token_passes_whatever_the_schemes_case(stack: Any) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        header = {"Authorization": f"{scheme} {stack.token()}"}
        assert stack.request("POST", "/mcp", headers=header).status_code == 200


@pytest.mark.requirement("MCP-AUTH-NO-QUERY-TOKEN")
def test_a_token_in_the_query_is_no_token(stack: Any) -> None:
    response = stack.request("POST", f"/mcp?access_token={stack.token()}")
    assert response.headers["WWW-Authenticate"] == challenge(stack)


@pytest.mark.requirement("MCP-AUTH-401-INVALID", "MCP-AUTH-AUDIENCE", "RFC9068-4-ISS")
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": 1_000_000_000}, id="expired"),
        pytest.param({"exp": None}, id="no exp"),
        pytest.param({"exp": "tomorrow"}, id="exp is no number"),
        pytest.param({"exp": True}, id="exp is true"),
        pytest.param({"nbf": 99_999_999_999}, id="not yet valid"),
        pytest.param({"aud": "http://other.example/mcp"}, id="another audience"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"aud": ["http://other.example/mcp"]}, id="other audiences"),
        pytest.param({"iss": "http://other.example"}, id="another issuer"),
        pytest.param({"iss": None}, id="no issuer"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused_as_invalid(stack: Any, changes: dict[str, Any]) -> None:
    response = stack.request("POST", "/mcp", headers=stack.bearer(**changes))
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == challenge(stack, INVALID)
    assert stack.mcp.seen == []


@pytest.mark.requirement("MCP-AUTH-AUDIENCE")
def test_the_alias_of_the_resource_is_no_audience(stack: Any) -> None:
    headers = stack.bearer(aud=f"{stack.url}/mcp/sse")
    assert stack.request("GET", "/mcp/sse", headers=headers).status_code == 401


def test_an_audience_may_be_one_of_several(stack: Any) -> None:
    headers = stack.bearer(aud=["http://other.example", f"{stack.url}/mcp"])
    assert stack.request("POST", "/mcp", headers=headers).status_code == 200


@pytest.mark.requirement("RFC9068-4-EXP")
def test_a_token_is_honoured_for_the_clock_skew_and_no_longer(stack: Any) -> None:
    now = int(time.time())
    assert stack.request("POST", "/mcp", headers=stack.bearer(exp=now - 10)).status_code == 200
    assert stack.request("POST", "/mcp", headers=stack.bearer(exp=now - 40)).status_code == 401


@pytest.mark.requirement("MCP-AUTH-401-INVALID", "RFC9068-4-SIGNATURE")
@pytest.mark.parametrize("spoil", ["signature", "payload", "cut", "words"])
def test_a_token_that_was_tampered_with_is_refused_as_invalid(stack: Any, spoil: str) -> None:
    header, payload, signature = stack.token().split(".")
    other = stack.token(sub="tenant.bob").split(".")
    token = {
        "signature": f"{header}.{payload}.{other[2]}",
        "payload": f"{header}.{other[1]}.{signature}",
        "cut": f"{header}.{payload}.",
        "words": "not a token at all",
    }[spoil]
    response = stack.request("POST", "/mcp", headers={"Authorization": f"Bearer {token}"})
    assert response.headers["WWW-Authenticate"] == challenge(stack, INVALID)


def test_a_token_of_another_key_under_a_known_name_is_refused(stack: Any) -> None:
    other = jwk.RSAKey.generate_key(2048)
    assert stack.request("POST", "/mcp", headers=stack.bearer(key=other)).status_code == 401


def test_a_key_that_comes_with_the_token_is_not_believed(stack: Any) -> None:
    other = jwk.RSAKey.generate_key(2048)
    for header in (
        {"jwk": other.as_dict(private=False)},
        {"jku": "http://evil.example/keys"},
        {"kid": "second"},
    ):
        assert (
            stack.request("POST", "/mcp", headers=stack.bearer(key=other, header=header)).status_code == 401
        )


@pytest.mark.requirement("RFC9068-4-SIGNATURE")
def test_an_unsigned_token_is_refused(stack: Any) -> None:
    for algorithm in ("none", "None", "NONE"):
        token = unsigned({"alg": algorithm, "kid": "first"}, stack.claims())
        response = stack.request("POST", "/mcp", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401


def test_a_public_key_does_not_serve_as_a_shared_secret(stack: Any) -> None:
    secret = stack.auth.signing_key.as_pem(private=False)
    signed = unsigned({"alg": "HS256", "kid": "first"}, stack.claims()).rstrip(".")
    signature = urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()).rstrip(b"=")
    token = f"{signed}.{signature.decode()}"
    assert stack.request("POST", "/mcp", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_an_unknown_critical_header_is_refused(stack: Any) -> None:
    header = {"alg": "RS256", "kid": "first", "crit": ["exp"], "exp": 1}
    token = stack.token().split(".")
    forged = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    response = stack.request(
        "POST", "/mcp", headers={"Authorization": f"Bearer {forged}.{token[1]}.{token[2]}"}
    )
    assert response.status_code == 401


def test_a_token_without_a_key_id_is_refused(stack: Any) -> None:
    assert stack.request("POST", "/mcp", headers=stack.bearer(header={"kid": "nobody"})).status_code == 401


def test_two_authorization_headers_are_refused(stack: Any) -> None:
    line = b"Authorization: Bearer %b\r\n" % stack.token().encode()
    with stack.raw(b"POST /mcp HTTP/1.1\r\nHost: HOST\r\n" + line * 2 + b"\r\n") as client:
        assert client.status == 400
    assert stack.mcp.seen == []


@pytest.mark.parametrize(
    ("status", "error"), [("401 Unauthorized", "invalid_token"), ("403 Forbidden", "insufficient_scope")]
)
def test_the_mcp_servers_own_challenge_passes_untouched(stack: Any, status: str, error: str) -> None:
    own = f'Bearer error="{error}", scope="model:invoke", resource_metadata="http://x/y"'

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [("WWW-Authenticate", own), ("Content-Type", "application/json")])
        return [b'{"error":"own"}']

    stack.mcp.app = app
    response = stack.request("POST", "/mcp", headers=stack.bearer())
    assert f"{response.status_code} {response.reason}" == status
    assert response.headers["WWW-Authenticate"] == own
    assert response.content == b'{"error":"own"}'


def test_a_refused_request_with_a_body_leaves_the_connection_usable(stack: Any) -> None:
    body = b"x" * 1000
    head = b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1000\r\n\r\n"
    with stack.raw((head + body) * 2) as client:
        client.until(b"\r\n\r\n")
        assert client.until(b"\r\n\r\nHTTP/1.1 401").count(b"HTTP/1.1 401") == 2
