"""Published clients of every generation with tools, resources, prompts, completion, elicitation, sampling,
roots, progress, log lines and changes: the tools are those of the conformance suite.
"""

import json
from typing import Any

import pytest

from tests.e2e.programs import javascript, python, run
from tests.e2e.stack import Stack
from tests.support import python_packages
from tests.support.python_packages import MCP1

SESSIONS, _NEWEST = "2025-11-25", "2026-07-28"
OUTCOME = {
    "progress": [0, 50, 100],
    "lines": 3,
    "kinds": ["text", "image", "resource"],
    "elicited": 'User response: action=accept, content={"username": "alice", "email": "a@contoso.example"}',
    "sampled": "LLM response: echo hello",
    "roots": "Roots: file:///work",
    "several": "echo Generate a greeting (1 roots)",
    "resource": "This is the content of the static text resource.",
    "blob": "iVBORw",
    "template": "123",
    "resources": True,
    "templates": True,
    "prompt": "Prompt with arguments: arg1='one', arg2='two'",
    "prompts": True,
    "completed": ["paris", "park", "party"],
    "changed": True,
}
# The first versions know no forms.
_WITHOUT_FORMS = OUTCOME | {"elicited": None, "several": None}
_SECOND_GENERATION = "@modelcontextprotocol/client"
_TYPESCRIPT = [
    pytest.param("sdk-1-9", "sse", "legacy", None, _WITHOUT_FORMS, id="1.9 sse"),
    pytest.param("sdk-1-12", "http", "legacy", None, _WITHOUT_FORMS, id="1.12"),
    pytest.param("sdk-1-22", "http", "legacy", None, OUTCOME, id="1.22"),
    pytest.param("@modelcontextprotocol/sdk", "http", "legacy", None, OUTCOME, id="1.32"),
    pytest.param("@modelcontextprotocol/sdk", "sse", "legacy", None, OUTCOME, id="1.32 sse"),
    pytest.param("@modelcontextprotocol/sdk", "ws", "legacy", None, OUTCOME, id="1.32 WebSocket"),
    pytest.param(_SECOND_GENERATION, "http", "legacy", SESSIONS, OUTCOME, id="2 legacy"),
    pytest.param(_SECOND_GENERATION, "http", "auto", _NEWEST, OUTCOME, id="2 auto"),
]


def _address(stack: Stack, way: str, transport: str) -> str:
    url = stack.mcp_url if way == "gateway" else stack.direct_mcp_url
    return f"{url}/{transport}" if transport in ("sse", "ws") else url


@pytest.mark.parametrize("way", ["gateway", "around the gateway"])
@pytest.mark.parametrize(("mode", "protocol"), [("auto", _NEWEST), ("legacy", SESSIONS), ("sse", SESSIONS)])
def test_the_python_client_uses_everything(
    equipped_stack: Stack, access_token: str, way: str, mode: str, protocol: str
) -> None:
    report = python("python_features.py", _address(equipped_stack, way, mode), access_token, mode)
    assert report == {"protocol": protocol, **OUTCOME}


# The first test also installs the client where that has not been done.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["gateway", "around the gateway"])
@pytest.mark.parametrize("mode", ["http", "sse", "ws"])
def test_the_python_client_of_the_first_generation_uses_everything(
    equipped_stack: Stack, access_token: str, way: str, mode: str
) -> None:
    command = (str(python_packages.python(MCP1)), str(MCP1 / "client.py"))
    done = run((*command, _address(equipped_stack, way, mode), access_token, mode))
    assert json.loads(done.stdout) == {"protocol": SESSIONS, **OUTCOME}


@pytest.mark.parametrize(("package", "transport", "negotiation", "protocol", "outcome"), _TYPESCRIPT)
def test_the_typescript_client_uses_everything(
    equipped_stack: Stack,
    access_token: str,
    package: str,
    transport: str,
    negotiation: str,
    protocol: str | None,
    outcome: dict[str, Any],
) -> None:
    url = _address(equipped_stack, "gateway", transport)
    report = javascript("typescript_features.mjs", package, url, access_token, transport, negotiation)
    assert report == {"protocol": protocol, **outcome}
