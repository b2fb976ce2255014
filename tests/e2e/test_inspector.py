"""MCP Inspector's command line, headless, with a program in place of the browser."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import HELLO, TOOLS, newer_node, package_file, run
from tests.e2e.stack import Stack
from tests.support.ports import free_ports

Inspector = Callable[..., Any]
_PAGE = Path(__file__).parents[2] / "docs" / "clients" / "inspector.md"
_PRINTED = re.compile(r"npx -y @modelcontextprotocol/inspector@2 (--cli .*)$", re.MULTILINE)


@pytest.fixture
def inspector(browser: Path, tmp_path: Path) -> Inspector:
    """Return a way to run it with a home of its own; the result is what it prints as JSON."""
    program = package_file("@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")

    def inspect(*arguments: str, opener: Path = browser) -> Any:
        env = {
            "HOME": str(tmp_path),
            "BROWSER": str(opener),
            "MCP_AUTO_OPEN_ENABLED": "true",
            "MCP_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{free_ports(1)[0]}/oauth/callback",
            "MCP_INSPECTOR_SECRET_STORE": "file",
        }
        done = run((newer_node(), program, *arguments, "--format", "json"), env)
        return json.loads(done.stdout.splitlines()[-1])["result"]

    return inspect


def test_the_command_that_the_stack_prints_works_as_it_is(stack: Stack, inspector: Inspector) -> None:
    printed = _PRINTED.search(stack.logs())
    assert printed is not None
    result = inspector(*shlex.split(printed[1]))
    assert sorted(tool["name"] for tool in result["tools"]) == TOOLS


def test_the_commands_on_its_page_work_as_they_stand(stack: Stack, inspector: Inspector) -> None:
    page = _PAGE.read_text("utf-8").replace("\\\n", " ").replace("http://localhost:8080", stack.issuer)
    commands = _PRINTED.findall(page)
    assert len(commands) == 4
    *_, called, _saved, got = (inspector(*shlex.split(each)) for each in commands)
    assert called["content"][0]["text"] == HELLO
    assert got["content"][0]["text"] == "hello"
    delete = ("--method", "tools/call", "--tool-name", "delete_snippet", "--tool-arg", "snippetname=first")
    inspector("--cli", stack.mcp_url, "--transport", "http", *delete)


@pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
def test_it_signs_in_and_calls_tools_in_every_era(stack: Stack, inspector: Inspector, era: str) -> None:
    where = ("--cli", stack.mcp_url, "--transport", "http", "--protocol-era", era)
    tools = inspector(*where, "--method", "tools/list", "--strict")["tools"]
    assert sorted(tool["name"] for tool in tools) == TOOLS
    # From here on it is signed in: there is no browser to ask.
    call = ("--method", "tools/call", "--tool-name")
    arguments = json.dumps({"snippetname": "inspector", "snippet": "a\nb"})
    absent = Path("/nonexistent")
    assert inspector(*where, *call, "hello_mcp", opener=absent)["content"][0]["text"] == HELLO
    inspector(*where, *call, "save_snippet", "--tool-args-json", arguments, opener=absent)
    name = ("--tool-arg", "snippetname=inspector")
    assert inspector(*where, *call, "get_snippet", *name, opener=absent)["content"][0]["text"] == "a\nb"
    inspector(*where, *call, "delete_snippet", *name, opener=absent)


@pytest.mark.parametrize("way", ["gateway", "around the gateway"])
def test_it_speaks_the_oldest_transport(stack: Stack, inspector: Inspector, way: str) -> None:
    url = stack.mcp_url if way == "gateway" else stack.direct_mcp_url
    where = ("--cli", f"{url}/sse", "--transport", "sse", "--method", "tools/call")
    assert inspector(*where, "--tool-name", "hello_mcp")["content"][0]["text"] == HELLO


def test_it_reaches_the_server_around_the_gateway_and_without_one(
    stack: Stack, bare_stack: Stack, inspector: Inspector
) -> None:
    for url in (stack.direct_mcp_url, bare_stack.mcp_url):
        where = ("--cli", url, "--transport", "http", "--method", "tools/call")
        assert inspector(*where, "--tool-name", "hello_mcp")["content"][0]["text"] == HELLO
