"""How a call goes on as a task: it is answered with the task, which takes over its questions and its outcome.

Used by ``contexts`` when a function asks for it. Must not know transports: a ``Channel`` lets the call go on.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

import gevent
import orjson

from mcpserver.errors import NO_CODE, SERVER_BUSY, CallCancelled, InsufficientScope, JsonRpcError
from mcpserver.protocol.call import Call, Outcome
from mcpserver.protocol.jsonrpc import error_object, internal_error
from mcpserver.protocol.task_results import created
from mcpserver.tasks.protocol import TasksUnavailable, TooManyTasks
from mcpserver.tasks.running import RunningTask, Tasks
from mcpserver.tools.questions import AnswerInvalid, Question
from telemetry import correlation, tracing

_log = logging.getLogger(__name__)


def go_on(
    tasks: Tasks, call: Call, scopes: frozenset[str], message: str | None, *, required: bool
) -> RunningTask | None:
    """Make a task of the call that this greenlet runs, and answer it.

    Args:
        tasks: all of this server.
        call: of a client that knows tasks.
        scopes: what its tool needs.
        message: what the task does, for people.
        required: the tool is of no use otherwise.

    Returns:
        None where the call has to go on without.

    Raises:
        JsonRpcError: there is no room for a task that is required.
    """
    greenlet = gevent.getcurrent()
    try:
        running = tasks.start(call.principal, scopes, message, lambda: gevent.kill(greenlet, CallCancelled))
    except (TooManyTasks, TasksUnavailable) as error:
        if required:
            raise JsonRpcError(SERVER_BUSY, str(error), http_status=429) from None
        return None
    # SEP-2663, "Task Creation": not before every process finds the task.
    if not call.channel.detach(created(running.first_state), _finisher(tasks, running.task_id)):
        tasks.finish(running.task_id, "cancelled")
        return None
    return running


def ask(task: RunningTask, questions: Mapping[str, Question[Any]], version: str) -> Mapping[str, Any]:
    """Return the answers, read; what does not fit is asked for again.

    Raises:
        JsonRpcError: the questions could not be kept.
    """
    answers: dict[str, Any] = {}
    while missing := {key: each for key, each in questions.items() if key not in answers}:
        requests = {}
        for key, question in missing.items():
            method, params = question.request(version)
            requests[key] = {"method": method, "params": params}
        try:
            given = task.ask(requests)
        except TasksUnavailable as error:
            raise JsonRpcError(SERVER_BUSY, str(error)) from None
        for key, answer in given.items():
            with contextlib.suppress(AnswerInvalid):
                answers[key] = questions[key].read(answer)
    return answers


def _finisher(tasks: Tasks, task_id: str) -> Callable[[Outcome], None]:
    reference = correlation.current()
    trace = tracing.current()

    def keep(outcome: Outcome) -> None:
        correlation.adopt(reference)
        tracing.adopt(trace)
        match outcome:
            case None:
                tasks.finish(task_id, "cancelled")
            case dict() if _is_json(outcome):
                tasks.finish(task_id, "completed", result=outcome)
            case dict():
                error = error_object(internal_error(reference))
                tasks.finish(task_id, "failed", error=error)
            case JsonRpcError():
                tasks.finish(task_id, "failed", error=error_object(outcome))
            case InsufficientScope():
                tasks.finish(task_id, "failed", error={"code": NO_CODE, "message": str(outcome)})

    def finish(outcome: Outcome) -> None:
        # It is told on the hub, which must not wait; nor may a cancellation reach what keeps the outcome.
        gevent.spawn(keep, outcome)

    return finish


def _is_json(result: Mapping[str, Any]) -> bool:
    """Say whether a result can be sent: it may have a lone surrogate, say."""
    try:
        orjson.dumps(result)
    except orjson.JSONEncodeError:
        _log.exception("a result is not JSON")
        return False
    return True
