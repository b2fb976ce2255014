"""What this server declares that it can do, in each revision: no more than what is registered and served.

Made once by ``app``; asked by ``server`` for discover and initialize.
"""

from collections.abc import Mapping
from typing import Any, Final

from mcpserver.protocol.eras import MODERN
from mcpserver.tools.registry import Features

_COMPLETIONS_SINCE: Final = "2025-03-26"


class Capabilities:
    """Args:
    features: what is served.
    with_sessions: clients of revisions before 2026 have sessions: log lines and changes need one.
    tells_changes: whoever listens is told of changes of the lists and of resources.
    extensions: of 2026-07-28: settings by name.
    """

    def __init__(
        self,
        features: Features,
        *,
        with_sessions: bool,
        tells_changes: bool = False,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        self._features = features
        self._with_sessions = with_sessions
        self._tells_changes = tells_changes
        self._extensions = dict(extensions or {})

    def of(self, version: str) -> dict[str, Any]:
        """Return ServerCapabilities of a revision."""
        reachable = version == MODERN or self._with_sessions
        told = {"listChanged": True} if self._tells_changes and reachable else {}
        body: dict[str, Any] = {"tools": dict(told)}
        if self._features.resources or self._features.templates:
            body["resources"] = {**told, "subscribe": True} if told else {}
        if self._features.prompts:
            body["prompts"] = dict(told)
        if self._features.can_complete and version >= _COMPLETIONS_SINCE:
            body["completions"] = {}
        if reachable:
            body["logging"] = {}
        if self._extensions and version == MODERN:
            body["extensions"] = dict(self._extensions)
        return body
