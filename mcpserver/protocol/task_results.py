"""Tasks on the wire (SEP-2663): what a client must declare, and how a task is shown to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from mcpserver.protocol.results import modern_result
from mcpserver.tasks.model import EXTENSION, Task

POLL_MILLISECONDS: Final = 1000
REQUIRED: Final[Mapping[str, Any]] = {"extensions": {EXTENSION: {}}}


def offers_tasks(capabilities: Mapping[str, Any]) -> bool:
    """Say whether a client declared the extension with this request."""
    extensions = capabilities.get("extensions")
    return isinstance(extensions, dict) and isinstance(extensions.get(EXTENSION), dict)


def created(task: Task) -> dict[str, Any]:
    """Return the CreateTaskResult of a new task."""
    return modern_result(_basic(task), "task")


def detailed(task: Task) -> dict[str, Any]:
    """Return the DetailedTask."""
    body = _basic(task)
    if task.status == "input_required":
        body["inputRequests"] = dict(task.requests)
    if task.result is not None:
        body["result"] = dict(task.result)
    if task.error is not None:
        body["error"] = dict(task.error)
    return body


def _basic(task: Task) -> dict[str, Any]:
    body: dict[str, Any] = {
        "taskId": task.id,
        "status": task.status,
        "createdAt": _time(task.created_at_seconds),
        "lastUpdatedAt": _time(task.updated_at_seconds),
        "ttlMs": int((task.expires_at_seconds - task.created_at_seconds) * 1000),
        "pollIntervalMs": POLL_MILLISECONDS,
    }
    if task.message is not None:
        body["statusMessage"] = task.message
    return body


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
