"""What Prometheus scrapes from a server, whole, whichever worker answers.

Called by each server's ``/metrics`` view. Counters and histograms themselves are made by the servers, in
their own ``metrics.py``, in prometheus-client's default registry. Must not be routed by the gateway.
"""

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client import multiprocess as _multiprocess

from telemetry.metrics_folder import folder

CONTENT_TYPE = CONTENT_TYPE_LATEST


def render() -> bytes:
    """Return the exposition text of this process, or of all workers where several share a folder."""
    path = folder()
    if path is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    _multiprocess.MultiProcessCollector(registry, str(path))  # type: ignore[no-untyped-call]
    return generate_latest(registry)
