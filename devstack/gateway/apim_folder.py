"""The apim/ folder, read whole: named values, fragments, API definitions, policies.

Called by ``server.Gateway``. Layout: ``named-values.json``, ``fragments/<id>.xml``, and for each API a
folder ``<name>-api/`` with ``openapi.json``, ``policy.xml`` and ``operations/<operationId>.xml`` where an
operation has a policy of its own. A file that belongs to nothing is an error.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.gateway import named_values, openapi, xml_document
from devstack.gateway.counters import Counters
from devstack.gateway.errors import ConfigurationError
from devstack.gateway.jwt_keys import KeySource, OpenIdKeys
from devstack.gateway.named_values import NamedValues
from devstack.gateway.pipeline import Pipeline
from devstack.gateway.policies.reading import Tools
from devstack.gateway.policy_files import DEFAULT_PIPELINE, PolicyReader
from devstack.gateway.router import Route, Router
from devstack.gateway.xml_document import Element


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the gateway runs."""

    router: Router
    routes: tuple[Route, ...]
    values: NamedValues


class SharedTools:
    """Makes the tools of all policies: one key source for each URL, one set of counters for each period."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._keys: dict[str, KeySource] = {}
        self._counters: dict[int, Counters] = {}

    def tools(self) -> Tools:
        """Return what ``policies`` asks for."""
        return Tools(self._wall_clock, self._key_source, self._counters_of)

    def _key_source(self, url: str) -> KeySource:
        return self._keys.setdefault(url, OpenIdKeys(url))

    def _counters_of(self, period_seconds: int) -> Counters:
        return self._counters.setdefault(period_seconds, Counters(period_seconds, self._wall_clock))


def load(folder: Path, overrides: Mapping[str, str], tools: Tools | None = None) -> Configuration:
    """Read everything.

    Args:
        folder: apim/.
        overrides: named values that differ from the file's.
        tools: clocks, keys and counters; made here unless a test brings its own.

    Raises:
        ConfigurationError: anything that is not understood, with file and line.
    """
    values = named_values.load(folder / "named-values.json", overrides)
    fragments = {path.stem: _read(path, values) for path in sorted(folder.glob("fragments/*.xml"))}
    reader = PolicyReader(fragments, tools or SharedTools().tools())
    reader.check_fragments()
    folders = sorted(path.parent for path in folder.glob("*-api/openapi.json"))
    if not folders:
        raise ConfigurationError(folder, "holds no *-api/openapi.json")
    routes = tuple(route for api_folder in folders for route in _routes(api_folder, reader, values))
    reader.check_all_used()
    return Configuration(Router(routes), routes, values)


def _routes(folder: Path, reader: PolicyReader, values: NamedValues) -> Iterator[Route]:
    api, operations = openapi.read(folder / "openapi.json", folder.name, values)
    base = reader.pipeline(_read(folder / "policy.xml", values), DEFAULT_PIPELINE)
    own = {path.stem: path for path in folder.glob("operations/*.xml")}
    for operation in operations:
        path = own.pop(operation.id, None)
        pipeline: Pipeline = reader.pipeline(_read(path, values), base) if path else base
        yield Route(api, operation, pipeline)
    for path in own.values():
        raise ConfigurationError(path, "belongs to no operation of the API")


def _read(path: Path, values: NamedValues) -> Element:
    root = xml_document.read(path)
    values.substitute(root)
    return root
