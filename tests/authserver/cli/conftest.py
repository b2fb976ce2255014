"""Commands and a server over one store."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from authserver.app import create_app
from authserver.cipher import Cipher
from authserver.store import open_store
from tests.authserver.cli.commands import MASTER_SECRET, Commands
from tests.authserver.world import Clock, StubBroker, World, make_settings


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Commands:
    return Commands(monkeypatch, tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A server at the time of the commands, whose clock is the machine's."""
    settings = make_settings(tmp_path, master_secret=MASTER_SECRET)
    clock, broker = Clock(time.time()), StubBroker()
    store = open_store(settings, clock, Cipher(settings.master_secrets))
    yield World(create_app(settings, clock=clock, store=store, broker=broker), settings, store, clock, broker)
    store.close()
