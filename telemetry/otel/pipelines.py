"""The way from a span, a number and a log line to the exporters, for one process.

Made by ``telemetry.exporting`` in each worker. A batch is sent from a greenlet of its own (the process is
patched for gevent before the SDK makes its threads): a collector that is slow or away costs a request
nothing, nor the other collector anything; what does not fit into a bounded queue is dropped.
"""

import logging
import os
import uuid
from typing import Any, Final

import gevent
from gevent.event import Event
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import REGISTRY

from telemetry import tracing
from telemetry.exporting import Destinations
from telemetry.otel.exporters import Exporters, exporters_to
from telemetry.otel.log_lines import LogLines, OneLineOnly
from telemetry.otel.metrics import Readings
from telemetry.otel.spans import OtelTracer

_STOP_SECONDS: Final = 2.0
_METRICS_INTERVAL_VARIABLE: Final = "OTEL_METRIC_EXPORT_INTERVAL"  # milliseconds, as OpenTelemetry names it
_METRICS_INTERVAL_SECONDS: Final = 60.0
# Whose complaints about a collector would fill the log.
_COMPLAINING: Final = ("opentelemetry", "azure.monitor")
_log = logging.getLogger(__name__)


class Pipelines:
    """Args: service: name of what this process is part of; destinations: where to."""

    def __init__(self, service: str, destinations: Destinations) -> None:
        resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME") or service,
                "service.instance.id": str(uuid.uuid4()),
            }
        )
        # The sampler is what OTEL_TRACES_SAMPLER says.
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._logs = LoggerProvider(resource, shutdown_on_exit=False)
        self._ways = [_Way(each, self._spans, self._logs, resource) for each in exporters_to(destinations)]
        self._handler = LogLines(self._logs.get_logger("mcpstack"))

    def start(self) -> None:
        """Begin."""
        for handler in logging.getLogger().handlers:
            for name in _COMPLAINING:
                handler.addFilter(OneLineOnly(name))
        logging.getLogger().addHandler(self._handler)
        tracing.use(OtelTracer(self._spans.get_tracer("mcpstack")))
        for way in self._ways:
            way.start()

    def stop(self) -> None:
        """Send what is left, for two seconds at most."""
        tracing.use(None)
        logging.getLogger().removeHandler(self._handler)
        # Side by side: one that does not answer must not take the others' time.
        last = [gevent.spawn(work) for way in self._ways for work in way.endings()]
        gevent.joinall(last, timeout=_STOP_SECONDS)


class _Way:
    """Everything to one destination."""

    def __init__(
        self, exporters: Exporters, spans: TracerProvider, logs: LoggerProvider, resource: Resource
    ) -> None:
        self._batches: list[BatchSpanProcessor | BatchLogRecordProcessor] = []
        if exporters.spans is not None:
            of_spans = BatchSpanProcessor(exporters.spans)
            spans.add_span_processor(of_spans)
            self._batches.append(of_spans)
        if exporters.logs is not None:
            of_logs = BatchLogRecordProcessor(exporters.logs)
            logs.add_log_record_processor(of_logs)
            self._batches.append(of_logs)
        self._meter = None
        if exporters.metrics is not None:
            self._meter = _Meter(Readings(REGISTRY, resource, delta=exporters.wants_delta), exporters.metrics)

    def start(self) -> None:
        if self._meter is not None:
            self._meter.start()

    def endings(self) -> list[Any]:
        """Return what sends the rest, each by itself."""
        endings: list[Any] = [batch.shutdown for batch in self._batches]
        return endings if self._meter is None else [*endings, self._meter.stop]


class _Meter:
    """Sends a reading of all numbers now and then, and a last one."""

    def __init__(self, readings: Readings, exporter: MetricExporter) -> None:
        self._readings = readings
        self._exporter = exporter
        self._stopping = Event()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run, _metrics_interval_seconds())

    def stop(self) -> None:
        self._stopping.set()
        if self._greenlet is not None:
            self._greenlet.join()

    def _run(self, interval_seconds: float) -> None:
        while not self._stopping.wait(interval_seconds):
            self._send()
        self._send()

    def _send(self) -> None:
        try:
            if self._exporter.export(self._readings.read()) is MetricExportResult.SUCCESS:
                self._readings.arrived()
        except Exception:
            _log.warning("the numbers could not be exported", exc_info=True)


def _metrics_interval_seconds() -> float:
    said = os.environ.get(_METRICS_INTERVAL_VARIABLE, "")
    # What is no number is ignored, as the SDK does with its own (OpenTelemetry, "Numeric value").
    return int(said) / 1000 if said.isascii() and said.isdigit() and int(said) else _METRICS_INTERVAL_SECONDS


def start(service: str, destinations: Destinations) -> Pipelines:
    """Begin to export from this process."""
    pipelines = Pipelines(service, destinations)
    pipelines.start()
    return pipelines
