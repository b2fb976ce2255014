"""MCP Inspector's web page in a real browser; ``test-results/inspector`` has pictures."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.programs import newer_node, package_file, python
from tests.e2e.stack import Stack
from tests.support.ports import free_ports

_PICTURES = Path(__file__).parents[2] / "test-results" / "inspector"
_ADDRESS = re.compile(r"^\s*(http://127\.0\.0\.1:\d+\?MCP_INSPECTOR_API_TOKEN=\w+)$", re.MULTILINE)
_SECONDS = 30


@contextmanager
def _inspector(url: str, era: str, folder: Path) -> Iterator[str]:
    """Run Inspector's web server and give the address of its page."""
    program = package_file("@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
    page, sandbox, origin = free_ports(3)
    env = {
        **os.environ,
        "HOME": str(folder),
        "CLIENT_PORT": str(page),
        "MCP_SANDBOX_PORT": str(sandbox),
        "MCP_APP_ORIGIN_PORT": str(origin),
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_SECRET_STORE": "file",
    }
    options = ("--web", "--server-url", url, "--transport", "http", "--protocol-era", era)
    log_file = folder / "inspector.log"
    with (
        log_file.open("wb") as log,
        subprocess.Popen((newer_node(), program, *options), env=env, stdout=log, stderr=log) as process,
    ):
        try:
            yield _address(process, log_file)
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[bytes]", log_file: Path) -> str:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if found := _ADDRESS.search(log_file.read_text("utf-8")):
            return found[1]
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(log_file.read_text("utf-8")[-2000:])


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_person_connects_signs_in_runs_a_tool_reads_a_resource_and_gets_a_prompt(
    stack: Stack, tmp_path: Path, era: str
) -> None:
    pictures = _PICTURES / era
    pictures.mkdir(parents=True, exist_ok=True)
    with _inspector(stack.mcp_url, era, tmp_path) as address:
        report = python("inspector_page.py", address, pictures)
    assert report == {"tool": True, "resource": True, "prompt": True}
