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
from mcpserver.tools.context import Context
from mcpserver.tools.questions import AnswerInvalid, Question


class Contexts:
    """Args: changes: where features publish."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def make(self, call: Call, logger: str) -> Context:
        """Return the context of a call; ``logger`` names the feature in its log lines."""
        token = call.request.meta.get("progressToken")
        valid = isinstance(token, str | int) and not isinstance(token, bool)
        return Context(
            call.principal,
            ChannelLink(call, self._changes),
            logger=logger,
            progress_token=token if valid else None,
            log_level=call.log_level,
        )


class ChannelLink:
    """A ``Link`` that asks over the call's channel: revisions before 2026."""

    def __init__(self, call: Call, changes: Changes) -> None:
        self.capabilities: Mapping[str, Any] = call.capabilities
        self._call = call
        self._changes = changes

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """See ``Link``."""
        self._call.channel.notify(method, params)

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """See ``Link``."""
        for question in questions.values():
            if not question.capability.keys() <= self.capabilities.keys():
                raise MissingCapability(question.capability)
        version = self._call.version
        requests = {key: question.request(version) for key, question in questions.items()}
        try:
            answers = self._call.channel.request(requests)
            return {key: question.read(answers[key]) for key, question in questions.items()}
        except (Unanswered, AnswerInvalid) as error:
            raise ToolError(str(error)) from None

    def remember(self, _key: str, compute: Callable[[], Any]) -> Any:
        """See ``Link``: the function runs once."""
        return compute()

    def publish(self, change: Change) -> None:
        """See ``Link``."""
        self._changes.publish(change)

    def start_task(self, message: str | None) -> bool:
        """See ``Link``."""
        return self._call.channel.start_task(message)

    def hang_up(self) -> None:
        """See ``Link``."""
        self._call.channel.hang_up()
