"""What Prometheus scrapes from a server, whole, whichever worker answers.

Called by each server's ``/metrics`` view. Counters and histograms themselves are made by the servers, in their own
``metrics.py``, in prometheus-client's default registry. Must not be routed by the gateway.
"""

import os
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client import multiprocess as _multiprocess

CONTENT_TYPE = CONTENT_TYPE_LATEST
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


def render() -> bytes:
    """Return the exposition text of this process, or of all workers where several share a folder.

    ``serving`` sets PROMETHEUS_MULTIPROC_DIR before prometheus-client is imported when there are several workers;
    each then keeps its numbers in files there and any of them can add all up.
    """
    if _DIRECTORY not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    _multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


def forget_worker(pid: int) -> None:
    """Drop the live gauges of a worker that has died (its counters stay: they are totals)."""
    if Path(os.environ.get(_DIRECTORY, "")).is_dir() and _DIRECTORY in os.environ:
        _multiprocess.mark_process_dead(pid)
