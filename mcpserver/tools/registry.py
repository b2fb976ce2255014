"""All tools that this server serves, by name.

Made once at the start by ``app``; read by ``protocol``. Tools come from the built-in modules, from installed
packages (entry point group ``mcpserver.tools``) and from modules named in the settings. Must not change
while serving.
"""

import importlib
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Final

from mcpserver.tools.model import Tool

ENTRY_POINT_GROUP: Final = "mcpserver.tools"


class Registry:
    """Args: tools: in the order in which they are listed.

    Raises:
        ValueError: two tools have one name.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for each in tools:
            if each.name in self._tools:
                raise ValueError(f"two tools are called {each.name!r}")
            self._tools[each.name] = each

    def get(self, name: str) -> Tool | None:
        """Return the tool of that name."""
        return self._tools.get(name)

    def __iter__(self) -> Iterator[Tool]:
        """Return the tools in order."""
        return iter(self._tools.values())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._tools)


def tools_in(module_name: str) -> tuple[Tool, ...]:
    """Return the tools that a module defines, in the order of its text.

    Raises:
        ImportError: there is no such module.
        ValueError: it has no tools.
    """
    module = importlib.import_module(module_name)
    found = tuple(value for value in vars(module).values() if isinstance(value, Tool))
    if not found:
        raise ValueError(f"module {module_name!r} has no tools")
    return found


def installed_tools() -> tuple[Tool, ...]:
    """Return the tools of installed packages, in the order of the entry points' names."""
    points = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
    return tuple(each for point in points for each in tools_in(point.value))
