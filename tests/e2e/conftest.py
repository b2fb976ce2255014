"""The whole stack, once per test session: ``stack`` has the gateway in front, ``bare_stack`` has none."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.login import browser_command, complete_login
from tests.e2e.machines import MachineStack, running_machines
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack, running

_TOOLS: Final = {"MCPSERVER_TOOL_MODULES": json.dumps(["tests.conformance"])}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with its gateway."""
    yield from running(tmp_path_factory.mktemp("stack"), with_gateway=True)


@pytest.fixture(scope="session")
def bare_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The two servers by themselves."""
    yield from running(tmp_path_factory.mktemp("bare-stack"), with_gateway=False)


@pytest.fixture(scope="session")
def machine_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MachineStack]:
    """The stack with clients and resources that its operator configured."""
    with running_machines(tmp_path_factory.mktemp("machines")) as made:
        yield made


@pytest.fixture(scope="session")
def equipped_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with the tools that the suite asks for."""
    folder = tmp_path_factory.mktemp("equipped-stack")
    yield from running(folder, with_gateway=True, environment=lambda _: _TOOLS)


@pytest.fixture(scope="session")
def access_token(equipped_stack: Stack) -> str:
    """A token of alice's."""
    client = RawClient(equipped_stack.mcp_url)
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    client.session.close()
    return client.tokens["access_token"]


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A program to set as $BROWSER: signs in as alice and allows; its log is ``browser.log`` beside it."""
    return browser_command(tmp_path)
