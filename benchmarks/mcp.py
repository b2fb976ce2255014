"""tools/call hello_mcp with a JWT on one worker: 2026-07-28, and 2025-11-25 in a session."""

import json
import tempfile
import urllib.request

from benchmarks.harness import Row, compare, free_port, server
from benchmarks.issuer import Issuer

_CALL = {"jsonrpc": "2.0", "id": "@ID@", "method": "tools/call"}
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    },
}


def command_and_environment(port: int, issuer_url: str, folder: str) -> tuple[list[str], dict[str, str]]:
    """Return how the mcpserver is started for a benchmark."""
    public = f"http://127.0.0.1:{port}"
    return ["mcpserver", "serve"], {
        "MCPSERVER_PUBLIC_URL": public,
        "MCPSERVER_ISSUER": issuer_url,
        "MCPSERVER_JWKS_URL": f"{issuer_url}/jwks",
        "MCPSERVER_REVOCATION_URL": f"{issuer_url}/revoked",
        "MCPSERVER_HOST": "127.0.0.1",
        "MCPSERVER_PORT": str(port),
        "MCPSERVER_SNIPPETS_FOLDER": folder,
    }


def run() -> None:
    """Measure both rows and print the table."""
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}/mcp")
    url = f"http://127.0.0.1:{port}/mcp"
    headers = {
        "Authorization": f"Bearer {issuer.token()}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    modern_headers = {**headers, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call"}
    modern_headers["Mcp-Name"] = "hello_mcp"
    modern = json.dumps({**_CALL, "params": {"name": "hello_mcp", "arguments": {}, "_meta": _META}})
    legacy = json.dumps({**_CALL, "params": {"name": "hello_mcp", "arguments": {}}})
    with tempfile.TemporaryDirectory() as folder:
        command, environment = command_and_environment(port, issuer.url, folder)
        with server(command, f"http://127.0.0.1:{port}/healthz", environment) as pid:
            session = _open_session(url, headers)
            rows = [
                Row("hello_mcp 2026-07-28", url, modern, modern_headers, "MCPTool", goal=1.5),
                Row("hello_mcp 2025-11-25, in a session", url, legacy, session, "MCPTool"),
            ]
            compare([(row, pid) for row in rows])


def _open_session(url: str, headers: dict[str, str]) -> dict[str, str]:
    request = urllib.request.Request(url, json.dumps(INITIALIZE).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        identifier = answer.headers["Mcp-Session-Id"]
    session = {**headers, "MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": identifier}
    initialized = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    urllib.request.urlopen(urllib.request.Request(url, initialized, session), timeout=10).close()
    return session
