"""Fixtures of the authorization server's tests: a fresh server for each test, and registered clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authserver.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def client(world: World) -> dict[str, Any]:
    return world.register()


@pytest.fixture
def secret_client(world: World) -> dict[str, Any]:
    return world.register(token_endpoint_auth_method="client_secret_basic")
