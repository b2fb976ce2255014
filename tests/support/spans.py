"""Spans of servers that run in the tests' own process, as an exporter would be given them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

from telemetry import tracing
from telemetry.otel.spans import OtelTracer
from tests.support.waiting import wait_until

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
PARENT: Final = "b7ad6b7169203331"
TRACEPARENT: Final = f"00-{TRACE}-{PARENT}-01"
"""What a caller says."""
OTHER_TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_TRACEPARENT: Final = f"00-{OTHER_TRACE}-00f067aa0ba902b7-01"
"""What somebody else says."""


@dataclass(frozen=True)
class Recorded:
    """Everything that ended so far."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def all(self) -> Sequence[ReadableSpan]:
        """Return the spans in the order in which they ended."""
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        """Return the one span of that name, once it has ended."""
        (span,) = wait_until(lambda: [each for each in self.all() if each.name == name], f"a span {name}")
        return span


@contextmanager
def recording(sampler: Sampler | None = None) -> Iterator[Recorded]:
    """Record spans until the block ends."""
    recorded = Recorded()
    provider = TracerProvider(sampler, Resource.get_empty(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(recorded.exporter))
    tracing.use(OtelTracer(provider.get_tracer("tests")))
    try:
        yield recorded
    finally:
        tracing.use(None)


def trace_of(span: ReadableSpan) -> str:
    """Return the id of a span's trace."""
    return f"{span.context.trace_id:032x}"


def id_of(span: ReadableSpan) -> str:
    """Return a span's id."""
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    """Return the id of what a span is part of."""
    return f"{span.parent.span_id:016x}" if span.parent is not None else None


def links_of(span: ReadableSpan) -> set[str]:
    """Return the ids of the traces that a span links to."""
    return {f"{link.context.trace_id:032x}" for link in span.links}


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes."""
    return dict(span.attributes or {})


def has_failed(span: ReadableSpan) -> bool:
    """Say whether a span is a failure."""
    return not span.status.is_ok
