"""Makes the Context of a call: whose it is, and the link that fits its revision.

Called by the method handlers that run people's functions. Must not know transports: a ``Channel`` is what it
is given.
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import gevent

from mcpserver.changes.model import Change
from mcpserver.changes.protocol import Changes
from mcpserver.errors import (
    NO_CODE,
    SERVER_BUSY,
    CallCancelled,
    InsufficientScope,
    JsonRpcError,
    MissingCapability,
    ToolError,
    Unanswered,
)
from mcpserver.protocol.call import Call, Outcome
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.input_required import Rounds
from mcpserver.protocol.jsonrpc import error_object
from mcpserver.protocol.request_state import RequestStates
from mcpserver.protocol.task_results import created, offers_tasks
from mcpserver.tasks.protocol import TooManyTasks
from mcpserver.tasks.running import RunningTask, Tasks
from mcpserver.tools.context import Context
from mcpserver.tools.model import TaskUse
from mcpserver.tools.questions import AnswerInvalid, Question


class Contexts:
    """Args: changes: where features publish; states: for the questions of 2026-07-28; tasks: all of this
    server's.
    """

    def __init__(self, changes: Changes, states: RequestStates, tasks: Tasks) -> None:
        self._changes = changes
        self._states = states
        self._tasks = tasks

    def make(self, call: Call, logger: str, *, may_ask: bool = True, task: TaskUse = "never") -> Context:
        """Return the context of a call.

        Args:
            call: that it belongs to.
            logger: names the feature in its log lines.
            may_ask: its method may ask the client before it answers; lists and completion may not.
            task: whether it may go on as a task.

        Raises:
            JsonRpcError: what the call carries from earlier rounds is not valid.
        """
        token = call.request.meta.get("progressToken")
        valid = isinstance(token, str | int) and not isinstance(token, bool)
        modern = call.version == MODERN
        link: _Link
        if not may_ask:
            link = QuietLink(call, self._changes)
        elif modern:
            rounds = Rounds(self._states, call)
            tasks = self._tasks if task != "never" and offers_tasks(call.capabilities) else None
            link = RoundsLink(call, self._changes, rounds, tasks, must_be_task=task == "required")
        else:
            link = ChannelLink(call, self._changes)
        return Context(
            call.principal,
            link,
            logger=logger,
            progress_token=token if valid else None,
            log_level=call.log_level,
        )


class _Link:
    """What the links of all revisions do alike."""

    def __init__(self, call: Call, changes: Changes) -> None:
        self.capabilities: Mapping[str, Any] = call.capabilities
        self._call = call
        self._changes = changes

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """See ``Link``."""
        self._call.channel.notify(method, params)

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """See ``Link``."""
        raise NotImplementedError

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """See ``Link``."""
        raise NotImplementedError

    def publish(self, change: Change) -> None:
        """See ``Link``."""
        self._changes.publish(change)

    def start_task(self, _message: str | None) -> bool:
        """See ``Link``."""
        return False

    def hang_up(self) -> None:
        """See ``Link``."""
        self._call.channel.hang_up()

    def _missing(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any] | None:
        """Return the capabilities of the first question that this client cannot be asked."""
        for question in questions.values():
            if not offers(self.capabilities, question.capability):
                return question.capability
        return None


class QuietLink(_Link):
    """Asks nothing."""

    def ask(self, _questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """See ``Link``."""
        raise TypeError("a list or a completion cannot ask the client")

    def remember(self, _key: str, compute: Callable[[], Any]) -> Any:
        """See ``Link``: the function runs once."""
        return compute()


class RoundsLink(_Link):
    """Asks as 2026-07-28 does: the call ends with the questions and is made again with the answers; once it
    goes on as a task, the task asks.

    Args:
        call, changes: see there.
        rounds: what the call knows from the rounds before.
        tasks: None: the call cannot be a task.
        must_be_task: the tool is of no use otherwise.
    """

    def __init__(
        self, call: Call, changes: Changes, rounds: Rounds, tasks: Tasks | None, *, must_be_task: bool
    ) -> None:
        super().__init__(call, changes)
        self._rounds = rounds
        self._tasks = tasks
        self._must_be_task = must_be_task
        self._task: RunningTask | None = None

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """See ``Link``; a task has a message in place of notifications (SEP-2663)."""
        if self._task is None:
            super().notify(method, params)
        elif params.get("message") is not None:
            self._task.report(params["message"])

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """See ``Link``."""
        # MCP Multi Round-Trip Requests, "Server Requirements" 7.
        missing = self._missing(questions)
        if missing is not None:
            raise MissingCapability(missing)
        if self._task is None:
            return self._rounds.ask(questions)
        return self._ask_by_task(self._task, questions)

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """See ``Link``."""
        return self._rounds.remember(key, compute)

    def start_task(self, message: str | None) -> bool:
        """See ``Link``."""
        if self._tasks is None or self._task is not None:
            return self._task is not None
        tasks, greenlet = self._tasks, gevent.getcurrent()
        try:
            running = tasks.start(
                self._call.principal, message, lambda: gevent.kill(greenlet, CallCancelled)
            )
        except TooManyTasks as error:
            if self._must_be_task:
                raise JsonRpcError(SERVER_BUSY, str(error), http_status=429) from None
            return False

        def finish(outcome: Outcome) -> None:
            match outcome:
                case None:
                    tasks.finish(running, "cancelled")
                case dict():
                    tasks.finish(running, "completed", result=outcome)
                case JsonRpcError():
                    tasks.finish(running, "failed", error=error_object(outcome))
                case InsufficientScope():
                    tasks.finish(running, "failed", error={"code": NO_CODE, "message": str(outcome)})

        self._task = running
        return self._call.channel.detach(created(running.task), finish)

    def _ask_by_task(self, task: RunningTask, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        answers: dict[str, Any] = {}
        while missing := {key: each for key, each in questions.items() if key not in answers}:
            requests = {}
            for key, question in missing.items():
                method, params = question.request(self._call.version)
                requests[key] = {"method": method, "params": params}
            for key, given in task.ask(requests).items():
                # What does not fit is asked for again.
                with contextlib.suppress(AnswerInvalid):
                    answers[key] = questions[key].read(given)
        return answers


class ChannelLink(_Link):
    """Asks as the revisions before 2026 do: requests to the client, while the call waits."""

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """See ``Link``."""
        missing = self._missing(questions)
        if missing is not None:
            # These revisions have no error for it: the model is told.
            raise ToolError(f"This client does not offer {', '.join(missing)}")
        version = self._call.version
        requests = {key: question.request(version) for key, question in questions.items()}
        try:
            answers = self._call.channel.request(requests)
            return {key: question.read(answers[key]) for key, question in questions.items()}
        except (Unanswered, AnswerInvalid) as error:
            raise ToolError(f"The client did not answer: {error}") from None

    def remember(self, _key: str, compute: Callable[[], Any]) -> Any:
        """See ``Link``: the function runs once."""
        return compute()


def offers(declared: Mapping[str, Any], required: Mapping[str, Any]) -> bool:
    """Say whether a client declared what a question needs.

    ``elicitation: {}`` means forms (MCP 2025-11-25 Elicitation, "Capabilities").
    """
    for name, parts in required.items():
        value = declared.get(name)
        if not isinstance(value, dict):
            return False
        if name == "elicitation" and not value.keys() & {"form", "url"}:
            value = {"form": {}}
        if not all(isinstance(value.get(part), dict) for part in parts):
            return False
    return True
