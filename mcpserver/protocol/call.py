"""One request on its way through the dispatcher: who asks, in which revision, on behalf of which session.

Made by the transports, read by the method handlers. Must not change on the way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mcpserver.errors import InsufficientScope, JsonRpcError
from mcpserver.principal import Principal
from mcpserver.protocol.jsonrpc import Request
from mcpserver.sessions.protocol import Session
from mcpserver.wire import LogLevel

# What became of a call: its result, the error it was refused with, or None when it was cancelled.
Outcome = dict[str, Any] | JsonRpcError | InsufficientScope | None


class Channel(Protocol):
    """The way from a call back to its client; made by the transports."""

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send one notification on the call's own stream; waits while the client reads too slowly."""

    def request(self, requests: Mapping[str, tuple[str, dict[str, Any]]]) -> Mapping[str, dict[str, Any]]:
        """Send requests (method and params by key) and wait for their results: revisions before 2026 alone.

        Raises:
            Unanswered: an error came back, nothing came in time, or this client cannot be asked.
        """

    def detach(self, result: dict[str, Any], finish: Callable[[Outcome], None]) -> bool:
        """Answer the call with a result now and let it go on; say whether that was done.

        Args:
            result: the answer.
            finish: called once with what the call ends with.
        """

    def hang_up(self) -> None:
        """Close the stream; the client may come back for what follows."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to be answered.

    Attributes:
        principal: who asks; verified.
        request: what is asked.
        version: the revision whose rules hold.
        channel: the way back.
        log_level: the least severe log line that the client wants, None for none.
        session: None for a modern request, and for a legacy one without a session.
        capabilities: what the client declared: with the request, or when its session opened.
    """

    principal: Principal
    request: Request
    version: str
    channel: Channel
    log_level: LogLevel | None
    session: Session | None
    capabilities: Mapping[str, Any]
