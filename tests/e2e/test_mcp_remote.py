"""mcp-remote, the bridge for hosts that only start programs: it signs in once, and stays signed in."""

import json
from pathlib import Path

import pytest

from tests.e2e.programs import HELLO, TOOLS, package_file, python
from tests.e2e.stack import Stack
from tests.support.ports import free_ports


@pytest.mark.parametrize(
    ("way", "strategy", "mode", "protocol"),
    [
        ("gateway", "http-only", "legacy", "2025-11-25"),
        ("gateway", "http-only", "auto", "2026-07-28"),
        ("gateway", "sse-only", "legacy", "2025-11-25"),
        ("around the gateway", "http-first", "legacy", "2025-11-25"),
    ],
)
def test_a_host_that_only_starts_programs_uses_the_tools_through_it(
    stack: Stack, browser: Path, tmp_path: Path, way: str, strategy: str, mode: str, protocol: str
) -> None:
    url = stack.mcp_url if way == "gateway" else stack.direct_mcp_url
    if strategy == "sse-only":
        url = f"{url}/sse"
    memory = tmp_path / "mcp-auth"
    # Both times: the second finds what the first has kept, and no browser to ask.
    for opener in (browser, Path("/nonexistent")):
        report = python(
            "python_stdio.py",
            *(mode, "node", package_file("mcp-remote", "dist", "proxy.js"), url),
            *(str(free_ports(1)[0]), "--transport", strategy),
            env={"MCP_REMOTE_CONFIG_DIR": str(memory), "BROWSER": str(opener)},
        )
        assert report == {
            "protocol": protocol,
            "tools": TOOLS,
            "hello": HELLO,
            "snippet": "print('hello')",
            "listed": True,
            "deleted": True,
            "absent": True,
        }
    (tokens,) = memory.rglob("*_tokens.json")
    assert json.loads(tokens.read_text("utf-8"))["refresh_token"]
