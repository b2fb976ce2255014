"""An emulator for each test, over keys and certificates that are made once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from devstack.entra import EntraEmulator
from tests.devstack.entra.browser import OTHER_REDIRECT_URI, REDIRECT_URI, Application, Browser


class Clock:
    """Seconds since 1970, moved by the test."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def shared_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose keys may be used, and not changed."""
    return tmp_path_factory.mktemp("entra")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emulator(shared_state: Path, clock: Clock) -> Iterator[EntraEmulator]:
    with EntraEmulator(
        shared_state, redirect_uris=[REDIRECT_URI, OTHER_REDIRECT_URI], clock=clock
    ) as running:
        yield running


@pytest.fixture
def browser(emulator: EntraEmulator) -> Iterator[Browser]:
    browser = Browser(emulator)
    yield browser
    browser.session.close()


@pytest.fixture
def application(emulator: EntraEmulator) -> Iterator[Application]:
    application = Application(emulator)
    yield application
    application.session.close()


@pytest.fixture
def trusting(emulator: EntraEmulator) -> Iterator[requests.Session]:
    """An HTTP client for MSAL that trusts what the emulator's CA signed, and nothing else."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(emulator.ca_file)
        yield session
