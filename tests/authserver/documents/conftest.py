"""A host that publishes documents, on loopback, with an authority of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authserver.documents.document_host import DocumentHost, document_host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[DocumentHost]:
    with document_host(tmp_path) as running:
        yield running
