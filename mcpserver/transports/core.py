"""What all transports are given."""

from dataclasses import dataclass

from mcpserver.auth import Authenticator
from mcpserver.guard import Guard
from mcpserver.protocol.dispatch import Dispatcher
from mcpserver.sessions.protocol import Sessions
from mcpserver.transports.events import Carrier
from mcpserver.transports.listening import Listening
from mcpserver.transports.ongoing import Ongoing
from mcpserver.transports.responses import ErrorRenderer


@dataclass(frozen=True, slots=True)
class Core:
    """What the transports share, made once by ``app``."""

    guard: Guard
    auth: Authenticator
    dispatcher: Dispatcher
    sessions: Sessions | None
    errors: ErrorRenderer
    carrier: Carrier
    ongoing: Ongoing
    listening: Listening
