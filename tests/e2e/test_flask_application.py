"""A Flask application that was there before: people sign in to the MCP server that it mounts at /mcp."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.login import complete_login
from tests.e2e.machines import MachineStack
from tests.e2e.raw_client import RawClient
from tests.support.waiting import wait_until

_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shop_url(machine_stack: MachineStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the example's MCP server, run as its first lines say."""
    url = urlsplit(machine_stack.shop_url)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MCPSERVER_", "REDIS_"))}
    settings = {
        "MCPSERVER_PUBLIC_URL": f"http://{url.netloc}",
        "MCPSERVER_ISSUER": machine_stack.stack.options.issuer,
        "PYTHONPATH": str(_REPOSITORY / "examples" / "flask_app"),
    }
    process = subprocess.Popen(
        (sys.executable, "-m", "gunicorn", "-k", "gevent", "-b", f"localhost:{url.port}", "shop:app"),
        env={**kept, **settings},
        cwd=tmp_path_factory.mktemp("shop"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _answers(f"http://{url.netloc}/"), "the shop answers", deadline_seconds=30.0)
        yield machine_stack.shop_url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).text == "A shop"
    except OSError:
        return False


def test_a_person_signs_in_and_calls_its_tool_until_the_session_ends(shop_url: str) -> None:
    client = RawClient(shop_url)
    client.discover()
    assert client.resource_metadata["scopes_supported"] == ["shop:read"]
    client.register()
    answer = client.redeem(client.receive(complete_login(client.authorize_url(scope="shop:read"))))
    assert answer.status_code == 200, answer.text
    assert (client.claims()["aud"], client.claims()["scope"]) == (shop_url, "shop:read")
    assert client.call("in_stock", fruit="apple")["structuredContent"] == {"result": 3}
    assert client.revoke().status_code == 200
    wait_until(lambda: client.send("tools/list").status_code == 401, "the revoked token is refused")
    client.session.close()


def test_a_token_for_another_server_opens_nothing(shop_url: str, machine_stack: MachineStack) -> None:
    client = RawClient(machine_stack.stack.mcp_url)
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    assert client.send("tools/list").status_code == 200
    client.url = shop_url
    assert client.send("tools/list").status_code == 401
    client.session.close()
