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
_NEEDS_NO_GATEWAY = [_CLIENTS[0], _CLIENTS[5], _CLIENTS[8]]
_OUTCOME = {
    "tools": TOOLS,
    "hello": HELLO,
    "snippet": "console.log('hello')",
    "listed": True,
    "deleted": True,
    "absent": True,
    "refreshed": True,
    "scope": SCOPES,
}


@pytest.mark.parametrize("way", ["gateway", "around the gateway"])
@pytest.mark.parametrize(("package", "transport", "negotiation", "protocol"), _CLIENTS)
def test_it_signs_in_calls_tools_and_refreshes(
    stack: Stack,
    browser: Path,
    way: str,
    package: str,
    transport: str,
    negotiation: str,
    protocol: str | None,
) -> None:
    url = _address(stack.mcp_url if way == "gateway" else stack.direct_mcp_url, transport)
    report = javascript("typescript_sdk.mjs", package, url, browser, transport, negotiation)
    assert report == {"protocol": protocol, **_OUTCOME}


@pytest.mark.parametrize(("package", "transport", "negotiation", "protocol"), _NEEDS_NO_GATEWAY)
def test_it_needs_no_gateway(
    bare_stack: Stack, browser: Path, package: str, transport: str, negotiation: str, protocol: str | None
) -> None:
    url = _address(bare_stack.mcp_url, transport)
    report = javascript("typescript_sdk.mjs", package, url, browser, transport, negotiation)
    assert report == {"protocol": protocol, **_OUTCOME}


def _address(url: str, transport: str) -> str:
    return f"{url}/sse" if transport == "sse" else url
