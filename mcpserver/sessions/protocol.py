"""What the transports may ask of whoever keeps sessions.

Implemented by ``memory``. Verbs are atomic: a session is opened, found or closed whole.
"""

from typing import Protocol

from mcpserver.errors import McpServerError
from mcpserver.principal import Principal
from mcpserver.sessions.session import Session


class SessionNotFound(McpServerError):
    """There is no such session for this caller: never was, expired, closed, or somebody else's."""


class TooManySessions(McpServerError):
    """This caller has as many sessions as one may have."""


class Sessions(Protocol):
    """Keeps sessions."""

    def open(self, principal: Principal, version: str) -> Session:
        """Make a session for this caller.

        Raises:
            TooManySessions: the caller has too many.
        """

    def get(self, session_id: str, principal: Principal) -> Session:
        """Return a session of this caller.

        Raises:
            SessionNotFound: also when it is somebody else's, which must look the same.
        """

    def close(self, session_id: str, principal: Principal) -> None:
        """End a session of this caller: its streams close, its calls are cancelled.

        Raises:
            SessionNotFound: see ``get``.
        """
