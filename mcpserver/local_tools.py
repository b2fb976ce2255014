"""Tools without a server: described, and run in this process for a person whom nobody has checked.

Made by ``cli``. Whoever has a shell here has the data as well, so there is nothing to protect; results and
errors are those that a client of the newest revision gets. Must not listen, and must not fetch keys.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from mcpserver.changes.memory import MemoryChanges
from mcpserver.errors import Unanswered
from mcpserver.principal import Principal
from mcpserver.protocol.call import Call, Outcome
from mcpserver.protocol.contexts import Contexts
from mcpserver.protocol.dispatch import Dispatcher
from mcpserver.protocol.eras import MODERN
from mcpserver.protocol.jsonrpc import Request
from mcpserver.protocol.request_state import RequestStates
from mcpserver.protocol.tool_methods import ToolMethods, described
from mcpserver.tools.model import Tool

_LOCAL: Final = "local"


class LocalTools:
    """Args: tools: by name; show: is given what a tool reports while it runs, a line each."""

    def __init__(self, tools: Mapping[str, Tool], show: Callable[[str], None]) -> None:
        contexts = Contexts(MemoryChanges(), RequestStates([secrets.token_urlsafe(32)], 1, time.time), None)
        self._dispatcher = Dispatcher(ToolMethods(tools, contexts).methods())
        self._channel = _Lines(show)

    def call(self, name: str, arguments: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
        """Return the result of a tool.

        Raises:
            JsonRpcError: there is no such tool, or it asks for something that only a client has.
            InsufficientScope: the person's scopes are too few.
        """
        params = {"name": name, "arguments": dict(arguments), "_meta": {"progressToken": _LOCAL}}
        request = Request(_LOCAL, "tools/call", params)
        return self._dispatcher.dispatch(Call(principal, request, MODERN, self._channel, "debug", None, {}))


def description(tool: Tool) -> dict[str, Any]:
    """Return what clients read of a tool, its schemas included."""
    return described(tool, MODERN)


def somebody(subject: str, scopes: frozenset[str]) -> Principal:
    """Return a caller.

    Args:
        subject: ``<tenant>.<person>``, or the id of a program.
        scopes: that it has.
    """
    tenant, dot, person = subject.partition(".")
    return Principal(
        subject=subject,
        tenant_id=tenant if dot else None,
        object_id=person if dot else None,
        client_id=_LOCAL if dot else subject,
        scopes=scopes,
        expires_at_seconds=float("inf"),
        session_id=_LOCAL,
        roles=(),
        token_id=_LOCAL,
        key_id=_LOCAL,
    )


class _Lines:
    """A ``Channel`` that shows notifications as lines."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """See ``Channel``."""
        if method == "notifications/progress":
            total = f" of {params['total']}" if "total" in params else ""
            self._show(f"{params['progress']}{total} {params.get('message', '')}".rstrip())
        else:
            self._show(f"{params['level']}: {params['data']}")

    def request(self, _requests: Mapping[str, tuple[str, dict[str, Any]]]) -> Mapping[str, dict[str, Any]]:
        """See ``Channel``."""
        raise Unanswered("There is no client here")

    def detach(self, _result: dict[str, Any], _finish: Callable[[Outcome], None]) -> bool:
        """See ``Channel``: nobody would come for the rest."""
        return False

    def hang_up(self) -> None:
        """See ``Channel``: there is no stream."""
