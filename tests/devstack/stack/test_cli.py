"""The command line: parsed once into options; what goes wrong is one message and exit code 1."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from devstack import cli
from devstack.errors import PortTakenError
from devstack.options import Options, Ports


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What ``up`` would have been started with."""
    options: list[Options] = []
    monkeypatch.setattr(cli, "up", lambda chosen, stop_with_parent: options.append(chosen))
    return options


def test_without_options_the_documented_ports_are_used(started: list[Options]) -> None:
    assert CliRunner().invoke(cli.main, ["up"]).exit_code == 0
    assert started == [Options(Ports(8080, 8081, 8082, 8083, 8443), Path(".mcpstack"), with_gateway=True)]


def test_every_port_the_folder_and_the_gateway_can_be_chosen(started: list[Options]) -> None:
    arguments = [
        *("--gateway-port=1", "--authserver-port=2", "--mcpserver-port=3"),
        *("--entra-port=4", "--entra-back-channel-port=5", "--state-dir=elsewhere", "--no-gateway"),
    ]
    assert CliRunner().invoke(cli.main, ["up", *arguments]).exit_code == 0
    assert started == [Options(Ports(1, 2, 3, 4, 5), Path("elsewhere"), with_gateway=False)]


@pytest.mark.parametrize("argument", ["--gateway-port=0", "--gateway-port=65536", "--gateway-port=web"])
def test_an_impossible_port_is_refused(started: list[Options], argument: str) -> None:
    result = CliRunner().invoke(cli.main, ["up", argument])
    assert result.exit_code == 2
    assert "--gateway-port" in result.output
    assert started == []


def test_an_error_is_one_message_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_options: Options, stop_with_parent: bool) -> None:
        raise PortTakenError("port 8080 (gateway) is taken")

    monkeypatch.setattr(cli, "up", fail)
    result = CliRunner().invoke(cli.main, ["up"])
    assert (result.exit_code, result.output) == (1, "Error: port 8080 (gateway) is taken\n")


@pytest.mark.parametrize(("healthy", "exit_code"), [(True, 0), (False, 1)])
def test_doctor_s_exit_code_says_whether_all_is_well(
    monkeypatch: pytest.MonkeyPatch, healthy: bool, exit_code: int
) -> None:
    monkeypatch.setattr(cli, "diagnose", lambda _options, as_json: healthy)
    assert CliRunner().invoke(cli.main, ["doctor", "--json"]).exit_code == exit_code
