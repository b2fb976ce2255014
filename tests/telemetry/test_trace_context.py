"""W3C Trace Context: what is believed of a caller's headers, and what is passed on."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import TraceState

from telemetry import tracing
from telemetry.trace_context import TraceContext
from tests.support.spans import PARENT, TRACE, TRACEPARENT, recording


def test_a_well_formed_header_is_read_and_written_again() -> None:
    context = TraceContext.parse(TRACEPARENT, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    assert context == TraceContext(TRACE, PARENT, "01", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    assert context.headers() == {"traceparent": TRACEPARENT, "tracestate": context.state}


@pytest.mark.parametrize(
    "header",
    [
        *("", " ", "x", None, 7, [TRACEPARENT]),
        TRACEPARENT[:-1],
        TRACEPARENT.upper(),
        f" {TRACEPARENT}",
        f"{TRACEPARENT}\n",
        f"{TRACEPARENT}-more",
        f"{TRACEPARENT},{TRACEPARENT}",
        f"ff{TRACEPARENT[2:]}",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"01{TRACEPARENT[2:]}more",
    ],
)
def test_a_malformed_header_is_as_good_as_none(header: object) -> None:
    assert TraceContext.parse(header, "a=b") is None


@pytest.mark.parametrize("header", [f"01{TRACEPARENT[2:]}", f"cc{TRACEPARENT[2:]}-what-the-future-brings"])
def test_a_version_to_come_is_read_as_far_as_it_is_known(header: str) -> None:
    context = TraceContext.parse(header)
    assert context is not None
    assert context.traceparent == TRACEPARENT


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("a=1, b=2 ,,\tc=3", "a=1,b=2,c=3"),
        ("tenant1@vendor=x y", "tenant1@vendor=x y"),
        ("", ""),
        ("a", ""),
        ("A=1", ""),
        ("a=1,a=2", ""),
        ("a=1=2", ""),
        ("a=\n", ""),
        ("a=é", ""),
        (",".join(f"k{number}=1" for number in range(33)), ""),
        ("a=" + "x" * 600, ""),
        (None, ""),
        (["a=1"], ""),
    ],
)
def test_only_well_formed_state_is_passed_on(state: object, kept: str) -> None:
    context = TraceContext.parse(TRACEPARENT, state)
    assert context is not None
    assert context.state == kept


@given(st.text(max_size=600) | st.from_regex(r"([a-z]=[a-z=,]{0,3},?){1,9}", fullmatch=True))
def test_whatever_is_kept_is_read_without_complaint(state: str) -> None:
    context = TraceContext.parse(TRACEPARENT, state)
    assert context is not None
    assert len(TraceState.from_header([context.state])) == len([x for x in context.state.split(",") if x])


def test_nothing_that_a_client_sends_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with recording(), caplog.at_level(logging.DEBUG):
        environ = {"HTTP_TRACEPARENT": TRACEPARENT, "HTTP_TRACESTATE": "A secret=1,x,x=1,x=2"}
        with tracing.span("any", "server", parent=tracing.of_request(environ)):
            assert tracing.outgoing()["traceparent"].startswith(f"00-{TRACE}-")
    assert not caplog.records


def test_nothing_is_read_where_nobody_receives_spans() -> None:
    assert tracing.of_request({"HTTP_TRACEPARENT": TRACEPARENT}) is None
    assert tracing.current() is None
    assert tracing.outgoing() == {}
    with tracing.span("any") as span:
        span.set({"a": 1})
        span.fail("any")
    tracing.continue_from(TRACEPARENT)
