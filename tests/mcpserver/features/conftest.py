"""A server with the sample features, and clients of its revisions."""

from collections.abc import Iterator

import pytest

from tests.mcpserver.client import Client
from tests.mcpserver.conftest import MakeWorld, World
from tests.mcpserver.features import sample_features

VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(tool_modules=("tests.mcpserver.features.sample_features",))


@pytest.fixture
def client(world: World) -> Client:
    return world.client()


@pytest.fixture(autouse=True)
def notes() -> Iterator[dict[str, list[str]]]:
    sample_features.NOTES.clear()
    yield sample_features.NOTES
    sample_features.NOTES.clear()
