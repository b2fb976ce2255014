"""What a tool, resource or prompt may ask of the call it serves: who calls, ways to report to the client and
to ask it, and to say what changed.

Made by ``protocol.contexts`` for a function that has a parameter of type ``Context``. The same lines work in
every revision: how they travel is the ``Link``'s business. Must not show the token.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from mcp_types import CreateMessageResult, Root, SamplingMessage

from mcpserver.changes.model import Change, ListChanged, ResourceUpdated
from mcpserver.principal import Principal
from mcpserver.tools.questions import Elicit, Elicited, ElicitUrl, ListRoots, Question, Sample
from mcpserver.wire import LOG_LEVELS, LogLevel

T = TypeVar("T")


class Link(Protocol):
    """What stands between a context and the client: one for each call."""

    capabilities: Mapping[str, Any]

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send one notification on the call's own stream; waits while the client reads too slowly."""

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """Return the client's answers by key, read; may end the function to run it again with them."""

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """Return what was computed under a key in an earlier round of this call, else compute it now."""

    def publish(self, change: Change) -> None:
        """Tell everybody who listens."""

    def start_task(self, message: str | None) -> bool:
        """Make a task of the call, if it may be one; say whether it is."""

    def report(self, message: str) -> None:
        """Say what goes on, where the call is a task."""

    def hang_up(self) -> None:
        """Close the call's stream; the client comes back for the rest."""


class Context:
    """The call at hand.

    Attributes:
        principal: who calls.
    """

    def __init__(
        self,
        principal: Principal,
        link: Link,
        *,
        logger: str,
        progress_token: str | int | None,
        log_level: LogLevel | None,
    ) -> None:
        """For ``protocol``: ``log_level`` is the least severe level that the client wants, None for no
        lines.
        """
        self.principal = principal
        self._link = link
        self._logger = logger
        self._progress_token = progress_token
        self._log_level = log_level
        self._last_progress = float("-inf")
        self._asked = 0

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Report progress to a client that asked for it; a task shows the message.

        Args:
            progress: how far the call is; must grow with each report (MCP Progress, "Progress Flow").
            total: what ``progress`` is at the end, where known.
            message: for people.

        Raises:
            ValueError: the progress did not grow.
        """
        if progress <= self._last_progress:
            raise ValueError("progress must grow with each report")
        self._last_progress = progress
        if message is not None:
            self._link.report(message)
        if self._progress_token is None:
            return
        params: dict[str, Any] = {"progressToken": self._progress_token, "progress": progress}
        if total is not None:
            params["total"] = total
        if message is not None:
            params["message"] = message
        self._link.notify("notifications/progress", params)

    def log(self, level: LogLevel, data: Any) -> None:
        """Send a log line to a client that asked for lines of this level; otherwise do nothing.

        Args:
            level: its severity.
            data: any JSON value, a string most of the time; never a secret.

        Raises:
            ValueError: there is no such level.
        """
        if level not in LOG_LEVELS:
            raise ValueError(f"level must be one of {', '.join(LOG_LEVELS)}")
        if self._log_level is None or LOG_LEVELS.index(level) < LOG_LEVELS.index(self._log_level):
            return
        self._link.notify("notifications/message", {"level": level, "logger": self._logger, "data": data})

    def supports(self, capability: str) -> bool:
        """Say whether the client declared a capability: ``elicitation``, ``sampling``, ``roots``, …"""
        return capability in self._link.capabilities

    def elicit(
        self, message: str, schema: type[Any] | Mapping[str, Any], *, key: str | None = None
    ) -> Elicited[Any]:
        """Ask the person to fill in a form.

        Since 2026-07-28 the call ends with the question and the client calls again with the answer: the
        function runs again from its start, so what it does before it asks must be harmless to repeat.

        Args:
            message: what is asked.
            schema: a flat type or JSON schema of what is to be filled in.
            key: names the question within the call; default: its place in it.

        Raises:
            MissingCapability: the client shows no forms.
        """
        return self._ask_one(Elicit(message, schema), key)

    def elicit_url(self, message: str, url: str, *, key: str | None = None) -> Elicited[None]:
        """Ask the person to visit a URL; see ``elicit``."""
        return self._ask_one(ElicitUrl(message, url), key)

    def sample(
        self,
        messages: str | Sequence[SamplingMessage],
        *,
        max_tokens: int = 1000,
        key: str | None = None,
        **options: Any,
    ) -> CreateMessageResult:
        """Ask the client's model; see ``elicit`` and ``Sample``."""
        return self._ask_one(Sample(messages, max_tokens=max_tokens, **options), key)

    def roots(self, *, key: str | None = None) -> tuple[Root, ...]:
        """Ask for the client's roots; see ``elicit``."""
        return self._ask_one(ListRoots(), key)

    def ask(self, questions: Mapping[str, Question[Any]]) -> Mapping[str, Any]:
        """Ask several questions at once and return their answers by key; see ``elicit``."""
        return self._link.ask(questions)

    def remember(self, key: str, compute: Callable[[], T]) -> T:
        """Compute a JSON value once, however often the function runs again for the same call."""
        value: T = self._link.remember(key, compute)
        return value

    def resource_updated(self, uri: str, *, everybody: bool = False) -> None:
        """Say that a resource has other contents: for this caller, or for everybody."""
        self._link.publish(ResourceUpdated(uri, None if everybody else self.principal.subject))

    def resources_changed(self, *, everybody: bool = False) -> None:
        """Say that the list of resources changed: for this caller, or for everybody."""
        self._link.publish(ListChanged("resources", None if everybody else self.principal.subject))

    def tools_changed(self) -> None:
        """Say that the list of tools changed."""
        self._link.publish(ListChanged("tools", None))

    def prompts_changed(self) -> None:
        """Say that the list of prompts changed."""
        self._link.publish(ListChanged("prompts", None))

    def start_task(self, message: str | None = None) -> bool:
        """Go on as a task, where the tool and the client allow it: the client is answered at once and asks
        for the result later.

        From here on the function runs once and waits for the client's answers; messages of ``progress`` are
        shown with the task, other notifications are not sent. It is stopped when the task is cancelled.

        Args:
            message: what the task does, for people.

        Returns:
            Whether the call is a task now. False: the client waits, or there is no room for another task.

        Raises:
            JsonRpcError: the tool is of use as a task only, and there is no room.
        """
        return self._link.start_task(message)

    def hang_up(self) -> None:
        """Close the stream of this call: a client of 2025-11-25 comes back for what follows."""
        self._link.hang_up()

    def _ask_one(self, question: Question[T], key: str | None) -> T:
        self._asked += 1
        name = key or f"input-{self._asked}"
        answer: T = self._link.ask({name: question})[name]
        return answer
