"""Several destinations, several workers: none costs another anything."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
from gevent.server import StreamServer

from tests.support.waiting import wait_until
from tests.telemetry.collector import INSTRUMENTATION_KEY, Collector, collecting
from tests.telemetry.test_exporting import _LATER, _TRACEPARENT, running


@contextmanager
def silent_collector() -> Iterator[str]:
    """Take connections, and never answer; gives its URL."""

    def listen(connection: Any, _address: Any) -> None:
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                gevent.sleep(0)

    server = StreamServer(("127.0.0.1", 0), listen)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.stop(timeout=0)


def _to_azure(url: str) -> dict[str, str]:
    string = f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={url}/;LiveEndpoint={url}/"
    return {"APPLICATIONINSIGHTS_CONNECTION_STRING": string}


def _instances(collector: Collector) -> set[str]:
    return {
        attribute.value.string_value
        for request in collector._requests("/v1/metrics")
        for group in request.resource_metrics
        for attribute in group.resource.attributes
        if attribute.key == "service.instance.id"
    }


def test_what_is_left_reaches_one_though_the_other_does_not_answer(tmp_path: Path) -> None:
    with silent_collector() as silent, collecting() as collector:
        environment = {**collector.environment, **_LATER, **_to_azure(silent)}
        with running(tmp_path, environment) as server:
            server.ask({"traceparent": _TRACEPARENT})
            code, seconds = server.stop()
        assert code == 0
        assert seconds < 6
        assert _TRACEPARENT[3:35] in {span.trace_id for span in collector.spans()}
        assert collector.log_records()
        assert collector.metrics()


def test_numbers_reach_one_though_the_other_does_not_answer(tmp_path: Path) -> None:
    with (
        silent_collector() as silent,
        collecting() as collector,
        running(tmp_path, {**collector.environment, **_to_azure(silent)}) as server,
    ):
        wait_until(lambda: len(collector.bodies.get("/v1/metrics", [])) > 2, "three readings")
        began = time.monotonic()
        for _ in range(20):
            server.ask()
        assert time.monotonic() - began < 2


def test_each_worker_exports_its_own(tmp_path: Path) -> None:
    with collecting() as collector, running(tmp_path, collector.environment, workers=2) as server:
        wait_until(lambda: len(_instances(collector)) == 2, "both workers")
        assert server.stop()[0] == 0
