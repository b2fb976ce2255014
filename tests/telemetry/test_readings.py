"""Prometheus' numbers as exporters are given them: the same, whole, and counted once."""

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricsData
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from telemetry.otel.metrics import Readings


class Clock:
    """Seconds since 1970, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def readings(registry: CollectorRegistry, *, delta: bool) -> Readings:
    return Readings(registry, Resource({"service.name": "tests"}), delta=delta, clock=Clock())


def metrics(data: MetricsData) -> dict[str, Any]:
    """Return the metrics by name."""
    (group,) = data.resource_metrics
    (scope,) = group.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def value(data: MetricsData, name: str) -> float:
    """Return a number that has no labels."""
    (point,) = metrics(data)[name].data.data_points
    return float(point.value)


def test_names_are_those_that_prometheus_shows(registry: CollectorRegistry) -> None:
    Counter("with_suffix_total", "x", registry=registry)
    Counter("without_suffix", "x", registry=registry)
    Gauge("now", "Words that say what it is.", registry=registry)
    Histogram("took_seconds", "x", registry=registry)
    found = metrics(readings(registry, delta=False).read())
    assert found.keys() == {"with_suffix_total", "without_suffix_total", "now", "took_seconds"}
    assert found["now"].description == "Words that say what it is."


def test_what_has_never_been_counted_is_no_metric(registry: CollectorRegistry) -> None:
    Counter("refused", "x", ["reason"], registry=registry)
    Histogram("took", "x", ["tool"], registry=registry)
    Summary("of_a_library", "x", registry=registry)
    assert metrics(readings(registry, delta=False).read()) == {}


def test_a_total_stays_a_total(registry: CollectorRegistry) -> None:
    counter, read = Counter("calls", "x", registry=registry), readings(registry, delta=False)
    for total in (1, 2, 3):
        counter.inc()
        data = read.read()
        read.arrived()
        assert value(data, "calls_total") == total
        assert metrics(data)["calls_total"].data.aggregation_temporality == AggregationTemporality.CUMULATIVE


def test_what_is_counted_from_reading_to_reading_adds_up(registry: CollectorRegistry) -> None:
    counter, read = Counter("calls", "x", registry=registry), readings(registry, delta=True)
    counts = []
    for more in (3, 0, 4):
        counter.inc(more)
        counts.append(value(read.read(), "calls_total"))
        read.arrived()
    assert counts == [3, 0, 4]


def test_a_reading_that_got_lost_is_part_of_the_next(registry: CollectorRegistry) -> None:
    counter = Counter("calls", "x", registry=registry)
    histogram = Histogram("took", "x", buckets=(1, 2), registry=registry)
    read = readings(registry, delta=True)
    counter.inc(3)
    histogram.observe(1.5)
    lost = read.read()
    counter.inc(4)
    histogram.observe(1.5)
    data = read.read()
    assert (value(lost, "calls_total"), value(data, "calls_total")) == (3, 7)
    (point,) = metrics(data)["took"].data.data_points
    assert (point.count, point.sum, point.bucket_counts) == (2, 3.0, [0, 2, 0])
    assert point.start_time_unix_nano == metrics(lost)["took"].data.data_points[0].start_time_unix_nano


def test_a_gauge_is_what_it_is_now(registry: CollectorRegistry) -> None:
    gauge, read = Gauge("demand", "x", registry=registry), readings(registry, delta=True)
    for now in (1, 1, 0):
        gauge.set(now)
        data = read.read()
        read.arrived()
        assert value(data, "demand") == now


def test_a_histogram_keeps_its_labels_its_buckets_and_what_lies_beyond(registry: CollectorRegistry) -> None:
    histogram = Histogram("took", "x", ["tool", "outcome"], buckets=(0.1, 1), registry=registry)
    for seconds in (0.05, 0.5, 0.5, 70):
        histogram.labels("one", "ok").observe(seconds)
    histogram.labels("two", "failed").observe(0.5)
    points = metrics(readings(registry, delta=False).read())["took"].data.data_points
    one, two = sorted(points, key=lambda point: str(point.attributes["tool"]))
    assert one.attributes == {"tool": "one", "outcome": "ok"}
    assert (one.bucket_counts, one.explicit_bounds, one.count) == ([1, 2, 1], [0.1, 1.0], 4)
    assert one.sum == pytest.approx(71.05)
    assert (two.bucket_counts, two.min, two.max) == ([0, 1, 0], 0.1, 1.0)


def test_what_is_read_can_be_sent(registry: CollectorRegistry) -> None:
    Counter("calls", "x", ["a"], registry=registry).labels("b").inc()
    Gauge("demand", "x", registry=registry).set(1)
    Histogram("took", "x", registry=registry).observe(1)
    encoded = encode_metrics(readings(registry, delta=False).read())
    (group,) = encoded.resource_metrics
    assert len(group.scope_metrics[0].metrics) == 3
