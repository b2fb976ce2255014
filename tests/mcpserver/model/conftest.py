"""A model server that plays a script, an MCP server that uses it, and ways to ask."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from mcpserver.model import asking
from tests.mcpserver.client import META, MODERN, Answer, Client
from tests.mcpserver.conftest import MakeWorld
from tests.mcpserver.model.model_server import ModelServer, Script, serving

SCOPES = "mcp:tools model:invoke"
Play = Callable[..., tuple[Client, ModelServer]]


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(asking, "_LONGEST_PAUSE_SECONDS", 0.05)


@pytest.fixture
def play(make_world: MakeWorld) -> Iterator[Play]:
    """Start a model server with a script, and an MCP server that uses it."""
    servers: list[ModelServer] = []
    with ExitStack() as stack:

        def start(script: Script, **settings: Any) -> tuple[Client, ModelServer]:
            server = stack.enter_context(serving(ModelServer(script)))
            servers.append(server)
            world = make_world(model_url=server.url, **settings)
            return world.client(scope=SCOPES), server

        yield start
        for server in servers:
            server.release.set()


def ask(client: Client, *, progress: bool = False, **arguments: Any) -> Answer:
    """Ask a question."""
    meta = {"progressToken": "p"} if progress else None
    return client.call("ask_model", {"prompt": "Why?", **arguments}, meta=meta)


def start(client: Client) -> http.client.HTTPConnection:
    """Ask a question and do not wait for the answer."""
    params = {"name": "ask_model", "arguments": {"prompt": "Why?"}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "ask_model"}
    return client.start("POST", orjson.dumps(message), headers)


def text(asked: Answer) -> str:
    """Return the answer."""
    assert "isError" not in asked.result, asked.result
    return str(asked.result["content"][0]["text"])


def note(asked: Answer) -> str:
    """Return what is said beside the answer."""
    return str(asked.result["content"][1]["text"])


def failure(asked: Answer) -> str:
    """Return what is said instead of an answer."""
    assert asked.result["isError"] is True, asked.result
    return str(asked.result["content"][0]["text"])


def demand() -> float | None:
    """Return what scales the model."""
    return REGISTRY.get_sample_value("model_demand")


def queued(state: str) -> float:
    """Return how many questions wait for that."""
    return REGISTRY.get_sample_value("mcpserver_model_queue", {"state": state}) or 0


def counted(outcome: str) -> float:
    """Return how many questions ended like this."""
    return REGISTRY.get_sample_value("mcpserver_model_questions_total", {"outcome": outcome}) or 0
