"""One server process for the transports' tests."""

from collections.abc import Iterator

import pytest

from tests.mcpserver.running import Server, running


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("mcpserver"),
        MCPSERVER_MAX_BODY_BYTES="65536",
        MCPSERVER_BODY_TIMEOUT_SECONDS="3",
    ) as started:
        yield started
