"""The one tracer there is: OpenTelemetry's, behind ``telemetry.tracing``.

Made by ``telemetry.otel.pipelines``. What goes on is kept for each greenlet. A span begins with its block but
is made only when it has a part, or ends: until then a request may turn out to belong to a trace that only a
stored record knows (``continue_from``).
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from telemetry.trace_context import TraceContext
from telemetry.tracing import Kind, Value

_KINDS: Final = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_going_on: ContextVar["OtelSpan | TraceContext | None"] = ContextVar("span", default=None)


class OtelTracer:
    """Args: tracer: of a provider that has exporters."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def span(
        self, name: str, kind: Kind, attributes: Mapping[str, Value], parent: TraceContext | None
    ) -> "OtelSpan":
        """See ``telemetry.tracing.Tracer``."""
        return OtelSpan(self._tracer, name, kind, attributes, parent)

    def current(self) -> TraceContext | None:
        """See ``telemetry.tracing.Tracer``."""
        going_on = _going_on.get()
        return _context_of(going_on) if going_on is not None else None

    def running(self) -> "OtelSpan | None":
        """See ``telemetry.tracing.Tracer``."""
        going_on = _going_on.get()
        return going_on if isinstance(going_on, OtelSpan) else None

    def adopt(self, context: TraceContext | None) -> None:
        """See ``telemetry.tracing.Tracer``."""
        _going_on.set(context)


class OtelSpan:
    """See ``telemetry.tracing.Span``."""

    def __init__(
        self,
        tracer: trace.Tracer,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value],
        parent: TraceContext | None,
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = _KINDS[kind]
        self._attributes = dict(attributes)
        self._parent: OtelSpan | TraceContext | None = parent
        self._before: OtelSpan | TraceContext | None = None
        self._links: list[Link] = []
        self._error: str | None = None
        self._start_nanoseconds = 0
        self._span: trace.Span | None = None

    def __enter__(self) -> Self:
        self._start_nanoseconds = time.time_ns()
        self._before = _going_on.get()
        if self._parent is None:
            self._parent = self._before
        elif self._before is not None:
            # What carried the request here (OpenTelemetry, MCP, "Context propagation").
            self._link(_context_of(self._before))
        _going_on.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        _going_on.set(self._before)
        if kind is not None and self._error is None:
            self._error = kind.__name__
        span = self._made()
        if self._error is not None:
            span.set_attribute("error.type", self._error)
            # No description: an exception's text may quote what somebody sent.
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def name(self, name: str) -> None:
        self._name = name
        if self._span is not None:
            self._span.update_name(name)

    def set(self, attributes: Mapping[str, Value]) -> None:
        if self._span is None:
            self._attributes.update(attributes)
        else:
            self._span.set_attributes(attributes)

    def fail(self, code: str) -> None:
        self._error = code

    def continue_from(self, context: TraceContext | None, *, rather: bool = False) -> None:
        if context is None:
            return
        before = _context_of(self._parent) if self._parent is not None else None
        if before is not None and before.trace_id == context.trace_id:
            return
        if self._span is None and (before is None or rather):
            self._parent, context = context, before
        self._link(context)

    def _link(self, context: TraceContext | None) -> None:
        if context is None:
            return
        if self._span is None:
            self._links.append(Link(_span_context(context)))
        else:
            self._span.add_link(_span_context(context))

    def context(self) -> TraceContext:
        """Return what its parts refer to."""
        mine = self._made().get_span_context()
        return TraceContext(
            f"{mine.trace_id:032x}",
            f"{mine.span_id:016x}",
            f"{mine.trace_flags:02x}",
            mine.trace_state.to_header(),
        )

    def _made(self) -> trace.Span:
        if self._span is None:
            self._span = self._tracer.start_span(
                self._name,
                self._parents_context(),
                self._kind,
                self._attributes,
                self._links,
                self._start_nanoseconds,
                record_exception=False,
                set_status_on_exception=False,
            )
        return self._span

    def _parents_context(self) -> Context:
        # Never None: the SDK would then look for what goes on by itself.
        if self._parent is None:
            return Context()
        if isinstance(self._parent, OtelSpan):
            return trace.set_span_in_context(self._parent._made(), Context())
        return trace.set_span_in_context(NonRecordingSpan(_span_context(self._parent)), Context())


def _context_of(going_on: OtelSpan | TraceContext) -> TraceContext:
    return going_on.context() if isinstance(going_on, OtelSpan) else going_on


def _span_context(context: TraceContext) -> SpanContext:
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(context.flags, 16)),
        trace_state=TraceState.from_header([context.state]) if context.state else TraceState(),
    )
