"""The official Python client, in each of its modes: sign-in, tools, refresh and step-up."""

from pathlib import Path

import pytest

from tests.e2e.programs import HELLO, SCOPES, TOOLS, python
from tests.e2e.stack import Stack

_NEWEST = "2026-07-28"
_NEWEST_SESSIONS = "2025-11-25"
_MODES = {"auto": _NEWEST, "legacy": _NEWEST_SESSIONS, _NEWEST: _NEWEST, "sse": _NEWEST_SESSIONS}


def _address(stack: Stack, way: str, mode: str) -> str:
    url = stack.mcp_url if way == "gateway" else stack.direct_mcp_url
    return f"{url}/sse" if mode == "sse" else url


def _outcome(protocol: str) -> dict[str, object]:
    return {
        "protocol": protocol,
        "tools": TOOLS,
        "hello": HELLO,
        "snippet": "print('hello')",
        "listed": True,
        "deleted": True,
        "absent": True,
        "scope": SCOPES,
        "refreshed": True,
        "stepped_up": SCOPES,
    }


@pytest.mark.parametrize("way", ["gateway", "around the gateway"])
@pytest.mark.parametrize("mode", _MODES)
def test_it_signs_in_calls_tools_refreshes_and_steps_up(
    stack: Stack, browser: Path, way: str, mode: str
) -> None:
    report = python("python_sdk.py", _address(stack, way, mode), browser, "--mode", mode)
    assert report == _outcome(_MODES[mode])


@pytest.mark.parametrize("mode", ["auto", "sse"])
def test_it_needs_no_gateway(bare_stack: Stack, browser: Path, mode: str) -> None:
    report = python("python_sdk.py", _address(bare_stack, "gateway", mode), browser, "--mode", mode)
    assert report == _outcome(_MODES[mode])
