"""``python -m devstack.gateway`` as a person and as ``mcpstack up`` meet it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_ports
from tests.support.waiting import wait_until


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "devstack.gateway", *options]


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def process(port: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(f"--port={port}", "--named-value", "authserver-url=http://127.0.0.1:9", "--access-log"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == f"gateway on http://localhost:{port}\n"
        yield running
        running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quickly_and_cleanly_even_with_a_connection_open(
    process: "subprocess.Popen[str]", port: int, number: int
) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in output


@pytest.mark.requirement("MCP-HTTP-DNS-REBINDING")
def test_it_listens_on_both_loopback_addresses_and_nowhere_else(
    process: "subprocess.Popen[str]", port: int
) -> None:
    addresses = {
        c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1", "::1"}
    with urllib.request.urlopen(f"http://[::1]:{port}/readyz") as response:
        assert response.status == 200


def test_the_access_log_holds_no_query(process: "subprocess.Popen[str]", port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /authorize?code=secret HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port)
        assert sock.recv(100).startswith(b"HTTP/1.1 302")
    process.terminate()
    output, _ = process.communicate(timeout=10)
    assert "GET /authorize 302" in output
    assert "secret" not in output


def test_a_taken_port_is_one_line_that_names_it_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command(f"--port={port}"), capture_output=True, text=True, timeout=30, check=False
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"port {port} on 127.0.0.1" in done.stderr
    assert "--port" in done.stderr


def test_a_port_that_is_taken_on_the_other_address_only_is_named_as_well() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command(f"--port={port}"), capture_output=True, text=True, timeout=30, check=False
        )
    assert f"port {port} on ::1" in done.stderr


def test_a_mistake_in_the_policies_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        command(f"--apim={tmp_path}"), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path / 'named-values.json'}: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    "option", ["--public-url=http://localhost:1/", "--public-url=ftp://x", "--named-value=x"]
)
def test_a_wrong_option_is_named(option: str, port: int) -> None:
    done = subprocess.run(
        command(f"--port={port}", option), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert option.partition("=")[2] in done.stderr


def test_killed_it_leaves_its_port_free(process: "subprocess.Popen[str]", port: int) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)

    def free() -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return probe.connect_ex(("127.0.0.1", port)) != 0

    wait_until(free, "the port is free")
