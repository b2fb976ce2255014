"""Makes the Context of a call: whose it is, and the link that fits its revision.

Called by the method handlers that run people's functions. Must not know transports: a ``Channel`` is what it
is given.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mcpserver.changes.model import Change
from mcpserver.changes.protocol import Changes
from mcpserver.errors import MissingCapability, ToolError, Unanswered
from mcpserver.protocol.call import Call
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.input_required import Rounds
from mcpserver.protocol.request_state import RequestStates
from mcpserver.tools.context import Context
from mcpserver.tools.questions import AnswerInvalid, Question


class Contexts:
    """Args: changes: where features publish; states: for the questions of 2026-07-28."""

    def __init__(self, changes: Changes, states: RequestStates) -> None:
        self._changes = changes
        self._states = states

    def make(self, call: Call, logger: str, *, may_ask: bool = True) -> Context:
        """Return the context of a call.

        Args:
            call: that it belongs to.
            logger: names the feature in its log lines.
            may_ask: its method may ask the client before it answers; lists and completion may not.

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
            link = RoundsLink(call, self._changes, Rounds(self._states, call))
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

    def start_task(self, message: str | None) -> bool:
        """See ``Link``."""
        return self._call.channel.start_task(message)

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
    """Asks as 2026-07-28 does: the call ends with the questions and is made again with the answers."""

    def __init__(self, call: Call, changes: Changes, rounds: Rounds) -> None:
        super().__init__(call, changes)
        self._rounds = rounds

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """See ``Link``."""
        # MCP Multi Round-Trip Requests, "Server Requirements" 7.
        missing = self._missing(questions)
        if missing is not None:
            raise MissingCapability(missing)
        return self._rounds.ask(questions)

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """See ``Link``."""
        return self._rounds.remember(key, compute)


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
