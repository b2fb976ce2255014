"""The exporters to each destination: Azure Monitor's, and OTLP's over HTTP.

Made by ``pipelines``. What the settings do not say is read by the exporters from OpenTelemetry's own
variables. Must not tell anybody but the destination anything: Azure's exporter would report about itself.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter,
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from telemetry.exporting import Destinations

# The exporter's own telemetry about itself, to Microsoft; a host that it would ask for settings; and a number
# with the resource's attributes, for which it would want a global tracer provider, and complain about none.
_SILENCED: Final = {
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Exporters:
    """To one destination; None: that is not exported. wants_delta: counts since the reading before."""

    spans: SpanExporter | None
    logs: LogRecordExporter | None
    metrics: MetricExporter | None
    wants_delta: bool


def exporters_to(destinations: Destinations) -> Iterator[Exporters]:
    """Give the exporters to each destination."""
    spans, logs, metrics = (_is_wanted(signal) for signal in ("TRACES", "LOGS", "METRICS"))
    if destinations.connection_string is not None:
        for name, value in _SILENCED.items():
            os.environ.setdefault(name, value)
        # Nothing is kept on disk for a retry: the file system is read-only, and a pod's is gone with it.
        options: dict[str, Any] = {
            "connection_string": destinations.connection_string.get_secret_value(),
            "disable_offline_storage": True,
        }
        yield Exporters(
            AzureMonitorTraceExporter(**options) if spans else None,
            AzureMonitorLogExporter(**options) if logs else None,
            AzureMonitorMetricExporter(**options) if metrics else None,
            wants_delta=True,
        )
    if destinations.otlp_endpoint is not None:
        base = destinations.otlp_endpoint.rstrip("/")
        yield Exporters(
            OTLPSpanExporter(_endpoint(base, "TRACES")) if spans else None,
            OTLPLogExporter(_endpoint(base, "LOGS")) if logs else None,
            OTLPMetricExporter(_endpoint(base, "METRICS")) if metrics else None,
            wants_delta=False,
        )


def _is_wanted(signal: str) -> bool:
    """Say whether a signal is exported: log lines, say, may be collected from standard output already."""
    return os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() != "none"


def _endpoint(base: str, signal: str) -> str:
    # One for a single signal goes before, and is used as it is (OpenTelemetry, "OTLP Exporter").
    return os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or f"{base}/v1/{signal.lower()}"
