"""Memory of idle sessions: 1,000 open SSE streams on one worker, of 2024-11-05 and of 2025-11-25."""

import http.client
import json
import tempfile
import time
from collections.abc import Callable

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness import free_port, server
from benchmarks.issuer import Issuer
from benchmarks.mcp import INITIALIZE, command_and_environment

SESSIONS = 1000
WARM_UP = 50
GOAL_KILOBYTES = 30
_SETTLE_SECONDS = 2.0

Opener = Callable[[int, dict[str, str]], http.client.HTTPConnection]


def open_sse(port: int, headers: dict[str, str]) -> http.client.HTTPConnection:
    """Open a 2024-11-05 stream and initialize over its message endpoint."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/mcp/sse", headers={**headers, "Accept": "text/event-stream"})
    answer = connection.getresponse()
    path = ""
    while not path:
        line = answer.fp.readline().decode()
        path = line[5:].strip() if line.startswith("data:") else ""
    _post(port, f"/mcp/{path}", {**INITIALIZE}, headers)
    _post(port, f"/mcp/{path}", {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    return connection


def open_stream(port: int, headers: dict[str, str]) -> http.client.HTTPConnection:
    """Initialize a 2025-11-25 session and open its GET stream."""
    identifier = _post(port, "/mcp", INITIALIZE, headers)["mcp-session-id"]
    session = {**headers, "MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": identifier}
    _post(port, "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/mcp", headers={**session, "Accept": "text/event-stream"})
    if connection.getresponse().status != 200:
        raise SystemExit("the stream was refused")
    return connection


def run() -> None:
    """Open the sessions of each kind on a fresh server and print what each cost."""
    table = Table(title=f"{SESSIONS} idle sessions on one worker")
    for column in ("session", "KB resident each", "KB private each", "goal"):
        table.add_column(column)
    openers: dict[str, Opener] = {"2024-11-05 HTTP+SSE": open_sse, "2025-11-25 GET stream": open_stream}
    for name, opener in openers.items():
        resident, private = _cost(opener)
        table.add_row(name, f"{resident:.1f}", f"{private:.1f}", str(GOAL_KILOBYTES))
    Console(width=120).print(table)


def _cost(opener: Opener) -> tuple[float, float]:
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}/mcp")
    headers = {
        "Authorization": f"Bearer {issuer.token()}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    with tempfile.TemporaryDirectory() as folder:
        command, environment = command_and_environment(port, issuer.url, folder)
        with server(command, f"http://127.0.0.1:{port}/healthz", environment) as pid:
            kept = [opener(port, headers) for _ in range(WARM_UP)]
            time.sleep(_SETTLE_SECONDS)
            before = _memory(pid)
            kept += [opener(port, headers) for _ in range(SESSIONS)]
            time.sleep(_SETTLE_SECONDS)
            after = _memory(pid)
            for connection in kept:
                connection.close()
    return (after[0] - before[0]) / SESSIONS / 1024, (after[1] - before[1]) / SESSIONS / 1024


def _memory(pid: int) -> tuple[int, int]:
    process = psutil.Process(pid)
    all_of_them = [p.memory_full_info() for p in [process, *process.children(recursive=True)]]
    return sum(m.rss for m in all_of_them), sum(m.uss for m in all_of_them)


def _post(port: int, path: str, message: dict[str, object], headers: dict[str, str]) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, json.dumps(message), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status >= 300:
        raise SystemExit(f"{path} answered {answer.status}")
    return {name.lower(): value for name, value in answer.getheaders()}
