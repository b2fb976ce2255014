"""Makes the Context of a call: whose it is, and the link that fits its revision.

Called by the method handlers that run people's functions. Must not know transports: a ``Channel`` is what it
is given.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import gevent

from mcpserver.changes.model import Change
from mcpserver.changes.protocol import Changes
from mcpserver.errors import MissingCapability, ToolError, Unanswered
from mcpserver.protocol import call_tasks
from mcpserver.protocol.call import Call
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.input_required import Rounds
from mcpserver.protocol.request_state import RequestStates
from mcpserver.protocol.task_results import offers_tasks
from mcpserver.tasks.running import RunningTask, Tasks
from mcpserver.tools.context import Context
from mcpserver.tools.model import Tool
from mcpserver.tools.questions import AnswerInvalid, Question

# After this many changes others have their turn.
_TURN: Final = 16


class Contexts:
    """Args: changes: where features publish; states: for the questions of 2026-07-28; tasks: all of this
    server's, None where it keeps none.
    """

    def __init__(self, changes: Changes, states: RequestStates, tasks: Tasks | None) -> None:
        self._changes = changes
        self._states = states
        self._tasks = tasks

    @property
    def keeps_tasks(self) -> bool:
        """Whether calls can go on as tasks at all."""
        return self._tasks is not None

    def make(self, call: Call, logger: str, *, may_ask: bool = True, tool: Tool | None = None) -> Context:
        """Return the context of a call.

        Args:
            call: that it belongs to.
            logger: names the feature in its log lines.
            may_ask: its method may ask the client before it answers; lists and completion may not.
            tool: that may go on as a task, if it is one of those.

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
            link = RoundsLink(call, self._changes, Rounds(self._states, call), self._task_maker(call, tool))
        else:
            link = ChannelLink(call, self._changes)
        return Context(
            call.principal,
            link,
            logger=logger,
            progress_token=token if valid else None,
            log_level=call.log_level,
        )

    def _task_maker(self, call: Call, tool: Tool | None) -> "_MakeTask | None":
        tasks = self._tasks
        if tool is None or tool.task == "never" or tasks is None or not offers_tasks(call.capabilities):
            return None
        scopes, required = tool.scopes, tool.task == "required"
        return lambda message: call_tasks.go_on(tasks, call, scopes, message, required=required)


_MakeTask = Callable[[str | None], RunningTask | None]


class _Link:
    """What the links of all revisions do alike."""

    def __init__(self, call: Call, changes: Changes) -> None:
        self.capabilities: Mapping[str, Any] = call.capabilities
        self._call = call
        self._changes = changes
        self._published = 0

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
        self._published += 1
        if self._published % _TURN == 0:
            # A function that never pauses must leave others their turn, and hear that it is cancelled.
            gevent.sleep(0)

    def start_task(self, _message: str | None) -> bool:
        """See ``Link``."""
        return False

    def report(self, message: str) -> None:
        """See ``Link``: this is no task."""

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
        make_task: makes a task of the call; None: it cannot be one.
    """

    def __init__(self, call: Call, changes: Changes, rounds: Rounds, make_task: _MakeTask | None) -> None:
        super().__init__(call, changes)
        self._rounds = rounds
        self._make_task = make_task
        self._task: RunningTask | None = None

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """See ``Link``."""
        # SEP-2663, "Task Status Notifications": a task sends neither progress nor log lines.
        if self._task is None:
            super().notify(method, params)

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """See ``Link``."""
        # MCP Multi Round-Trip Requests, "Server Requirements" 7.
        missing = self._missing(questions)
        if missing is not None:
            raise MissingCapability(missing)
        if self._task is None:
            return self._rounds.ask(questions)
        return call_tasks.ask(self._task, questions, self._call.version)

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """See ``Link``."""
        return self._rounds.remember(key, compute)

    def start_task(self, message: str | None) -> bool:
        """See ``Link``."""
        if self._task is None and self._make_task is not None:
            self._task = self._make_task(message)
        return self._task is not None

    def report(self, message: str) -> None:
        """See ``Link``."""
        if self._task is not None:
            self._task.report(message)


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
