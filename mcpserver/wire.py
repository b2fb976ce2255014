"""Small types of the wire that several rooms share. Must import nothing of this package."""

from typing import Final, Literal

RequestId = str | int
"""The id of a request (MCP Basic, "Requests"): a string or an integer, never null."""

LogLevel = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
"""RFC 5424's severities (MCP Logging, "Log Levels")."""

LOG_LEVELS: Final[tuple[LogLevel, ...]] = (
    *("debug", "info", "notice", "warning"),
    *("error", "critical", "alert", "emergency"),
)
"""From the least to the most severe."""
