"""A host that publishes documents, on loopback, with an authority of its own; and servers that ask it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authserver.clients.document_host import DocumentHost, document_host
from tests.authserver.world import World, make_world

MakeWorld = Callable[..., World]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[DocumentHost]:
    with document_host(tmp_path) as running:
        yield running


@pytest.fixture
def make(host: DocumentHost, tmp_path: Path) -> Iterator[MakeWorld]:
    """Return a function that makes servers, each with settings of its own."""
    made: list[World] = []

    def make_one(**settings: Any) -> World:
        values = {"client_document_loopback": True, "client_document_ca_file": host.ca_file, **settings}
        folder = tmp_path / str(len(made))
        folder.mkdir(exist_ok=True)  # one that did not start left its own behind
        made.append(make_world(folder, **values))
        return made[-1]

    yield make_one
    for each in made:
        each.store.close()


@pytest.fixture
def world(make: MakeWorld) -> World:
    return make()
