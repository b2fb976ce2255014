"""What can go wrong, at the start (ConfigurationError) and in a request (the others).

Raised everywhere in this package; ``__main__`` prints the first kind, ``pipeline`` turns PolicyError into an
answer, ``connection`` handles the rest. Must not hold tokens or whole URLs: the texts are logged and sent.
"""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: shown as ``file:line``."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class ConfigurationError(Exception):
    """The gateway cannot start like this; the text names file, line and what is wrong."""

    def __init__(self, place: Place | Path, message: str) -> None:
        super().__init__(f"{place}: {message}")


@dataclass(slots=True)
class PolicyError(Exception):
    """A policy refused the request, or failed; ends the section and starts on-error.

    Attributes:
        source: the policy's name, as ``context.LastError.Source``.
        reason: API Management's code, as ``context.LastError.Reason``.
        message: for people, as ``context.LastError.Message``; becomes the answer's text unless on-error
            makes another one.
        status: the HTTP status of that answer.
        headers: its additional headers.
    """

    source: str
    reason: str
    message: str
    status: int = 500
    headers: tuple[tuple[str, str], ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}: {self.message}"


class BadRequestError(Exception):
    """The bytes from the client are no acceptable HTTP request; the connection ends with this answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ClientGoneError(Exception):
    """The client closed its connection before it had its answer."""


class UpstreamError(Exception):
    """The server behind cannot be reached, or broke off."""


class UpstreamTimeoutError(UpstreamError):
    """The server behind did not answer in time."""
