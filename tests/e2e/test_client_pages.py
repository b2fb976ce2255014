"""What the pages of clients tell a reader to run works as it stands; Inspector's is in its own file."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.e2e.login import browser_command, complete_login, deliver
from tests.e2e.programs import HELLO, TOOLS, newer_node, package_file
from tests.e2e.stack import Stack
from tests.support.ports import free_ports

_PAGES: Final = Path(__file__).parents[2] / "docs" / "clients"
_SECONDS: Final = 60


def _block(page: str, language: str, stack: Stack, port: str | None) -> str:
    """Return a page's first block in a language, with this stack's address and a port that is free."""
    text = (_PAGES / page).read_text("utf-8")
    (block, *_) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert "http://localhost:8080" in block
    block = block.replace("http://localhost:8080", stack.issuer)
    return block.replace(port, str(free_ports(1)[0])) if port else str(block)


def test_the_program_on_pythons_page_says_hello(stack: Stack, browser: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_block("python.md", "python", stack, "3030"), "utf-8")
    done = subprocess.run(
        (sys.executable, str(program)),
        env={"PATH": "/usr/bin:/bin", "BROWSER": str(browser)},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert (done.stdout, done.returncode) == (f"{HELLO}\n", 0), done.stderr


def test_the_program_on_typescripts_page_says_hello(stack: Stack, tmp_path: Path) -> None:
    modules = Path(package_file())
    (tmp_path / "node_modules").symlink_to(modules)
    program = tmp_path / "program.mjs"
    program.write_text(_block("typescript.md", "js", stack, "3031"), "utf-8")
    with subprocess.Popen(
        (newer_node(), str(program)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        opened = process.stdout.readline()
        assert opened.startswith("Open "), opened or process.communicate()[1]
        deliver(complete_login(opened.removeprefix("Open ").strip()))
        said, complaints = process.communicate(timeout=_SECONDS)
    assert (said, process.returncode) == (f"{HELLO}\n", 0), complaints


def test_the_command_on_mcp_remotes_page_lists_the_tools(stack: Stack, tmp_path: Path) -> None:
    command = _block("mcp-remote.md", "sh", stack, None).split()
    assert command[:5] == ["npx", "-y", "--package", "mcp-remote", "mcp-remote-client"]
    program = package_file("mcp-remote", "dist", "client.js")
    with subprocess.Popen(
        (newer_node(), program, *command[5:]),
        env={
            "PATH": "/usr/bin:/bin",
            "MCP_REMOTE_CONFIG_DIR": str(tmp_path / "kept"),
            "BROWSER": str(browser_command(tmp_path)),
        },
        stdin=subprocess.PIPE,  # it ends when this does
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        awaited, said = set(TOOLS), ""
        for line in process.stdout:
            said += line
            awaited -= {tool for tool in awaited if f'"name": "{tool}"' in line}
            if not awaited:
                break
        process.communicate(timeout=_SECONDS)
    assert awaited == set(), said
