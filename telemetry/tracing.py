"""Spans of both servers, where something is configured to receive them; otherwise one comparison and nothing.

Called where a request begins (``of_request``, ``adopt``), by what takes time on its behalf (``span``), and by
what calls other services (``outgoing``). ``telemetry.otel`` puts the tracer here, once for each worker;
nothing of OpenTelemetry is imported without it. Must never be given a token, code, secret, verifier or
anything that a person wrote: a span has a fixed name, and attributes that are words of ours or names that
were registered here.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self

from telemetry.trace_context import TraceContext

Value = str | int | float | bool
Kind = Literal["server", "client", "internal"]


class Span(Protocol):
    """One thing that takes time; over when its ``with`` block is."""

    def __enter__(self) -> Self:
        """Make it the one that further spans of this greenlet are part of."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """End it; an exception makes it a failure named after the exception's type."""

    def name(self, name: str) -> None:
        """Give it the name that is known only now."""

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""

    def fail(self, code: str) -> None:
        """Say that it failed; ``code`` is a fixed word."""

    def continue_from(self, context: TraceContext | None, *, rather: bool = False) -> None:
        """Make it part of a trace that is known only now; a link, where the caller's own trace holds it (and
        not ``rather``: then that one is the link), or where it has parts already.
        """


class Tracer(Protocol):
    """Makes spans; ``telemetry.otel.spans`` has the one there is."""

    def span(
        self, name: str, kind: Kind, attributes: Mapping[str, Value], parent: TraceContext | None
    ) -> Span:
        """Return a span that has not begun; without ``parent`` it is part of what goes on here."""

    def current(self) -> TraceContext | None:
        """Return the context of what goes on in this greenlet."""

    def running(self) -> Span | None:
        """Return the span that goes on in this greenlet."""

    def adopt(self, context: TraceContext | None) -> None:
        """Let what follows in this greenlet be part of that."""


class _NoSpan:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def name(self, name: str) -> None:
        pass

    def set(self, attributes: Mapping[str, Value]) -> None:
        pass

    def fail(self, code: str) -> None:
        pass

    def continue_from(self, context: TraceContext | None, *, rather: bool = False) -> None:
        pass


_NO_SPAN: Final = _NoSpan()
_NO_ATTRIBUTES: Final[Mapping[str, Value]] = {}
_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Let this process's spans be made by ``tracer``; None: there are none."""
    global _tracer  # noqa: PLW0603 - one for each process, like the root logger
    _tracer = tracer


def is_on() -> bool:
    """Say whether anybody receives spans."""
    return _tracer is not None


def span(
    name: str,
    kind: Kind = "internal",
    attributes: Mapping[str, Value] = _NO_ATTRIBUTES,
    parent: TraceContext | None = None,
) -> Span:
    """Return a span to be entered with ``with``.

    Args:
        name: of few values; see docs/telemetry.md.
        kind: ``server`` for what was asked of us, ``client`` for what we ask of others.
        attributes: OpenTelemetry's semantic conventions where there are any.
        parent: what it is part of; None: what goes on in this greenlet.
    """
    return _tracer.span(name, kind, attributes, parent) if _tracer is not None else _NO_SPAN


def running() -> Span:
    """Return the span that goes on in this greenlet, to say more about it."""
    return (_tracer.running() or _NO_SPAN) if _tracer is not None else _NO_SPAN


def continue_from(traceparent: str | None, *, rather: bool = False) -> None:
    """Make what goes on in this greenlet part of the trace that a stored record names; a link to it, where it
    is part of the caller's own.

    Args:
        traceparent: what was stored.
        rather: go before what the request's header says, which becomes the link: where a browser follows
            links and forms, a header can only be a proxy's.
    """
    if _tracer is not None and traceparent is not None and (span := _tracer.running()) is not None:
        span.continue_from(TraceContext.parse(traceparent), rather=rather)


def current() -> TraceContext | None:
    """Return what goes on in this greenlet, to hand it to another one or to keep it."""
    return _tracer.current() if _tracer is not None else None


def adopt(context: TraceContext | None) -> None:
    """Go on with what another greenlet, or a caller, has begun; None: with nothing."""
    if _tracer is not None:
        _tracer.adopt(context)


def outgoing() -> dict[str, str]:
    """Return the headers for a request to another service (W3C Trace Context)."""
    context = current()
    return context.headers() if context is not None else {}


def of_request(environ: Mapping[str, Any]) -> TraceContext | None:
    """Return what a caller's request is part of, by its WSGI environ; None where it does not say so, or not
    as it should.
    """
    if _tracer is None:
        return None
    return TraceContext.parse(environ.get("HTTP_TRACEPARENT"), environ.get("HTTP_TRACESTATE"))
