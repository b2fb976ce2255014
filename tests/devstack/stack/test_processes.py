"""The supervisor: what becomes of the servers when all is well, when one ends, when it is killed itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_ports

_DEADLINE_SECONDS = 30
_PROGRAM = Path(__file__).with_name("supervise.py")
_REPOSITORY = Path(__file__).parents[3]


@dataclass
class Run:
    """One supervisor in a process of its own."""

    process: "subprocess.Popen[str]"
    folder: Path

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "ready\n":
                return
        pytest.fail(f"never ready: {self.end()}")

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> tuple[int, list[str], str]:
        """Wait for the end; return exit code, what was printed meanwhile, standard error."""
        assert self.process.stdout is not None
        lines = [line.strip() for line in self.process.stdout if "listens" not in line]
        return self.process.wait(_DEADLINE_SECONDS), lines, (self.folder / "errors").read_text()

    def pid_of(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text().split()[0])

    def events(self) -> list[str]:
        return (self.folder / "events").read_text().splitlines()


Supervise = Callable[..., Run]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """Return a starter of supervisors: ``supervise("one:helper", "two")``."""
    started: list[subprocess.Popen[str]] = []

    def start(*servers: str, environment: dict[str, str] | None = None) -> Run:
        ports = free_ports(len(servers))
        descriptions = []
        for port, server in zip(ports, servers, strict=True):
            name, _, behaviour = server.partition(":")
            descriptions.append(f"{name}:{port}:{behaviour}")
        with (tmp_path / "errors").open("w") as errors:
            process = subprocess.Popen(
                (sys.executable, str(_PROGRAM), str(tmp_path), *descriptions),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": str(_REPOSITORY), **(environment or {})},
            )
        started.append(process)
        return Run(process, tmp_path)

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _left(processes: list[psutil.Process]) -> list[int]:
    _, alive = psutil.wait_procs(processes, timeout=_DEADLINE_SECONDS)
    return [p.pid for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_servers_are_followed_and_stopped_in_reverse_order(supervise: Supervise) -> None:
    run = supervise("one", "two")
    run.wait_until_ready()
    run.process.send_signal(signal.SIGINT)
    assert run.end() == (0, ["two> asked to stop", "one> asked to stop"], "")
    assert run.events() == ["two terminated", "one terminated"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_of_the_stopping_signals_leaves_nothing_running(
    supervise: Supervise, number: signal.Signals
) -> None:
    run = supervise("one:helper", "two:helper")
    run.wait_until_ready()
    processes = run.descendants()
    assert len(processes) == 5  # two servers, a helper each, the watchdog
    run.process.send_signal(number)
    assert run.end()[0] == 0
    assert _left(processes) == []


def test_a_signal_before_everything_is_ready_stops_too(supervise: Supervise) -> None:
    run = supervise("one", "two:unready")
    assert run.process.stdout is not None
    assert run.process.stdout.readline().endswith("listens\n")
    run.process.send_signal(signal.SIGTERM)
    code, lines, errors = run.end()
    assert (code, errors) == (0, "")
    assert "ready" not in lines


def test_a_second_ctrl_c_does_not_wait_for_a_stubborn_server(supervise: Supervise) -> None:
    run = supervise("one:stubborn,helper")
    run.wait_until_ready()
    processes = run.descendants()
    run.process.send_signal(signal.SIGINT)
    assert run.process.stdout is not None
    assert run.process.stdout.readline() == "one> asked to stop\n"
    run.process.send_signal(signal.SIGINT)
    assert run.end()[0] == 0
    assert _left(processes) == []


def test_a_server_that_ends_by_itself_takes_the_stack_down_with_its_last_lines(supervise: Supervise) -> None:
    run = supervise("one:helper", "two:dies")
    code, _, errors = run.end()
    assert code == 1
    assert "two ended with exit code 3; the stack stops" in errors
    assert "    the disk is full\n" in errors
    assert run.events() == ["one terminated"]


def test_a_killed_server_is_named_with_the_signal(supervise: Supervise) -> None:
    run = supervise("one")
    run.wait_until_ready()
    os.kill(run.pid_of("one"), signal.SIGKILL)
    assert run.end()[2].startswith("one was killed by SIGKILL; the stack stops")


def test_a_server_that_does_not_get_ready_is_named_with_its_answer(supervise: Supervise) -> None:
    run = supervise("one:unready", environment={"READY_SECONDS": "1"})
    code, _, errors = run.end()
    assert code == 1
    assert "not ready within 1 s: one (http://127.0.0.1:" in errors
    assert "503 the store is away" in errors


def test_a_program_that_cannot_be_started_is_an_error_for_people(supervise: Supervise) -> None:
    run = supervise("one", "two:missing")
    code, _, errors = run.end()
    assert code == 1
    assert errors.startswith("two cannot be started")
    assert "Traceback" not in errors


def test_a_last_line_without_its_newline_is_printed(supervise: Supervise) -> None:
    run = supervise("one:unfinished")
    run.wait_until_ready()
    run.process.send_signal(signal.SIGTERM)
    assert run.end()[1] == ["one> asked to stop"]


def test_no_process_is_left_when_the_supervisor_is_killed(supervise: Supervise) -> None:
    run = supervise("one:helper", "two:helper")
    run.wait_until_ready()
    processes = run.descendants()
    run.process.kill()
    run.process.wait()
    assert _left(processes) == []


def test_the_servers_are_stopped_even_when_the_watchdog_is_gone(supervise: Supervise) -> None:
    run = supervise("one", "two")
    run.wait_until_ready()
    processes = run.descendants()
    (watchdog,) = [process for process in processes if "watchdog" in " ".join(process.cmdline())]
    watchdog.kill()
    run.process.send_signal(signal.SIGTERM)
    assert run.end()[0] == 0
    assert _left(processes) == []
