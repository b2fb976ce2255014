"""The published Python client against a real server process, in each of its modes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcpserver.running import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("mcpserver")) as started:
        yield started


@pytest.mark.parametrize(
    ("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")]
)
def test_the_python_client_lists_and_calls_tools(server: Server, mode: str, version: str) -> None:
    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name("sdk_client.py"), server.url, server.issuer.token(), mode],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["version"] == version
    assert {"hello_mcp", "save_snippet", "count_to"} <= set(seen["tools"])
    assert seen["greeting"] == "Hello I am MCPTool!"
    assert seen["counted"] == "counted to 3"
    assert seen["progress"] == [1, 2, 3]
    assert seen["added"] == {"total": 5}
