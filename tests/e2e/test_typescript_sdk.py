"""The official TypeScript client, old and new versions: sign-in, tools and refresh."""

from pathlib import Path

import pytest

from tests.e2e.programs import HELLO, SCOPES, TOOLS, javascript
from tests.e2e.stack import Stack

_SECOND_GENERATION = "@modelcontextprotocol/client"
_SESSIONS, _NEWEST = "2025-11-25", "2026-07-28"
# (package, transport, negotiation, what it reports as the revision: the first generation reports none)
_CLIENTS = [
    pytest.param("sdk-1-9", "sse", "legacy", None, id="1.9 sse"),  # it has no other transport
    pytest.param("sdk-1-12", "http", "legacy", None, id="1.12"),
    pytest.param("sdk-1-12", "sse", "legacy", None, id="1.12 sse"),
    pytest.param("sdk-1-22", "http", "legacy", None, id="1.22"),
    pytest.param("sdk-1-22", "sse", "legacy", None, id="1.22 sse"),
    pytest.param("@modelcontextprotocol/sdk", "http", "legacy", None, id="1.32"),
    pytest.param("@modelcontextprotocol/sdk", "sse", "legacy", None, id="1.32 sse"),
    pytest.param(_SECOND_GENERATION, "http", "legacy", _SESSIONS, id="2 legacy"),
    pytest.param(_SECOND_GENERATION, "http", "auto", _NEWEST, id="2 auto"),
    pytest.param(_SECOND_GENERATION, "http", _NEWEST, _NEWEST, id="2 pinned"),
    pytest.param(_SECOND_GENERATION, "sse", "legacy", _SESSIONS, id="2 sse"),
]
_WAYS = ["gateway", "around the gateway", "no gateway"]


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize(("package", "transport", "negotiation", "protocol"), _CLIENTS)
def test_it_signs_in_calls_tools_and_refreshes(
    request: pytest.FixtureRequest,
    browser: Path,
    way: str,
    package: str,
    transport: str,
    negotiation: str,
    protocol: str | None,
) -> None:
    stack: Stack = request.getfixturevalue("bare_stack" if way == "no gateway" else "stack")
    url = stack.direct_mcp_url if way == "around the gateway" else stack.mcp_url
    if transport == "sse":
        url = f"{url}/sse"
    assert javascript("typescript_sdk.mjs", package, url, browser, transport, negotiation) == {
        "protocol": protocol,
        "tools": TOOLS,
        "hello": HELLO,
        "snippet": "console.log('hello')",
        "listed": ["typescript"],
        "deleted": True,
        "absent": True,
        "refreshed": True,
        "scope": SCOPES,
    }
