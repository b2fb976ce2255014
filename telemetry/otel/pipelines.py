"""The way from a span, a number and a log line to the exporters, for one process.

Made by ``telemetry.exporting`` in each worker. A batch is sent from a greenlet of its own (the process is
patched for gevent before the SDK makes its threads): a collector that is slow or away costs a request
nothing, what does not fit into a bounded queue is dropped.
"""

import contextlib
import logging
import os
import uuid
from dataclasses import dataclass
from typing import Any, Final

import gevent
from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter,
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from gevent import Greenlet
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import REGISTRY

from telemetry import tracing
from telemetry.exporting import Destinations
from telemetry.otel.log_lines import LogLines, OneLineOnly
from telemetry.otel.metrics import Readings
from telemetry.otel.spans import OtelTracer

_STOP_SECONDS: Final = 2.0
_METRICS_INTERVAL_VARIABLE: Final = "OTEL_METRIC_EXPORT_INTERVAL"  # milliseconds, as OpenTelemetry names it
_METRICS_INTERVAL_MILLISECONDS: Final = 60_000
# The exporter's own telemetry about itself, to Microsoft; and a host that it would ask for settings.
_SILENCED: Final = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Exporters:
    spans: Any
    logs: Any
    metrics: Any
    wants_delta: bool


class Pipelines:
    """Args: service: name of what this process is part of; destinations: where to."""

    def __init__(self, service: str, destinations: Destinations) -> None:
        resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME", service),
                "service.instance.id": str(uuid.uuid4()),
            }
        )
        exporters = list(_exporters(destinations))
        # The sampler is what OTEL_TRACES_SAMPLER says.
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._logs = LoggerProvider(resource, shutdown_on_exit=False)
        self._metrics = []
        for each in exporters:
            self._spans.add_span_processor(BatchSpanProcessor(each.spans))
            self._logs.add_log_record_processor(BatchLogRecordProcessor(each.logs))
            self._metrics.append((Readings(REGISTRY, resource, delta=each.wants_delta), each.metrics))
        self._handler = LogLines(self._logs.get_logger("mcpstack"))
        self._metering: Greenlet[..., None] | None = None

    def start(self) -> None:
        """Begin."""
        only_one = OneLineOnly()
        for name in ("opentelemetry", "azure"):
            for handler in logging.getLogger().handlers:
                handler.addFilter(_Only(name, only_one))
        logging.getLogger().addHandler(self._handler)
        tracing.use(OtelTracer(self._spans.get_tracer("mcpstack")))
        self._metering = gevent.spawn(self._meter)

    def stop(self) -> None:
        """Send what is left, for two seconds at most."""
        tracing.use(None)
        logging.getLogger().removeHandler(self._handler)
        if self._metering is not None:
            self._metering.kill(block=False)
        last = [
            gevent.spawn(work) for work in (self._spans.shutdown, self._logs.shutdown, self._send_metrics)
        ]
        gevent.joinall(last, timeout=_STOP_SECONDS)

    def _meter(self) -> None:
        seconds = float(os.environ.get(_METRICS_INTERVAL_VARIABLE) or _METRICS_INTERVAL_MILLISECONDS) / 1000
        while True:
            gevent.sleep(seconds)
            self._send_metrics()

    def _send_metrics(self) -> None:
        for readings, exporter in self._metrics:
            with contextlib.suppress(Exception):  # it logs what went wrong, and the next reading tells all
                exporter.export(readings.read())


class _Only(logging.Filter):
    """Args: name: of the loggers that are filtered; filter: says which of their lines are written."""

    def __init__(self, name: str, inner: logging.Filter) -> None:
        super().__init__()
        self._name = name
        self._inner = inner

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is written."""
        return not record.name.startswith(self._name) or bool(self._inner.filter(record))


def start(service: str, destinations: Destinations) -> Pipelines:
    """Begin to export from this process."""
    for name, value in _SILENCED.items():
        os.environ.setdefault(name, value)
    pipelines = Pipelines(service, destinations)
    pipelines.start()
    return pipelines


def _exporters(destinations: Destinations) -> Any:
    if destinations.connection_string is not None:
        # Nothing is kept on disk for a retry: the file system is read-only, and a pod's is gone with it.
        options = {
            "connection_string": destinations.connection_string.get_secret_value(),
            "disable_offline_storage": True,
        }
        yield _Exporters(
            AzureMonitorTraceExporter(**options),
            AzureMonitorLogExporter(**options),
            AzureMonitorMetricExporter(**options),
            wants_delta=True,
        )
    if destinations.otlp_endpoint is not None:
        base = destinations.otlp_endpoint.rstrip("/")
        yield _Exporters(
            OTLPSpanExporter(f"{base}/v1/traces"),
            OTLPLogExporter(f"{base}/v1/logs"),
            OTLPMetricExporter(f"{base}/v1/metrics"),
            wants_delta=False,
        )
