"""ask_model with llama.cpp's server and a very small Phi-3 with random weights: the wire is real, the words
are not.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.mcpserver.client import Client
from tests.mcpserver.conftest import (  # noqa: F401  (fixtures)
    MakeWorld,
    make_world,
    token_issuer,
)
from tests.support import python_packages
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

_FOLDER = Path(__file__).parent
_SCOPES = "mcp:tools model:invoke"
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="session")
def program() -> Path:
    """The environment's Python; compiles the server the first time."""
    return python_packages.python(_FOLDER)


@pytest.fixture(scope="session")
def model_file(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model."""
    file = tmp_path_factory.mktemp("model") / "tiny.gguf"
    subprocess.run((str(program), str(_FOLDER / "make_model.py"), str(file)), check=True)
    return file


def _start(program: Path, model_file: Path, port: int) -> "subprocess.Popen[bytes]":
    options = ("--model", str(model_file), "--model_alias", "tiny", "--port", str(port), "--n_ctx", "2048")
    command = (str(program), "-m", "llama_cpp.server", *options, "--chat_format", "chatml")
    log = (model_file.parent / "server.log").open("ab")
    with log:
        return subprocess.Popen(command, stdout=log, stderr=log)


@pytest.fixture
def port(program: Path, model_file: Path) -> Iterator[int]:
    """A running model server."""
    (port,) = free_ports(1)
    process = _start(program, model_file, port)
    wait_until(lambda: _answers(port), "the model server answers", deadline_seconds=120)
    yield port
    process.kill()
    process.wait()


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/v1/models", timeout=5).ok
    except requests.ConnectionError:
        return False


def _ask(client: Client, **arguments: Any) -> Any:
    return client.call(
        "ask_model", {"prompt": "Why is the sky blue?", **arguments}, meta={"progressToken": "p"}
    )


def test_it_is_asked_and_its_words_come_as_progress(make_world: MakeWorld, port: int) -> None:  # noqa: F811
    client = make_world(model_url=f"http://127.0.0.1:{port}/v1").client(scope=_SCOPES)
    messages = [event.message for event in _ask(client, max_tokens=200).events()]
    *progress, result = messages
    text = result["result"]["content"][0]["text"]
    assert "isError" not in result["result"]
    said = "".join(each["params"]["message"] for each in progress)
    assert said
    assert said in text


def test_a_server_that_is_started_meanwhile_is_waited_for(
    make_world: MakeWorld,  # noqa: F811
    program: Path,
    model_file: Path,
) -> None:
    (port,) = free_ports(1)
    client = make_world(model_url=f"http://127.0.0.1:{port}/v1").client(scope=_SCOPES)
    events = _ask(client, max_tokens=5).events()
    assert next(events).message["method"] == "notifications/progress"
    process = _start(program, model_file, port)
    try:
        assert "isError" not in [event.message for event in events][-1]["result"]
    finally:
        process.kill()
        process.wait()
