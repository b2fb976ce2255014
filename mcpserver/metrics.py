"""What the MCP server counts; ``/metrics`` shows it.

Called by ``protocol`` and the transports. Label values come from closed sets (tool names, reasons), never
from a
request: a client must not be able to make a new time series.
"""

from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

_DURATION = Histogram(
    "mcpserver_tool_duration_seconds",
    "How long tools ran.",
    ["tool", "outcome"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60),
)
_REFUSED = Counter("mcpserver_requests_refused_total", "Requests refused, by reason.", ["reason"])
_STREAMS = Gauge("mcpserver_open_streams", "Open event streams.", multiprocess_mode="livesum")
_SESSIONS = Gauge("mcpserver_sessions", "Sessions of revisions before 2026.", multiprocess_mode="livesum")
_TASKS = Gauge("mcpserver_running_tasks", "Calls that go on as tasks.", multiprocess_mode="livesum")
_MODEL_DEMAND = Gauge(
    "model_demand",
    "1 while a question to the model is under way, or was within the last 30 minutes.",
    multiprocess_mode="livemax",
)
_MODEL_QUESTIONS = Counter(
    "mcpserver_model_questions_total", "Questions to the model, by outcome.", ["outcome"]
)

_REVOCATIONS = Gauge(
    "mcpserver_revocation_list_fetched_timestamp_seconds",
    "When the list of what was revoked was fetched last, by the process that is furthest behind.",
    multiprocess_mode="livemin",
)
_MODEL_QUEUE = Gauge(
    "mcpserver_model_queue",
    "Questions to the model that are under way: waiting for it to be started, or being answered.",
    ["state"],
    multiprocess_mode="livesum",
)

# labels() takes a lock and builds a key each time: remembered, because tools are few.
_children: dict[tuple[str, bool], Histogram] = {}


def tool_called(tool: str, seconds: float, *, failed: bool) -> None:
    """Count one call of a registered tool."""
    child = _children.get((tool, failed))
    if child is None:
        child = _children[tool, failed] = _DURATION.labels(tool, "failed" if failed else "ok")
    child.observe(seconds)


def refused(reason: str) -> None:
    """Count one refusal; ``reason`` is a fixed word of ours."""
    _REFUSED.labels(reason).inc()


def stream_opened() -> None:
    """Count one more open stream."""
    _STREAMS.inc()


def stream_closed() -> None:
    """Count one open stream less."""
    _STREAMS.dec()


def sessions(count: int) -> None:
    """Say how many sessions this process holds."""
    _SESSIONS.set(count)


def tasks(count: int) -> None:
    """Say how many tasks run in this process."""
    _TASKS.set(count)


def revocations_fetched(at_seconds: float) -> None:
    """Say when the revocation list was fetched last, in seconds since 1970."""
    _REVOCATIONS.set(at_seconds)


def model_demand(wanted: bool) -> None:
    """Say whether the model is wanted; what scales it reads this."""
    _MODEL_DEMAND.set(wanted)


def model_queue(state: Literal["starting", "answering"], change: Literal[1, -1]) -> None:
    """Count one question more, or less, that waits for the model to be started or for its answer."""
    _MODEL_QUEUE.labels(state).inc(change)


def model_asked(outcome: str) -> None:
    """Count one question to the model; ``outcome`` is a fixed word of ours."""
    _MODEL_QUESTIONS.labels(outcome).inc()
