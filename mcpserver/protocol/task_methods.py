"""tasks/get, tasks/update and tasks/cancel: the extension io.modelcontextprotocol/tasks of 2026-07-28
(SEP-2663).

Rows of the dispatcher's table. Must not run tasks: ``tasks.running`` does.
"""

from collections.abc import Mapping
from typing import Any

from mcpserver.errors import INVALID_PARAMS, InsufficientScope, JsonRpcError, MissingCapability, Unavailable
from mcpserver.principal import Principal
from mcpserver.protocol.call import Call
from mcpserver.protocol.dispatch import Handler, Methods, Row
from mcpserver.protocol.results import modern_result
from mcpserver.protocol.task_results import REQUIRED, detailed, offers_tasks
from mcpserver.tasks.model import Task
from mcpserver.tasks.protocol import TaskNotFound, TasksUnavailable
from mcpserver.tasks.running import Tasks

_RETRY_SECONDS = 5


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
        return {method: Row(_available(handler), is_ours=True) for method, handler in handlers.items()}

    def get(self, call: Call) -> dict[str, Any]:
        """Return the state of a task."""
        return modern_result(detailed(self._find(call)))

    def update(self, call: Call) -> dict[str, Any]:
        """Take answers to what a task asked."""
        task = self._find(call)
        responses = call.request.params.get("inputResponses")
        if not isinstance(responses, dict) or not all(isinstance(each, dict) for each in responses.values()):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: inputResponses must be an object of results")
        self._tasks.answer(task.id, responses)
        return modern_result({})

    def cancel(self, call: Call) -> dict[str, Any]:
        """End a task."""
        self._tasks.cancel(self._find(call).id)
        return modern_result({})

    def describe(self, principal: Principal, task_id: str) -> Mapping[str, Any] | None:
        """Return what a notification says of a task; None when this caller has none of that name.

        Raises:
            TasksUnavailable: it cannot be said at the moment.
        """
        try:
            return detailed(_permitted(self._tasks.get(principal, task_id), principal))
        except (TaskNotFound, InsufficientScope):
            return None

    def _find(self, call: Call) -> Task:
        # SEP-2663, "Protocol Errors": first of all the client must know tasks.
        if not offers_tasks(call.capabilities):
            raise MissingCapability(REQUIRED)
        task_id = call.request.params.get("taskId")
        if not isinstance(task_id, str):
            raise JsonRpcError(INVALID_PARAMS, "Invalid params: taskId must be a string")
        try:
            return _permitted(self._tasks.get(call.principal, task_id), call.principal)
        except TaskNotFound as error:
            raise JsonRpcError(INVALID_PARAMS, f"Invalid params: {error}") from None


def _permitted(task: Task, principal: Principal) -> Task:
    # SEP-2663, "Auth binding": what a call would need, its result needs.
    if not task.scopes <= principal.scopes:
        raise InsufficientScope(task.scopes)
    return task


def _available(handler: Handler) -> Handler:
    def handle(call: Call) -> dict[str, Any]:
        try:
            return handler(call)
        except TasksUnavailable as error:
            detail = error.private_detail or str(error)
            raise Unavailable("Tasks cannot be reached", detail, retry_after_seconds=_RETRY_SECONDS) from None

    return handle
