"""One request on its way through the dispatcher: who asks, in which revision, on behalf of which session.

Made by the transports, read by the method handlers. Must not change on the way.
"""

from dataclasses import dataclass
from typing import Protocol

from mcpserver.principal import Principal
from mcpserver.protocol.jsonrpc import Request
from mcpserver.tools.context import Channel
from mcpserver.wire import LogLevel


class LegacySession(Protocol):
    """What method handlers may change of a session of a revision before 2026."""

    log_level: LogLevel | None
    version: str


@dataclass(frozen=True, slots=True)
class Call:
    """A request to be answered.

    Attributes:
        principal: who asks; verified.
        request: what is asked.
        version: the revision whose rules hold.
        channel: where notifications about this request go.
        log_level: the least severe log line that the client wants, None for none.
        session: None for a modern request, and for a legacy one without a session.
    """

    principal: Principal
    request: Request
    version: str
    channel: Channel
    log_level: LogLevel | None
    session: LegacySession | None = None
