"""ask_model in real server processes: the demand is that of all workers, and waiting keeps no server up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import requests

from tests.mcpserver.model.conftest import SCOPES
from tests.mcpserver.model.model_server import ModelServer, says, serving
from tests.mcpserver.running import Server, running
from tests.support.ports import free_ports
from tests.support.waiting import wait_until


def _ask(server: Server) -> Any:
    token = server.issuer.token(scope=SCOPES)
    params = {"name": "ask_model", "arguments": {"prompt": "Why?"}}
    return server.modern("tools/call", params, Authorization=f"Bearer {token}").json()


def _demands(server: Server) -> Callable[[], set[str]]:
    """Return what different workers say."""
    url = server.url.removesuffix("/mcp") + "/metrics"

    def read() -> set[str]:
        pages = [requests.get(url, timeout=5).text for _ in range(4)]
        lines = [line for page in pages for line in page.splitlines()]
        return {line for line in lines if line.startswith("model_demand")}

    return read


def test_the_demand_is_that_of_all_workers(tmp_path: Path) -> None:
    with (
        serving(ModelServer(says("Yes"))) as model,
        running(tmp_path, MCPSERVER_WORKERS="2", MCPSERVER_MODEL_URL=model.url) as server,
    ):
        read = _demands(server)
        assert read() == {"model_demand 0.0"}
        assert _ask(server)["result"]["content"][0]["text"] == "Yes"
        assert read() == {"model_demand 1.0"}


def test_a_server_that_stops_does_not_wait_for_a_model(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    settings = {"MCPSERVER_MODEL_URL": f"http://127.0.0.1:{port}/v1", "MCPSERVER_DRAIN_SECONDS": "0.2"}
    with running(tmp_path, **settings) as server:
        asked = gevent.spawn(_ask, server)
        read = _demands(server)
        wait_until(lambda: read() == {"model_demand 1.0"}, "the call waits")
        server.process.terminate()
        assert "stop" in asked.get(timeout=10)["error"]["message"]
        assert server.process.wait(10) == 0
