"""Starts a server on core 0, loads it from core 1, and pairs each slice with one of the reference.

Used by the rows (``mcp``, ``token``, ``sessions``). Must not know what a row means: a row is a request and
the text that a right answer holds.
"""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

CONNECTIONS = 32
# wrk asks for a few requests that it never sends.
TOKENS_PER_SLICE = CONNECTIONS * 2
SLICE_SECONDS = 3
PAIRS = 5
START_SECONDS = 20.0
ECHO_BODY = json.dumps({"text": "lorem ipsum " * 20, "n": 42})
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Row:
    """One kind of request: where it goes, what it carries, and what a right answer holds."""

    name: str
    url: str
    body: str
    headers: Mapping[str, str]
    expect: str
    goal: float | None = None
    refresh_tokens: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Slice:
    """What one slice of load showed: requests per second, µs of processor time per request, latency in ms."""

    rate: float
    cpu_micros: float
    p50_ms: float
    p99_ms: float


def free_port() -> int:
    """Return a port that nothing listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(command: Sequence[str], ready_url: str, environment: Mapping[str, str]) -> Iterator[int]:
    """Run a server pinned to core 0; yields its process id once it answers, stops it afterwards."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            ["taskset", "-c", "0", *command],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, ready_url, log)
            yield process.pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: object) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.02)
    log.seek(0)  # type: ignore[attr-defined]
    raise SystemExit(f"the server did not start: {log.read().decode(errors='replace')}")  # type: ignore[attr-defined]


@contextlib.contextmanager
def reference() -> Iterator[tuple[Row, int]]:
    """Run the reference; yields its row and process id."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/echo"
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "-b", f"127.0.0.1:{port}"]
    command += ["--keep-alive", "60", "--no-control-socket", "benchmarks.reference:app"]
    with server(command, url, {}) as pid:
        yield Row("echo", url, ECHO_BODY, {"Content-Type": "application/json"}, "lorem"), pid


def probe(row: Row) -> None:
    """Ask once and see that the answer is right: a fast refusal is no result."""
    body = row.body.replace("@ID@", "1").replace("@REFRESH@", "")
    request = urllib.request.Request(row.url, body.encode(), dict(row.headers))
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    if row.expect not in text:
        raise SystemExit(f"{row.name}: unexpected answer {text[:300]}")


def measure(row: Row, pid: int, tokens: Path | None) -> Slice:
    """Load one server for a slice."""
    with tempfile.NamedTemporaryFile("w", suffix=".load") as load:
        headers = "".join(f"{name}: {value}\n" for name, value in row.headers.items())
        load.write(f"POST\n{headers}{row.body}")
        load.flush()
        environment = {**os.environ, "LOAD_FILE": load.name}
        if tokens:
            environment["LOAD_REFRESH"] = str(tokens)
        before = _cpu_seconds(pid)
        output = subprocess.run(
            [
                *("taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SLICE_SECONDS}s"),
                *("-s", str(_SCRIPT), row.url),
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        cpu = _cpu_seconds(pid) - before
    result = json.loads(next(line for line in output.splitlines() if line.startswith("RESULT"))[7:])
    if result["refused"] or result["broken"]:
        raise SystemExit(f"{row.name}: {result['refused']} refused, {result['broken']} broken\n{output}")
    count = result["requests"]
    return Slice(
        count / (result["micros"] / 1e6), cpu / count * 1e6, result["p50"] / 1000, result["p99"] / 1000
    )


def compare(rows: Sequence[tuple[Row, int]], refresh_file: Path | None = None) -> None:
    """Alternate slices of the reference and of each row, and print the table."""
    table = Table(title=f"{CONNECTIONS} connections, {PAIRS} pairs of {SLICE_SECONDS} s, one core")
    for column in ("row", "x echo", "cpu x echo", "req/s", "µs cpu", "p50 ms", "p99 ms", "goal"):
        table.add_column(column)
    with reference() as (echo, echo_pid):
        for row, pid in rows:
            if not row.refresh_tokens:
                probe(row)
            pairs = []
            for number in range(PAIRS + 1):
                base = measure(echo, echo_pid, None)
                if row.refresh_tokens and refresh_file:
                    share = row.refresh_tokens[number * TOKENS_PER_SLICE : (number + 1) * TOKENS_PER_SLICE]
                    refresh_file.write_text("\n".join(share) + "\n")
                pairs.append((base, measure(row, pid, refresh_file if row.refresh_tokens else None)))
            _add(table, row, pairs[1:])  # the first pair warms both up
    Console(width=120).print(table)


def _add(table: Table, row: Row, pairs: Sequence[tuple[Slice, Slice]]) -> None:
    rates = [own.rate / base.rate for base, own in pairs]
    cpus = [base.cpu_micros / own.cpu_micros for base, own in pairs]
    middle = statistics.median
    table.add_row(
        row.name,
        f"{middle(rates):.2f} ({min(rates):.2f} to {max(rates):.2f})",
        f"{middle(cpus):.2f}",
        f"{middle(own.rate for _, own in pairs):.0f}",
        f"{middle(own.cpu_micros for _, own in pairs):.0f}",
        f"{middle(own.p50_ms for _, own in pairs):.1f}",
        f"{middle(own.p99_ms for _, own in pairs):.1f}",
        f"{row.goal:.2f}" if row.goal else "",
    )


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    times = [p.cpu_times() for p in [process, *process.children(recursive=True)]]
    return sum(t.user + t.system for t in times)
