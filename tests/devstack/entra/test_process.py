"""The emulator as a process of the stack: ready, stopped by a signal, plain about a port that is taken."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
import requests

from devstack.entra.federation import LOCAL_ISSUER, LOCAL_SUBJECT
from tests.support.ports import free_ports

_WAIT_SECONDS = 30


@contextmanager
def _running(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        (sys.executable, "-W", "error", "-m", "devstack.entra", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _output(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_a_signal_stops_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    login, back_channel = free_ports(2)
    ports = (f"--login-port={login}", f"--back-channel-port={back_channel}")
    with _running(
        *ports, f"--state-dir={tmp_path}", "--redirect-uri=http://a/", "--redirect-uri=http://b/"
    ) as p:
        line = _output(p).readline()
        assert f"http://127.0.0.1:{login}" in line
        assert f"https://localhost:{back_channel}" in line
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(f"http://127.0.0.1:{login}/readyz", timeout=20).status_code == 200
            ready = session.get(
                f"https://localhost:{back_channel}/readyz", verify=str(tmp_path / "ca.pem"), timeout=20
            )
            assert ready.status_code == 200
            p.send_signal(number)
            assert p.wait(_WAIT_SECONDS) == 0
        assert "Traceback" not in _output(p).read()


@pytest.mark.parametrize("option", ["--login-port", "--back-channel-port"])
def test_a_taken_port_is_named_in_one_line_with_what_to_do(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"--login-port": 0, "--back-channel-port": 0, option: port}
        arguments = [f"{name}={value}" for name, value in ports.items()]
        with _running(*arguments, f"--state-dir={tmp_path}") as process:
            output, _ = process.communicate(timeout=_WAIT_SECONDS)
    assert process.returncode == 1
    (line,) = output.splitlines()
    assert f"port {port} " in line
    assert option in line


def test_a_state_folder_that_cannot_be_made_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with _running("--login-port=0", "--back-channel-port=0", f"--state-dir={tmp_path}/file/state") as process:
        output, _ = process.communicate(timeout=_WAIT_SECONDS)
    assert process.returncode == 1
    (line,) = output.splitlines()
    assert f"{tmp_path}/file/state" in line


def test_a_federated_issuer_is_named_whole_or_not_at_all(tmp_path: Path) -> None:
    with _running("--federated-issuer=https://issuer.example", f"--state-dir={tmp_path}") as process:
        output, _ = process.communicate(timeout=_WAIT_SECONDS)
    assert process.returncode == 2
    assert "--federated-subject" in output


def test_a_federated_token_is_written_for_the_servers(tmp_path: Path) -> None:
    token_file, jwks_file = tmp_path / "token", tmp_path / "jwks.json"
    jwks_file.write_text(json.dumps({"keys": []}))
    with _running(
        *("--login-port=0", "--back-channel-port=0", f"--state-dir={tmp_path}"),
        f"--federated-issuer={LOCAL_ISSUER}x",
        f"--federated-subject={LOCAL_SUBJECT}",
        f"--federated-jwks={jwks_file}",
        f"--federated-token-file={token_file}",
    ) as process:
        assert "login page" in _output(process).readline()
        assert token_file.read_text().count(".") == 2
