"""``mcpstack up`` as a person runs it: one command that starts, says where, refuses what cannot be."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from devstack.options import Options, Ports
from tests.e2e.stack import Stack, up_command
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

_SECONDS = 60


@dataclass
class Up:
    """One ``mcpstack up``."""

    process: "subprocess.Popen[bytes]"
    log_file: Path

    def output(self) -> str:
        return self.log_file.read_text("utf-8", errors="replace")

    def wait_until_ready(self) -> None:
        wait_until(
            lambda: "mcpstack is ready" in self.output() or self.process.poll() is not None,
            "the stack is ready",
            deadline_seconds=_SECONDS,
        )
        assert self.process.poll() is None, self.output()

    def end(self) -> int:
        return self.process.wait(_SECONDS)


StartUp = Callable[[Options], Up]


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[StartUp]:
    """Return a starter of ``mcpstack up``."""
    started: list[Up] = []

    def start(options: Options) -> Up:
        log_file = tmp_path / f"up-{len(started)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                up_command(options), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        started.append(Up(process, log_file))
        return started[-1]

    yield start
    for up in started:
        up.process.terminate()
        up.end()


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(Ports(*free_ports(5)), tmp_path / "state")


def test_a_second_up_says_that_one_is_running_and_where(stack: Stack, start_up: StartUp) -> None:
    second = start_up(stack.options)
    assert second.end() == 1
    assert "mcpstack is already running" in second.output()
    assert stack.mcp_url in second.output()


def test_a_taken_port_is_named_before_anything_starts(start_up: StartUp, options: Options) -> None:
    with socket.create_server(("127.0.0.1", options.ports.mcpserver)):
        up = start_up(options)
        assert up.end() == 1
    assert f"port {options.ports.mcpserver} (mcpserver) is taken" in up.output()
    assert "make up MCPSERVER_PORT=" in up.output()
    assert " | " not in up.output()


def test_ctrl_c_leaves_no_process_and_a_restart_keeps_the_state(start_up: StartUp, options: Options) -> None:
    secrets = []
    for _ in range(2):
        up = start_up(options)
        up.wait_until_ready()
        processes = psutil.Process(up.process.pid).children(recursive=True)
        assert len(processes) >= 5
        up.process.send_signal(signal.SIGINT)
        assert up.end() == 0, up.output()
        assert [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
        secrets.append((options.state_folder / "master-secret").read_bytes())
    assert secrets[0] == secrets[1]


def test_no_process_is_left_when_up_is_killed(start_up: StartUp, options: Options) -> None:
    up = start_up(options)
    up.wait_until_ready()
    processes = psutil.Process(up.process.pid).children(recursive=True)
    up.process.kill()
    _, alive = psutil.wait_procs(processes, timeout=_SECONDS)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_no_process_is_left_when_the_one_that_started_up_is_killed(tmp_path: Path, options: Options) -> None:
    log_file = tmp_path / "up.log"
    with log_file.open("wb") as log:
        # The shell stays the parent, as make does, because a command follows.
        command = f"{shlex.join(up_command(options))}; true"
        shell = subprocess.Popen(("sh", "-c", command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    Up(shell, log_file).wait_until_ready()
    processes = psutil.Process(shell.pid).children(recursive=True)
    shell.kill()
    shell.wait()
    _, alive = psutil.wait_procs(processes, timeout=_SECONDS)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_a_server_that_is_killed_takes_the_stack_down_by_name(start_up: StartUp, options: Options) -> None:
    up = start_up(options)
    up.wait_until_ready()
    (mcpserver,) = [
        child
        for child in psutil.Process(up.process.pid).children()
        if child.cmdline()[-2:] == ["mcpserver", "serve"]
    ]
    os.killpg(mcpserver.pid, signal.SIGKILL)
    assert up.end() == 1
    assert "mcpserver was killed by SIGKILL; the stack stops" in up.output()


def test_doctor_finds_a_running_stack_well(stack: Stack) -> None:
    doctor = subprocess.run(
        (sys.executable, "-m", "devstack.cli", "doctor", f"--state-dir={stack.options.state_folder}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert (doctor.returncode, "✗" in doctor.stdout) == (0, False), doctor.stdout
    assert "✓ stack" in doctor.stdout
    assert stack.mcp_url in doctor.stdout


def test_doctor_finds_a_running_stack_without_a_gateway_well(bare_stack: Stack) -> None:
    doctor = subprocess.run(
        (sys.executable, "-m", "devstack.cli", "doctor", f"--state-dir={bare_stack.options.state_folder}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert (doctor.returncode, "✗" in doctor.stdout) == (0, False), doctor.stdout
