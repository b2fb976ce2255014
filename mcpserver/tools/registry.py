"""All that this server serves: tools by name, resources by URI, prompts by name.

Made once at the start by ``app``; read by ``protocol``. Features come from the built-in modules, from
installed packages (entry point group ``mcpserver.tools``) and from modules named in the settings. Must not
change while serving.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, Final, TypeVar

from mcpserver.tools.invalid import ArgumentsInvalid
from mcpserver.tools.model import Tool
from mcpserver.tools.prompt import Prompt
from mcpserver.tools.resource import Resource

Feature = Tool | Resource | Prompt
F = TypeVar("F", Tool, Resource, Prompt)

ENTRY_POINT_GROUP: Final = "mcpserver.tools"
_MOST_URI_CHARACTERS: Final = 4096


class Features:
    """What is served, in the order in which it is listed.

    Attributes:
        tools: by name.
        resources: those with one URI, by URI.
        templates: those with many, by template.
        prompts: by name.
        can_complete: whether suggestions can be had for any argument of a prompt or template.

    Raises:
        ValueError: two of a kind have one name or URI.
    """

    def __init__(
        self,
        tools: Iterable[Tool] = (),
        resources: Iterable[Resource] = (),
        prompts: Iterable[Prompt] = (),
    ) -> None:
        by_uri = _by_key("resources", resources, lambda each: each.uri)
        self.tools: Mapping[str, Tool] = _by_key("tools", tools, lambda each: each.name)
        self.resources: Mapping[str, Resource] = {k: v for k, v in by_uri.items() if not v.is_template}
        self.templates: Mapping[str, Resource] = {k: v for k, v in by_uri.items() if v.is_template}
        self.prompts: Mapping[str, Prompt] = _by_key("prompts", prompts, lambda each: each.name)
        completers = (
            *(each.completers for each in self.prompts.values()),
            *(each.completers for each in self.templates.values()),
        )
        self.can_complete = any(completers)

    def resource(self, uri: str) -> tuple[Resource, dict[str, Any]] | None:
        """Return the resource that a URI names, and the arguments that it gives to its function.

        One with this very URI wins, then the first template that matches and whose types fit.
        """
        found = self.resources.get(uri)
        if found is not None:
            return found, {}
        if len(uri) > _MOST_URI_CHARACTERS:
            return None
        return next(self._from_templates(uri), None)

    def _from_templates(self, uri: str) -> Iterator[tuple[Resource, dict[str, Any]]]:
        for each in self.templates.values():
            variables = each.template.match(uri)
            if variables is not None:
                try:
                    yield each, each.signature.read(variables)
                except ArgumentsInvalid:
                    continue


def gathered(features: Iterable[Feature]) -> Features:
    """Return features of all kinds as what is served.

    Raises:
        ValueError: two of a kind have one name or URI.
    """
    every = tuple(features)
    return Features(
        (each for each in every if isinstance(each, Tool)),
        (each for each in every if isinstance(each, Resource)),
        (each for each in every if isinstance(each, Prompt)),
    )


def features_in(module_name: str) -> tuple[Feature, ...]:
    """Return what a module defines or imports of features, in the order of its text.

    Raises:
        ImportError: there is no such module.
        ValueError: it has none.
    """
    module = importlib.import_module(module_name)
    found = tuple(value for value in vars(module).values() if isinstance(value, Feature))
    if not found:
        raise ValueError(f"module {module_name!r} has no tools, resources or prompts")
    return found


def installed_features() -> tuple[Feature, ...]:
    """Return the features of installed packages, in the order of the entry points' names."""
    points = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
    return tuple(each for point in points for each in features_in(point.value))


def _by_key(kind: str, features: Iterable[F], key: Callable[[F], str]) -> dict[str, F]:
    found: dict[str, F] = {}
    for each in features:
        # The same one may come twice: a module has what it imports from another.
        if found.setdefault(key(each), each) is not each:
            raise ValueError(f"two {kind} are called {key(each)!r}")
    return found
