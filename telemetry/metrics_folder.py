"""The folder in which the workers of one server keep their metrics, so that any of them can add all up.

``serving.server`` names it before the workers start; ``telemetry.metrics`` reads it. Must not import
prometheus-client: that library looks at the environment once, when it is imported.
"""

import os
from pathlib import Path

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def folder() -> Path | None:
    """Return the folder, or None where there is one worker only."""
    value = os.environ.get(MULTIPROCESS_VARIABLE)
    return Path(value) if value else None


def forget_worker(pid: int) -> None:
    """Drop the live gauges of a worker that has died (its counters stay: they are totals)."""
    path = folder()
    for file in path.glob(f"gauge_live*_{pid}.db") if path else ():
        file.unlink(missing_ok=True)
