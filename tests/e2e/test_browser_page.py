"""A page of another origin is an MCP client with nothing but fetch: CORS, in a real browser."""

import pytest

from tests.e2e.login import complete_login
from tests.e2e.programs import HELLO, python
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack


@pytest.mark.parametrize("way", ["gateway", "around the gateway", "no gateway"])
def test_a_page_of_another_origin_signs_in_and_calls_tools(request: pytest.FixtureRequest, way: str) -> None:
    stack: Stack = request.getfixturevalue("bare_stack" if way == "no gateway" else "stack")
    url = stack.direct_mcp_url if way == "around the gateway" else stack.mcp_url
    assert python("chromium_page.py", url) == {
        "session": {"hello": HELLO, "stream": "text/event-stream", "closed": 204},
        "stateless": HELLO,
        "keys": True,
        "revoked": 200,
        "afterwards": "invalid_grant",
    }


@pytest.mark.parametrize("way", ["gateway", "around the gateway"])
def test_a_page_that_the_server_does_not_serve_reads_what_is_public_and_no_more(
    stack: Stack, way: str
) -> None:
    client = RawClient(stack.mcp_url if way == "gateway" else stack.direct_mcp_url)
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    client.session.close()
    metadata = f"{client.url.removesuffix('/mcp')}/.well-known/oauth-protected-resource/mcp"
    report = python(
        *("chromium_page.py", client.url, "--host", "app.example", "--metadata", metadata),
        *("--token", client.tokens["access_token"]),
    )
    assert report["resource"] == client.url
    assert report["refused"] in (403, "blocked")
