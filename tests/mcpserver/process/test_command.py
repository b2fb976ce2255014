"""The command: it starts, says in one line what is wrong, lists tools, and stops promptly."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.mcpserver.running import META, MODERN, REPOSITORY, Server, call, events, running
from tests.support.waiting import wait_until


def command(
    folder: Path, *arguments: str, env_file: str = "", **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command in an empty folder."""
    (folder / ".env").write_text(env_file)
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("MCPSERVER_", "AZURE_", "REDIS_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "mcpserver", *arguments],
        env={**environment, "PYTHONPATH": str(REPOSITORY), **settings},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MCPSERVER_PORT", "many"),
        ("MCPSERVER_PORT", "70000"),
        ("MCPSERVER_PUBLIC_URL", "localhost:8080"),
        ("MCPSERVER_PUBLIC_URL", "http://localhost:99999"),
        ("MCPSERVER_ISSUER", "https://user:pass@issuer.example"),
        ("MCPSERVER_ALGORITHMS", '["HS256"]'),
        ("MCPSERVER_ALGORITHMS", '["none"]'),
        ("MCPSERVER_ALLOWED_ORIGINS", "not json"),
        ("MCPSERVER_LOG_FORMAT", "xml"),
        ("REDIS_URL", "http://localhost:6379"),
        ("MCPSERVER_SECRETS_DIR", "/no/such/folder"),
        ("MCPSERVER_TOOL_MODULES", '["no.such.module"]'),
        ("MCPSERVER_TOOL_MODULES", '["json"]'),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_variable(tmp_path: Path, name: str, value: str) -> None:
    ended = command(tmp_path, "tools", "list", **{name: value})
    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    secret = "AccountName=a;AccountKey=aGVsbG8tc2VjcmV0"
    ended = command(tmp_path, "tools", "list", AZURE_STORAGE_CONNECTION_STRING=secret, MCPSERVER_PORT="x")
    assert "aGVsbG8" not in ended.stderr + ended.stdout


def test_settings_come_from_a_file_too(tmp_path: Path) -> None:
    ended = command(tmp_path, "tools", "list", env_file="MCPSERVER_PORT=zero\n")
    assert "MCPSERVER_PORT" in ended.stderr


def test_tools_are_listed_with_their_scopes(tmp_path: Path) -> None:
    ended = command(tmp_path, "tools", "list", MCPSERVER_TOOL_MODULES='["tests.mcpserver.sample_tools"]')
    assert ended.returncode == 0, ended.stderr
    assert "hello_mcp  [mcp:tools]" in ended.stdout
    assert "needs_more  [mcp:tools model:invoke]" in ended.stdout


def test_two_tools_of_one_name_stop_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "doubled.py").write_text(
        "from mcpserver.tools import tool\n\n@tool()\ndef hello_mcp() -> str:\n    'Hello.'\n    return ''\n"
    )
    ended = command(
        tmp_path,
        "serve",
        MCPSERVER_TOOL_MODULES='["doubled"]',
        PYTHONPATH=f"{REPOSITORY}:{tmp_path}",
        MCPSERVER_PORT="1",
        MCPSERVER_HOST="127.0.0.1",
        MCPSERVER_LOG_FORMAT="text",
    )
    assert ended.returncode != 0
    assert "hello_mcp" in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr + ended.stdout


def test_tools_of_an_installed_package_are_served(tmp_path: Path) -> None:
    (tmp_path / "brought.py").write_text(
        "from mcpserver.tools import tool\n\n@tool()\ndef brought() -> str:\n    'Hi.'\n    return ''\n"
    )
    information = tmp_path / "brought-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[mcpserver.tools]\nbrought = brought\n")
    ended = command(tmp_path, "tools", "list", PYTHONPATH=f"{REPOSITORY}:{tmp_path}")
    assert "brought  [mcp:tools]" in ended.stdout


def test_sigterm_ends_it_promptly_although_streams_are_open(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        waiting = [
            server.send("", server.headers(), "/sse", "GET", stream=True),
            server.send("", server.open_session(), method="GET", stream=True),
        ]
        _exits_with_zero(server, within_seconds=3)
        for answer in waiting:
            answer.close()


def test_sigterm_gives_calls_their_time_and_no_more(tmp_path: Path) -> None:
    with running(tmp_path, MCPSERVER_DRAIN_SECONDS="1") as server:
        meta = {**META, "progressToken": 1}
        params = {"name": "wait_for_file", "arguments": {"path": str(tmp_path / "awaited")}}
        answer = server.modern("tools/call", params, meta=meta)
        arriving = events(answer)
        assert next(arriving)
        _exits_with_zero(server, within_seconds=10)
        answer.close()


def test_a_call_that_runs_when_the_server_is_told_to_stop_is_answered(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        awaited = tmp_path / "awaited"
        meta = {**META, "progressToken": 1}
        params = {"name": "wait_for_file", "arguments": {"path": str(awaited)}}
        answer = server.modern("tools/call", params, meta=meta)
        arriving = events(answer)
        next(arriving)
        server.process.send_signal(signal.SIGTERM)
        awaited.touch()
        last = [json.loads(event["data"]) for event in arriving][-1]
        assert last["result"]["content"][0]["text"] == "there"
        assert server.process.wait(10) == 0


def _exits_with_zero(server: Server, *, within_seconds: float) -> None:
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(40) == 0
    assert time.monotonic() - began < within_seconds


def test_health_metadata_and_metrics_are_answered_beside_the_endpoint(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        headers = server.headers(MCP_Protocol_Version=MODERN)
        base = {"Origin": "https://app.example"}
        well_known = "/../.well-known/oauth-protected-resource/mcp"
        assert server.send("", {}, "/../healthz", "GET").json() == {"status": "ok"}
        document = server.send("", base, well_known, "GET")
        assert document.headers["Access-Control-Allow-Origin"] == "*"
        assert document.json()["resource"] == server.url
        preflight = server.send("", base, well_known, "OPTIONS")
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Headers"] == "MCP-Protocol-Version"
        missing = server.send(call("hello_mcp"), headers, "/nowhere")
        assert missing.status_code == 404
        assert missing.json()["error"]
        wait_until(lambda: server.send("", {}, "/../metrics", "GET").ok, "metrics")
