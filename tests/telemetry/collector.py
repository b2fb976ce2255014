"""A collector of telemetry on loopback: Azure Monitor's ingestion protocol and OTLP over HTTP, decoded.

Used by the tests of what both servers export. Must read what arrives with the protocols' own definitions, so
that a body that a real collector would refuse fails the test.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from gevent.pywsgi import WSGIServer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

INSTRUMENTATION_KEY: Final = "00000000-0000-4000-8000-000000000001"
_OTLP: Final = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as OTLP says it, with what the tests ask for."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass
class Collector:
    """Attributes: port; bodies: what arrived, unpacked, by path."""

    port: int = 0
    bodies: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def connection_string(self) -> str:
        """What Application Insights would give."""
        return (
            f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={self.url}/;LiveEndpoint={self.url}/"
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a server export to it, promptly."""
        return {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": self.connection_string,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
        }

    def spans(self) -> list[ReceivedSpan]:
        """Return the spans that came by OTLP."""
        return [
            ReceivedSpan(
                service=_attributes(group.resource.attributes)["service.name"],
                name=span.name,
                kind=span.kind,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                links=tuple(link.trace_id.hex() for link in span.links),
                attributes=_attributes(span.attributes),
            )
            for request in self._requests("/v1/traces")
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[tuple[str, str], Any]:
        """Return the last reading of each metric that came by OTLP, by service and name."""
        return {
            (_attributes(group.resource.attributes)["service.name"], metric.name): metric
            for request in self._requests("/v1/metrics")
            for group in request.resource_metrics
            for scope in group.scope_metrics
            for metric in scope.metrics
        }

    def log_records(self) -> list[Any]:
        """Return the log records that came by OTLP."""
        return [
            record
            for request in self._requests("/v1/logs")
            for group in request.resource_logs
            for scope in group.scope_logs
            for record in scope.log_records
        ]

    def envelopes(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what came by Azure Monitor's protocol, of one base type or of all."""
        bodies = self.bodies.get("/v2.1/track", [])
        envelopes = [envelope for body in list(bodies) for envelope in orjson.loads(body)]
        return [each for each in envelopes if kind is None or each["data"]["baseType"] == kind]

    def everything(self) -> bytes:
        """Return all bytes that arrived."""
        return b"\n".join(body for bodies in self.bodies.values() for body in bodies)

    def _requests(self, path: str) -> Iterator[Any]:
        for body in list(self.bodies.get(path, [])):
            request = _OTLP[path]()
            request.ParseFromString(body)
            yield request

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Connection strings end in a slash, and the exporter adds one; the real service does not mind either.
        path = environ["PATH_INFO"].replace("//", "/")
        body = _unpacked(environ["wsgi.input"].read(), environ.get("HTTP_CONTENT_ENCODING", ""))
        self.bodies.setdefault(path, []).append(body)
        if path == "/v2.1/track":
            count = len(orjson.loads(body))
            start_response("200 OK", [("Content-Type", "application/json")])
            return [orjson.dumps({"itemsReceived": count, "itemsAccepted": count, "errors": []})]
        start_response(
            "200 OK" if path in _OTLP else "404 Not Found", [("Content-Type", "application/x-protobuf")]
        )
        return [b""]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector until the block ends."""
    collector = Collector()
    server = WSGIServer(("127.0.0.1", 0), collector._answer, log=None)
    server.start()
    collector.port = server.server_port
    try:
        yield collector
    finally:
        server.stop(timeout=1)


def _unpacked(body: bytes, encoding: str) -> bytes:
    match encoding:
        case "gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
    return body


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
