"""One process's exporters: absent unless configured, bounded when nobody receives, flushed at the end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import orjson
import pytest
import requests

from tests.support.ports import free_ports
from tests.support.waiting import wait_until
from tests.telemetry.collector import INSTRUMENTATION_KEY, collecting

_SERVER: Final = Path(__file__).with_name("exporting_server.py")
_NOBODY: Final = "http://127.0.0.1:9"  # the discard service's port: refused
_TRACEPARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_LATER: Final = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_BLRP_SCHEDULE_DELAY": "600000"}


@dataclass
class Running:
    """A process, and what it has written."""

    process: "subprocess.Popen[bytes]"
    url: str
    output: IO[bytes]

    def ask(self, headers: Mapping[str, str] | None = None) -> str:
        """Return its answer."""
        with requests.Session() as session:
            session.trust_env = False
            return session.get(self.url, headers=headers, timeout=10).text

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20), time.monotonic() - began

    def lines(self) -> list[dict[str, object]]:
        """Return its log lines."""
        self.output.seek(0)
        return [orjson.loads(line) for line in self.output.read().splitlines()]


@contextmanager
def running(folder: Path, environment: Mapping[str, str], workers: int = 1) -> Iterator[Running]:
    """Run the program until the block ends."""
    (port,) = free_ports(1)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with (folder / "output.log").open("w+b") as output:
        process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(port), str(workers)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        )
        server = Running(process, f"http://127.0.0.1:{port}/", output)
        try:
            wait_until(lambda: _answers(server), "the server")
            yield server
        finally:
            process.kill()
            process.wait()


def _answers(server: Running) -> bool:
    try:
        return bool(server.ask())
    except requests.ConnectionError:
        return False


def test_nothing_of_opentelemetry_is_imported_where_nothing_is_configured(tmp_path: Path) -> None:
    with running(tmp_path, {}) as server:
        assert server.ask() == "False"
        assert server.stop()[0] == 0


def test_what_is_left_is_sent_when_the_process_ends(tmp_path: Path) -> None:
    with collecting() as collector, running(tmp_path, {**collector.environment, **_LATER}) as server:
        assert server.ask({"traceparent": _TRACEPARENT}) == "True"
        assert not collector.spans()
        code, _ = server.stop()
        assert code == 0
        assert "0af7651916cd43dd8448eb211c80319c" in {span.trace_id for span in collector.spans()}
        assert {line.body.string_value for line in collector.log_records()} == {"something happened"}
        assert collector.envelopes("RequestData")
        assert collector.envelopes("MessageData")


def test_a_log_line_on_standard_output_names_trace_and_span(tmp_path: Path) -> None:
    with collecting() as collector, running(tmp_path, collector.environment) as server:
        server.ask({"traceparent": _TRACEPARENT})
        server.stop()
        assert {line["logger"] for line in server.lines()} <= {"sample", "gunicorn.error"}
        traced = [line for line in server.lines() if line.get("trace_id") == _TRACEPARENT[3:35]]
        assert [line["message"] for line in traced] == ["something happened"]
        assert traced[0]["span_id"] in {span.span_id for span in collector.spans()}


@pytest.mark.parametrize(
    "nobody",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": _NOBODY},
        {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={INSTRUMENTATION_KEY};"
            f"IngestionEndpoint={_NOBODY}/;LiveEndpoint={_NOBODY}/"
        },
    ],
    ids=["OTLP", "Azure Monitor"],
)
def test_a_collector_that_is_away_costs_no_request_fills_no_log_and_holds_no_shutdown(
    tmp_path: Path, nobody: Mapping[str, str]
) -> None:
    quickly = {
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "OTEL_BLRP_SCHEDULE_DELAY": "20",
        "OTEL_METRIC_EXPORT_INTERVAL": "20",
    }
    with running(tmp_path, {**nobody, **quickly}) as server:

        def complaints() -> list[dict[str, object]]:
            return [line for line in server.lines() if line["logger"] not in ("sample", "gunicorn.error")]

        wait_until(complaints, "a complaint")
        began = time.monotonic()
        for _ in range(50):
            server.ask()
        assert time.monotonic() - began < 5
        code, seconds = server.stop()
        assert (code, seconds < 6) == (0, True)
        assert 1 <= len(complaints()) <= 2, complaints()
        assert not [line for line in complaints() if "exception" in line]


def test_a_malformed_traceparent_is_as_good_as_none(tmp_path: Path) -> None:
    malformed = (
        "",
        "x",
        _TRACEPARENT[:-1],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"ff{_TRACEPARENT[2:]}",
        "é",
    )
    with collecting() as collector, running(tmp_path, collector.environment) as server:
        for value in malformed:
            assert server.ask({"traceparent": value.encode("latin-1")}) == "True"  # type: ignore[dict-item]
        server.stop()
        assert len(collector.spans()) > len(malformed)
        assert {span.parent_id for span in collector.spans()} == {""}
