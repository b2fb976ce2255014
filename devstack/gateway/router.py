"""Which operation a request is for, by the API definitions.

Made once by ``apim_folder``; asked by ``connection``. As in API Management the API with the longest
matching path is chosen first, then its operation; a path or method that no operation has is 404. Must not
decode paths: what is not spelled like a template is not that template.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from devstack.gateway.exchange import Api, Operation
from devstack.gateway.pipeline import Pipeline

# Dot segments, empty segments, and encoded slashes, backslashes, dots and NULs: ways of naming one path
# twice.
_DUBIOUS = re.compile(r"//|/\.\.?(?:/|$)|\\|%(?:2[eEfF]|5[cC]|00)|%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Route:
    """An operation with its policies; ``rest`` is what follows the API's path."""

    api: Api
    operation: Operation
    pipeline: Pipeline


class Router:
    """The routes of all APIs."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._below: list[tuple[str, str, Route]] = []
        for route in routes:
            template, method = route.operation.url_template, route.operation.method
            if template.endswith("/*"):
                self._below.append((method, route.api.path + template[:-1], route))
            else:
                self._exact[method, route.api.path + template] = route
                if template == "/" and route.api.path:
                    self._exact[method, route.api.path] = route
        self._below.sort(key=lambda entry: -len(entry[1]))

    def find(self, method: str, path: str) -> Route | None:
        """Return the route, None when there is none."""
        route = self._exact.get((method, path))
        if route is not None:
            return route
        for below_method, prefix, route in self._below:
            if below_method == method and path.startswith(prefix) and len(path) > len(prefix):
                return route
        return None


def is_dubious(path: str) -> bool:
    """Whether the path is spelled so that two readers may take it for two different ones."""
    return _DUBIOUS.search(path) is not None
