"""What a tool may ask of the call it serves: who calls, and a way to report progress and log lines to the
client.

Made by ``protocol.tool_calls`` for a tool that has a parameter of type ``Context``. The same three lines
work in every revision: how a report travels is the ``Channel``'s business. Must not show the token.
"""

from typing import Any, Protocol

from mcpserver.principal import Principal
from mcpserver.wire import LOG_LEVELS, LogLevel


class Channel(Protocol):
    """Where notifications of one call go."""

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send one notification on the call's own stream; waits while the client reads too slowly."""


class Context:
    """The call at hand.

    Attributes:
        principal: who calls.
    """

    def __init__(
        self,
        principal: Principal,
        channel: Channel,
        *,
        logger: str,
        progress_token: str | int | None,
        log_level: LogLevel | None,
    ) -> None:
        """For ``protocol``: ``log_level`` is the least severe level that the client wants, None for no
        lines.
        """
        self.principal = principal
        self._channel = channel
        self._logger = logger
        self._progress_token = progress_token
        self._log_level = log_level
        self._last_progress = float("-inf")

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Report progress to a client that asked for it; otherwise do nothing.

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
        if self._progress_token is None:
            return
        params: dict[str, Any] = {"progressToken": self._progress_token, "progress": progress}
        if total is not None:
            params["total"] = total
        if message is not None:
            params["message"] = message
        self._channel.notify("notifications/progress", params)

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
        self._channel.notify("notifications/message", {"level": level, "logger": self._logger, "data": data})
