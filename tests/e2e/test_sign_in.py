"""The whole path over HTTP: one URL, discovery, registration, consent, sign-in, tokens, tools, refresh."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.login import LoginFailedError, complete_login
from tests.e2e.raw_client import REDIRECT_URI, RawClient
from tests.e2e.stack import Stack


@pytest.fixture(params=["gateway", "gateway, other spelling", "around the gateway", "no gateway"])
def url(request: pytest.FixtureRequest) -> str:
    """One of the URLs a person may give to a client."""
    stack: Stack = request.getfixturevalue("bare_stack" if request.param == "no gateway" else "stack")
    return {
        "gateway": stack.mcp_url,
        "gateway, other spelling": stack.mcp_url.replace("localhost", "127.0.0.1"),
        "around the gateway": stack.direct_mcp_url,
        "no gateway": stack.mcp_url,
    }[str(request.param)]


@pytest.fixture
def client(stack: Stack) -> Iterator[RawClient]:
    """A client of the stack with a gateway that has registered itself."""
    client = RawClient(stack.mcp_url)
    client.discover()
    client.register()
    yield client
    client.session.close()


def _sign_in(client: RawClient, username: str = "alice@contoso.example", **parameters: str) -> None:
    code = client.receive(complete_login(client.authorize_url(**parameters), username))
    answer = client.redeem(code)
    assert answer.status_code == 200, answer.text


def _error_in(final_url: str) -> str:
    assert final_url.startswith(REDIRECT_URI)
    (error,) = parse_qs(urlsplit(final_url).query)["error"]
    return error


@pytest.mark.requirement("MCP-AUTH-E2E-DISCOVERY", "RFC9207-2-E2E")
def test_a_client_that_knows_one_url_signs_in_and_calls_tools(url: str) -> None:
    client = RawClient(url)
    client.discover()
    assert client.resource_metadata["resource"] == url
    client.register()
    _sign_in(client)
    assert client.tokens["token_type"] == "Bearer"
    assert client.call("hello_mcp")["content"][0]["text"] == "Hello I am MCPTool!"
    client.call("save_snippet", snippetname="greeting", snippet="hello")
    assert "hello" in client.call("get_snippet", snippetname="greeting")["content"][0]["text"]
    before = client.tokens["refresh_token"]
    assert client.refresh().status_code == 200
    assert client.tokens["refresh_token"] != before
    assert client.send("tools/list").status_code == 200
    client.session.close()


@pytest.mark.requirement("RFC8707-2.2-AUDIENCE")
def test_tokens_name_one_audience_whichever_spelling_was_asked_for(stack: Stack) -> None:
    client = RawClient(stack.direct_mcp_url)
    client.discover()
    client.register()
    _sign_in(client)
    claims = client.claims()
    assert (claims["aud"], claims["iss"], claims["client_id"]) == (
        stack.mcp_url,
        stack.issuer,
        client.client_id,
    )
    assert claims["scope"].split() == ["mcp:tools", "snippets:read", "snippets:write"]
    client.session.close()


def test_somebody_of_another_allowed_tenant_signs_in(client: RawClient) -> None:
    _sign_in(client, "carol@fabrikam.example")
    assert client.claims()["tid"] == "22222222-2222-4222-8222-222222222222"


def test_snippets_of_one_person_are_not_another_s(client: RawClient, stack: Stack) -> None:
    _sign_in(client)
    client.call("save_snippet", snippetname="private", snippet="alice's own")
    other = RawClient(stack.mcp_url)
    other.discover()
    other.register()
    _sign_in(other, "bob@contoso.example")
    assert other.call("get_snippet", snippetname="private")["isError"] is True
    other.session.close()


def test_a_tenant_that_is_not_allowed_gets_a_page_and_no_code(client: RawClient) -> None:
    with pytest.raises(LoginFailedError, match=r"403 at .*/callback: .*organization cannot be used here"):
        complete_login(client.authorize_url(), "mallory@evil.example")


def test_who_presses_deny_gets_no_code(client: RawClient) -> None:
    assert _error_in(complete_login(client.authorize_url(), decision="deny")) == "access_denied"


def test_a_wrong_password_leads_nowhere(client: RawClient) -> None:
    with pytest.raises(LoginFailedError):
        complete_login(client.authorize_url(), password="wrong")


def test_a_code_is_good_once_and_its_replay_ends_the_session(client: RawClient) -> None:
    code = client.receive(complete_login(client.authorize_url()))
    assert client.redeem(code).status_code == 200
    answer = client.redeem(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert client.refresh().json()["error"] == "invalid_grant"


def test_a_wrong_verifier_burns_the_code(client: RawClient) -> None:
    code = client.receive(complete_login(client.authorize_url()))
    verifier, client.verifier = client.verifier, "w" * 64
    assert client.redeem(code).json()["error"] == "invalid_grant"
    client.verifier = verifier
    assert client.redeem(code).json()["error"] == "invalid_grant"


def test_a_revoked_session_cannot_be_refreshed(client: RawClient) -> None:
    _sign_in(client)
    assert client.revoke().status_code == 200
    assert client.refresh().json()["error"] == "invalid_grant"


@pytest.mark.requirement("MCP-AUTH-E2E-SCOPE")
def test_too_few_scopes_get_a_step_up_challenge_that_names_all(client: RawClient) -> None:
    _sign_in(client, scope="mcp:tools")
    answer = client.send("tools/call", {"name": "get_snippet", "arguments": {"snippetname": "x"}})
    assert answer.status_code == 403
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert "snippets:read" in challenge


def test_a_token_that_was_tampered_with_is_refused_by_gateway_and_server(
    client: RawClient, stack: Stack
) -> None:
    _sign_in(client)
    head, payload, signature = client.tokens["access_token"].split(".")
    client.tokens["access_token"] = f"{head}.{payload}.{signature[:-6]}AAAAAA"
    for client.url in (stack.mcp_url, stack.direct_mcp_url):
        answer = client.send("tools/list")
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_an_old_client_finds_the_endpoints_at_the_root(client: RawClient, stack: Stack) -> None:
    client.server_metadata |= {
        "authorization_endpoint": f"{stack.issuer}/authorize",
        "token_endpoint": f"{stack.issuer}/token",
        "registration_endpoint": f"{stack.issuer}/register",
    }
    client.register()
    _sign_in(client)
    assert client.call("hello_mcp")["content"][0]["text"] == "Hello I am MCPTool!"
