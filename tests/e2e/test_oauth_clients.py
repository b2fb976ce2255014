"""Certified OAuth libraries, which check every answer against its RFC and throw where it differs."""

from pathlib import Path

import pytest

from tests.e2e.programs import HELLO, SCOPES, javascript
from tests.e2e.stack import Stack


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("way", ["gateway", "around the gateway", "no gateway"])
def test_oauth4webapi_finds_nothing_wrong_from_discovery_to_revocation(
    request: pytest.FixtureRequest, browser: Path, way: str, method: str
) -> None:
    stack: Stack = request.getfixturevalue("bare_stack" if way == "no gateway" else "stack")
    url = stack.direct_mcp_url if way == "around the gateway" else stack.mcp_url
    assert javascript("oauth4webapi.mjs", url, browser, method) == {
        "resource": url,
        "issuer": stack.issuer,
        "authentication": method,
        "secret": method != "none",
        "scope": SCOPES,
        "rotated": True,
        "claims": {"iss": stack.issuer, "aud": stack.mcp_url, "client": True},
        "hello": HELLO,
        "bad_token": "invalid_token",
        "code_again": "invalid_grant",
        "after_revocation": "invalid_grant",
    }


@pytest.mark.parametrize("discovery", ["oauth2", "oidc"])
def test_openid_client_finds_nothing_wrong_from_either_metadata_document(
    stack: Stack, browser: Path, discovery: str
) -> None:
    assert javascript("openid_client.mjs", stack.issuer, stack.mcp_url, browser, discovery) == {
        "issuer": stack.issuer,
        "pkce": True,
        "lifetime_seconds": 3600,
        "scope": ["mcp:tools"],
        "rotated": True,
        "after_revocation": "invalid_grant",
    }
