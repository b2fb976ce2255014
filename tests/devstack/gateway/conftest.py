"""Fixtures of the gateway's tests; what they are made of is in ``harness``."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from devstack.gateway.server import Gateway
from tests.devstack.gateway.harness import AuthServer, Backend, RawServer, Stack


@pytest.fixture(scope="session")
def auth_server() -> Iterator[AuthServer]:
    server = AuthServer()
    yield server
    server.stop()


@pytest.fixture
def auth(auth_server: AuthServer) -> Iterator[AuthServer]:
    published, app = list(auth_server.published), auth_server.app
    auth_server.seen.clear()
    auth_server.key_fetches = 0
    yield auth_server
    auth_server.published[:] = published
    auth_server.app = app


@pytest.fixture
def mcp() -> Iterator[Backend]:
    backend = Backend("mcpserver")
    yield backend
    backend.stop()


@pytest.fixture
def make_stack(auth: AuthServer, mcp: Backend) -> Iterator[Callable[..., Stack]]:
    """Make a gateway; keyword ``values`` overrides named values, the rest goes to Gateway."""
    started: list[Gateway] = []

    def make(values: Mapping[str, str] | None = None, **options: Any) -> Stack:
        named = {"authserver-url": auth.url, "mcpserver-url": mcp.url, **(values or {})}
        gateway = Gateway(named_values=named, **options)
        gateway.start()
        started.append(gateway)
        return Stack(gateway, auth, mcp)

    yield make
    for gateway in started:
        gateway.stop(0)


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return make_stack()


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()


@pytest.fixture
def raw_stack(make_stack: Callable[..., Stack], raw_server: RawServer) -> Stack:
    """A gateway in front of ``raw_server``."""
    return make_stack({"mcpserver-url": raw_server.url})
