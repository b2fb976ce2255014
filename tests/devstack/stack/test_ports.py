"""A taken port is named before anything starts, with what to do about it."""

import socket
from collections.abc import Iterator

import pytest

from devstack import ports
from devstack.errors import PortTakenError
from devstack.options import Options, Ports
from tests.support.ports import free_ports


@pytest.fixture(params=["127.0.0.1", "::1", "0.0.0.0"])
def taken_port(request: pytest.FixtureRequest) -> Iterator[int]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as server:
        yield server.getsockname()[1]


def _options(**ports_by_name: int) -> Options:
    names = ("gateway", "authserver", "mcpserver", "entra", "entra_back_channel")
    return Options(Ports(**{**dict(zip(names, free_ports(5), strict=True)), **ports_by_name}))


def test_free_ports_pass() -> None:
    ports.check_free(_options())


def test_a_taken_port_is_named_with_its_server_and_what_to_do(taken_port: int) -> None:
    with pytest.raises(PortTakenError) as error:
        ports.check_free(_options(entra_back_channel=taken_port))
    text = str(error.value)
    assert f"port {taken_port} (entra-back-channel) is taken by another program" in text
    assert f"ss -ltnp 'sport = :{taken_port}'" in text
    assert "make up ENTRA_BACK_CHANNEL_PORT=" in text
    assert "--entra-back-channel-port " in text


def test_every_taken_port_is_named_at_once(taken_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTakenError) as error:
        ports.check_free(_options(gateway=taken_port, mcpserver=other.getsockname()[1]))
    assert "(gateway)" in str(error.value)
    assert "(mcpserver)" in str(error.value)


def test_one_port_for_two_servers_is_refused() -> None:
    (port,) = free_ports(1)
    with pytest.raises(PortTakenError, match=f"port {port} is asked for by gateway and entra"):
        ports.check_free(_options(gateway=port, entra=port))


def test_without_a_gateway_its_port_may_be_taken(taken_port: int) -> None:
    options = _options(gateway=taken_port)
    ports.check_free(Options(options.ports, with_gateway=False))


def test_the_highest_ports_get_a_possible_alternative() -> None:
    assert ports.alternative(65_000) == 64_000
