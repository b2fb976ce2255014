"""The images, built once per session, without a container engine."""

from pathlib import Path
from typing import Final

import pytest

from tests.images.build import Builder
from tests.images.dockerfile import Dockerfile, read
from tests.images.images import BuiltImages

REPOSITORY: Final = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def dockerfiles() -> dict[str, Dockerfile]:
    """Both Dockerfiles, by the server's name."""
    return {
        "authserver": read(REPOSITORY / "Dockerfile.auth"),
        "mcpserver": read(REPOSITORY / "Dockerfile.mcp"),
    }


@pytest.fixture(scope="session")
def images(dockerfiles: dict[str, Dockerfile], tmp_path_factory: pytest.TempPathFactory) -> BuiltImages:
    """All targets, built before the first test looks at one."""
    built = BuiltImages(Builder(tmp_path_factory.mktemp("images"), REPOSITORY), dockerfiles)
    for target in ("authserver", "devstack", "mcpserver"):
        built[target]
    return built
