"""The whole stack, once per test session: ``stack`` has the gateway in front, ``bare_stack`` has none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.login import browser_command
from tests.e2e.machines import MachineStack, running_machines
from tests.e2e.stack import Stack, running


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


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A program to set as $BROWSER: signs in as alice and allows; its log is ``browser.log`` beside it."""
    return browser_command(tmp_path)
