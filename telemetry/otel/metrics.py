"""What Prometheus scrapes, sent to exporters as well, so that each number is written once.

Run by ``telemetry.otel.pipelines`` in a greenlet of its own: the paths that count do not know of it. Must not
change a name: a dashboard over OTLP and one over Prometheus ask for the same.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import Metric as Family
from prometheus_client.registry import Collector

_SCOPE: Final = InstrumentationScope("mcpstack")
Labels = tuple[tuple[str, str], ...]


class Readings:
    """The process's numbers, as one exporter wants them.

    Args:
        registry: prometheus-client's, of this process.
        resource: says which process it is.
        delta: count from the reading before (Azure Monitor), not from the start of the process.
        clock: seconds since 1970.
    """

    def __init__(
        self, registry: Collector, resource: Resource, *, delta: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._registry = registry
        self._resource = resource
        self._delta = delta
        self._clock = clock
        self._since = int(clock() * 1e9)
        self._before: dict[tuple[str, Labels], float] = {}
        self._read_at = self._since
        self._read: dict[tuple[str, Labels], float] = {}

    def read(self) -> MetricsData:
        """Return all numbers as they are now."""
        now = self._read_at = int(self._clock() * 1e9)
        metrics = [metric for family in self._registry.collect() for metric in self._metrics(family, now)]
        scope = ScopeMetrics(_SCOPE, metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])

    def arrived(self) -> None:
        """Count from the last reading on: whoever wanted it has it. One that got lost is part of the next."""
        if self._delta:
            self._since = self._read_at
            self._before.update(self._read)

    @property
    def _temporality(self) -> AggregationTemporality:
        return AggregationTemporality.DELTA if self._delta else AggregationTemporality.CUMULATIVE

    def _metrics(self, family: Family, now: int) -> Iterator[Metric]:
        data: Any
        match family.type:
            case "counter":
                points = [
                    self._number(sample.labels, self._counted(sample.name, sample.labels, sample.value), now)
                    for sample in family.samples
                    if sample.name.endswith("_total")
                ]
                data, name = Sum(points, self._temporality, is_monotonic=True), f"{family.name}_total"
            case "gauge":
                points = [self._number(sample.labels, sample.value, now) for sample in family.samples]
                data, name = Gauge(points), family.name
            case "histogram":
                data, name = Histogram(list(self._histograms(family, now)), self._temporality), family.name
            case _:
                return
        if data.data_points:
            yield Metric(name, family.documentation, "", data)

    def _number(self, labels: dict[str, str], value: float, now: int) -> NumberDataPoint:
        return NumberDataPoint(labels, self._since, now, value)

    def _histograms(self, family: Family, now: int) -> Iterator[HistogramDataPoint]:
        for labels, samples in _by_labels(family.samples).items():
            bounds = [bound for bound, _ in samples.buckets]
            totals = [
                self._counted(f"{family.name}_bucket", {**dict(labels), "le": str(bound)}, total)
                for bound, total in samples.buckets
            ]
            counts = [int(total - before) for total, before in zip(totals, [0.0, *totals], strict=False)]
            lowest, highest = _extremes(bounds, counts)
            yield HistogramDataPoint(
                dict(labels),
                self._since,
                now,
                count=sum(counts),
                sum=self._counted(f"{family.name}_sum", dict(labels), samples.sum),
                bucket_counts=counts,
                explicit_bounds=bounds[:-1],
                min=lowest,
                max=highest,
            )

    def _counted(self, name: str, labels: dict[str, str], total: float) -> float:
        """Return what was counted since the reading before, or in all."""
        if not self._delta:
            return total
        key = (name, tuple(sorted(labels.items())))
        self._read[key] = total
        return total - self._before.get(key, 0.0)


class _Samples:
    """One histogram's samples: its buckets, the last without a bound, and its sum."""

    def __init__(self) -> None:
        self.buckets: list[tuple[float, float]] = []
        self.sum = 0.0


def _by_labels(samples: Iterable[Any]) -> dict[Labels, _Samples]:
    found: dict[Labels, _Samples] = {}
    for sample in samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        mine = found.setdefault(labels, _Samples())
        if sample.name.endswith("_bucket"):
            mine.buckets.append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_sum"):
            mine.sum = sample.value
    return {labels: mine for labels, mine in found.items() if mine.buckets}


def _extremes(bounds: list[float], counts: list[int]) -> tuple[float, float]:
    """Return between which bounds everything lies: Prometheus keeps no minimum and maximum."""
    filled = [index for index, count in enumerate(counts) if count]
    if not filled:
        return 0.0, 0.0
    first, last = filled[0], filled[-1]
    return (bounds[first - 1] if first else 0.0), (bounds[last] if last < len(bounds) - 1 else bounds[-2])
