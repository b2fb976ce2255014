"""tasks/get, tasks/update and tasks/cancel: the extension io.modelcontextprotocol/tasks of 2026-07-28
(SEP-2663).

Rows of the dispatcher's table. Must not run tasks: ``tasks.running`` does.
"""

from collections.abc import Mapping
from typing import Any

from mcpserver.errors import INVALID_PARAMS, JsonRpcError, MissingCapability
from mcpserver.principal import Principal
from mcpserver.protocol.call import Call
from mcpserver.protocol.dispatch import Handler, Methods, Row
from mcpserver.protocol.results import modern_result
from mcpserver.protocol.task_results import REQUIRED, detailed, offers_tasks
from mcpserver.tasks.protocol import TaskNotFound
from mcpserver.tasks.running import Tasks


class TaskMethods:
    """Args: tasks: all of this server."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def methods(self) -> Methods:
        """Return the rows."""
        handlers: dict[str, Handler] = {
            "tasks/get": self.get,
            "tasks/update": self.update,
            "tasks/cancel": self.cancel,
        }
        return {method: Row(handler, is_ours=True) for method, handler in handlers.items()}

    def get(self, call: Call) -> dict[str, Any]:
        """Return the state of a task."""
        task_id = _task_id(call)
        try:
            return modern_result(detailed(self._tasks.get(call.principal, task_id)))
        except TaskNotFound as error:
            raise _unknown(error) from None

    def update(self, call: Call) -> dict[str, Any]:
        """Take answers to what a task asked."""
        task_id = _task_id(call)
        responses = call.request.params.get("inputResponses")
        if not isinstance(responses, dict):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: inputResponses must be an object")
        try:
            self._tasks.answer(call.principal, task_id, responses)
        except TaskNotFound as error:
            raise _unknown(error) from None
        return modern_result({})

    def cancel(self, call: Call) -> dict[str, Any]:
        """Ask a task to stop."""
        task_id = _task_id(call)
        try:
            self._tasks.cancel(call.principal, task_id)
        except TaskNotFound as error:
            raise _unknown(error) from None
        return modern_result({})

    def describe(self, principal: Principal, task_id: str) -> Mapping[str, Any] | None:
        """Return what a notification says of a caller's task; None when there is none."""
        try:
            return detailed(self._tasks.get(principal, task_id))
        except TaskNotFound:
            return None


def _task_id(call: Call) -> str:
    if not offers_tasks(call.capabilities):
        raise MissingCapability(REQUIRED)
    task_id = call.request.params.get("taskId")
    if not isinstance(task_id, str):
        raise JsonRpcError(INVALID_PARAMS, "Invalid params: taskId must be a string")
    return task_id


def _unknown(error: TaskNotFound) -> JsonRpcError:
    return JsonRpcError(INVALID_PARAMS, f"Invalid params: {error}")
