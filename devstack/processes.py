"""The servers as child processes: in groups of their own, followed, stopped in order, never left behind.

Life of the whole: starting → ready → stopping → gone. Only ``Supervisor`` changes it, in one thread, around
one selector that wakes for a line of output, a child's end and a signal. Used by ``devstack.up``; must not
know what the servers are for (``devstack.servers`` does).
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, TypeVar

from devstack import loopback, watchdog
from devstack.errors import StackError

READY_TIMEOUT_SECONDS = 60.0
STOP_SECONDS = 5.0  # for all; an open stream would keep a server for as long as its client likes
HEAD_START_SECONDS = 0.5
LAST_LINES = 20
_PROBE_SECONDS = 2.0
_TICK_SECONDS = 0.05
_IDLE_TICK_SECONDS = 1.0
_READ_BYTES = 65_536
_MAX_ANSWER = 300

_T = TypeVar("_T")
PrintLine = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Server:
    """How one server is started and how it is known to be ready.

    Attributes:
        name: what its log lines are prefixed with.
        command: the program and its arguments.
        environment: the whole environment it gets.
        ready_url: answered with 200 once it can serve; plain http.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    ready_url: str


class _Child:
    """One running server: its process, its unfinished line, its last lines."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self.ready = False
        self.last_answer = "no answer"
        self.at_rest = False  # nothing more to read just now
        self.at_end = False  # nothing more to read ever
        self._rest = b""
        # A group of its own: Ctrl-C in the terminal reaches us alone, and we stop the servers in order.
        try:
            self.process = subprocess.Popen(  # noqa: S603 (the command is ours)
                server.command,
                env=dict(server.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(f"{server.name} cannot be started: {error}") from error
        self.output: IO[bytes] = _present(self.process.stdout)
        os.set_blocking(self.output.fileno(), False)

    def read_lines(self) -> list[str]:
        """Return the complete lines that have arrived; sets ``at_end`` when no more will."""
        try:
            data = os.read(self.output.fileno(), _READ_BYTES)
        except BlockingIOError:
            self.at_rest = True
            return []
        self.at_rest = self.at_end = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self.at_end and self._rest:
            lines, self._rest = [self._rest], b""
        text = [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
        self.last_lines.extend(text)
        return text

    def probe(self) -> bool:
        """Ask the server whether it is ready, once."""
        try:
            answer = loopback.request("GET", self.server.ready_url, timeout_seconds=_PROBE_SECONDS)
        except loopback.NoAnswerError as error:
            self.last_answer = str(error)
            return False
        self.last_answer = f"{answer.status} {answer.body[:_MAX_ANSWER]}"
        self.ready = answer.status == HTTPStatus.OK
        return self.ready


class Supervisor:
    """Runs servers until it is told to stop or one of them ends.

    Use as a context manager: leaving it stops whatever still runs, in reverse order of ``servers``.
    """

    def __init__(
        self, servers: Iterable[Server], print_line: PrintLine, *, parent_pid: int | None = None
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            servers: in the order of start; stopped the other way round.
            print_line: called with a server's name and one line of its output.
            parent_pid: this process's parent, when its end (which sends no signal) is to stop all.
        """
        self._parent_pid = parent_pid
        self._servers = tuple(servers)
        self._print_line = print_line
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._stop_signals: list[int] = []
        self._asked_before_the_stop = 0
        self._restore: list[Callable[[], object]] = []

    def __enter__(self) -> "Supervisor":
        """Take the signals and start the watchdog."""
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        previous_fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._restore.append(lambda: signal.set_wakeup_fd(previous_fd))
        self._on(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup asks that a closed terminal be ignored; everything else asks to stop.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._on(number, lambda number, _frame: self._stop_signals.append(number))
        self._watchdog = subprocess.Popen(  # noqa: S603 (the command is ours)
            (sys.executable, "-I", "-S", str(Path(watchdog.__file__))),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all, in order, and give the signals back."""
        self._stop()
        for restore in reversed(self._restore):
            restore()
        self._selector.close()
        self._woken.close()
        self._waker.close()

    @property
    def stopping(self) -> bool:
        """Whether a signal, or the parent's end, has asked for the end."""
        return bool(self._stop_signals) or self._parent_pid not in (None, os.getppid())

    def start(self) -> None:
        """Start all servers at once; ``wait_until_ready`` says when they are."""
        for server in self._servers:
            child = _Child(server)
            self._children.append(child)
            self._selector.register(child.output, selectors.EVENT_READ, child)
            self._tell_watchdog(f"+{child.process.pid}")

    def wait_until_ready(self, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> bool:
        """Return True once every server is ready, False when a signal came first.

        Raises:
            StackError: a server ended, or was not ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self.stopping:
            self._turn(_TICK_SECONDS)
            waiting = [c for c in self._children if not c.ready and not c.probe()]
            if not waiting:
                return True
            if time.monotonic() > deadline:
                lines = [f"{c.server.name} ({c.server.ready_url}): {c.last_answer}" for c in waiting]
                raise StackError(f"not ready within {timeout_seconds:.0f} s: {'; '.join(lines)}")
        return False

    def run_until_stopped(self) -> None:
        """Follow the servers until a signal comes.

        Raises:
            StackError: a server ended by itself.
        """
        while not self.stopping:
            self._turn(_IDLE_TICK_SECONDS)

    def _turn(self, timeout_seconds: float) -> None:
        self._follow_output(timeout_seconds)
        for child in self._children:
            if child.process.poll() is not None and not self.stopping:
                self._drain(child)
                raise StackError(_epitaph(child))

    def _follow_output(self, timeout_seconds: float) -> None:
        for key, _ in self._selector.select(timeout_seconds):
            if isinstance(key.data, _Child):
                self._print_from(key.data)
            else:
                self._woken.recv(_READ_BYTES)

    def _print_from(self, child: _Child) -> None:
        for line in child.read_lines():
            self._print_line(child.server.name, line)
        if child.at_end:
            self._selector.unregister(child.output)

    def _drain(self, child: _Child) -> None:
        child.at_rest = child.at_end
        while not child.at_rest:
            self._print_from(child)

    def _stop(self) -> None:
        self._asked_before_the_stop = len(self._stop_signals)
        deadline = time.monotonic() + STOP_SECONDS
        for child in reversed(self._children):
            _signal_group(child.process.pid, signal.SIGTERM)
            # What stands in front gets a head start, so that it does not complain of what stands behind it.
            self._await_end(child, min(deadline, time.monotonic() + HEAD_START_SECONDS))
        for child in self._children:
            self._await_end(child, deadline)
            _signal_group(child.process.pid, signal.SIGKILL)  # it, if stubborn, and whatever it left behind
            child.process.wait()
            self._drain(child)
            child.output.close()
            self._tell_watchdog(f"-{child.process.pid}")
        if self._watchdog is not None:
            with contextlib.suppress(BrokenPipeError):
                _present(self._watchdog.stdin).close()
            self._watchdog.wait()

    def _await_end(self, child: _Child, deadline: float) -> None:
        # A second Ctrl-C means: now.
        while (
            child.process.poll() is None
            and time.monotonic() < deadline
            and len(self._stop_signals) <= self._asked_before_the_stop
        ):
            self._follow_output(_TICK_SECONDS)

    def _tell_watchdog(self, line: str) -> None:
        pipe = _present(_present(self._watchdog).stdin)
        with contextlib.suppress(BrokenPipeError):  # somebody ended it; the servers are still ours to stop
            pipe.write(f"{line}\n".encode())
            pipe.flush()

    def _on(self, number: signal.Signals, handler: Callable[[int, FrameType | None], object]) -> None:
        previous = signal.signal(number, handler)
        self._restore.append(lambda: signal.signal(number, previous))


def _signal_group(group: int, number: signal.Signals) -> None:
    # It may have ended in the meantime; macOS answers "not permitted" for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _epitaph(child: _Child) -> str:
    code = child.process.returncode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    lines = "\n".join(f"    {line}" for line in child.last_lines) or "    (it wrote nothing)"
    return f"{child.server.name} {how}; the stack stops. Its last lines:\n{lines}"


def _present(value: _T | None) -> _T:
    if value is None:
        raise RuntimeError("asked for a part that this process was not started with")
    return value
