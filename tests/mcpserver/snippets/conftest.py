"""The stores that the contract suite runs on: a folder, and blobs in a real Azurite."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mcpserver.snippets.blob import BlobStore, container_of_connection_string
from mcpserver.snippets.folder import FolderStore
from mcpserver.snippets.model import Owner
from mcpserver.snippets.protocol import SnippetStore
from tests.support import azurite

StoreMaker = Callable[..., SnippetStore]


@pytest.fixture(scope="session")
def running_azurite() -> Iterator[azurite.Azurite]:
    with azurite.running() as started:
        yield started


@pytest.fixture(params=["folder", "blob"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreMaker:
    """Make stores that share one place, as two workers or a restarted server do."""
    if request.param == "folder":
        return lambda *, shared=False: FolderStore(tmp_path / "snippets", shared=shared)
    string = request.getfixturevalue("running_azurite").connection_string
    container = f"test-{uuid4().hex}"
    return lambda *, shared=False: BlobStore(container_of_connection_string(string, container), shared=shared)


@pytest.fixture
def store(make_store: StoreMaker) -> SnippetStore:
    return make_store()


@pytest.fixture
def alice() -> Owner:
    return Owner("11111111-1111-4111-8111-111111111111", "aaaaaaaa-1111-4111-8111-111111111111")


@pytest.fixture
def bob() -> Owner:
    return Owner("11111111-1111-4111-8111-111111111111", "bbbbbbbb-1111-4111-8111-111111111111")
