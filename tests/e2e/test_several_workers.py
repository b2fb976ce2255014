"""The whole stack with three MCP server processes on one Redis: no client notices that there are several."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.authserver.store.backends import RedisServer
from tests.e2e.conformance import server_findings
from tests.e2e.login import complete_login
from tests.e2e.programs import javascript, python
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack, running
from tests.e2e.test_features import OUTCOME, SESSIONS
from tests.e2e.token_proxy import token_proxy


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack."""
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    environment = {
        "MCPSERVER_TOOL_MODULES": json.dumps(["tests.conformance"]),
        "MCPSERVER_WORKERS": "3",
        "REDIS_URL": redis.url,
    }
    try:
        folder = tmp_path_factory.mktemp("shared-stack")
        yield from running(folder, with_gateway=True, environment=lambda _: environment)
    finally:
        redis.stop()


@pytest.fixture(scope="module")
def shared_token(shared_stack: Stack) -> str:
    """A token of alice's."""
    client = RawClient(shared_stack.mcp_url)
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    client.session.close()
    return client.tokens["access_token"]


def test_the_server_passes_every_check_of_2025_11_25(
    shared_stack: Stack, shared_token: str, tmp_path: Path
) -> None:
    with token_proxy(urlsplit(shared_stack.mcp_url).port or 80, shared_token) as port:
        url = f"http://localhost:{port}/mcp"
        results = server_findings(url, ("--requirements", SESSIONS), tmp_path / "results")
    problems = [
        f"{name}: {each}" for name, found in results.items() for each in (*found.failed, *found.warned)
    ]
    assert len(results) > 25
    assert problems == []


@pytest.mark.parametrize("mode", ["legacy", "sse"])
def test_the_python_client_uses_everything(shared_stack: Stack, shared_token: str, mode: str) -> None:
    url = f"{shared_stack.mcp_url}/sse" if mode == "sse" else shared_stack.mcp_url
    report = python("python_features.py", url, shared_token, mode)
    assert report == {"protocol": SESSIONS, **OUTCOME}


def test_the_typescript_client_uses_everything(shared_stack: Stack, shared_token: str) -> None:
    sdk = ("@modelcontextprotocol/sdk", shared_stack.mcp_url, shared_token, "http", "legacy")
    assert javascript("typescript_features.mjs", *sdk) == {"protocol": None, **OUTCOME}
