"""cors: answers preflights, and marks answers that a page of another origin may read.

Read through ``registry``; ``connection`` asks ``preflight`` for OPTIONS requests, which never reach a server
behind. Whatever answer a request gets in the end, also an error, carries the headers.
"""

from collections.abc import Callable
from dataclasses import dataclass

from devstack.gateway.errors import ConfigurationError
from devstack.gateway.exchange import Exchange, Request, Response
from devstack.gateway.policies import reading as r
from devstack.gateway.wire.headers import Headers
from devstack.gateway.xml_document import Element

_CHILDREN = ("allowed-origins", "allowed-methods", "allowed-headers", "expose-headers")


@dataclass(frozen=True, slots=True)
class Cors:
    """One ``<cors>``; lists may be ``*`` alone for anything."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    max_age_seconds: int
    allow_credentials: bool
    terminate_unmatched: bool

    def run(self, exchange: Exchange) -> Response | None:
        request = exchange.request
        origin = request.headers.get("Origin")
        if origin is None:
            return None
        if not self._allows(origin, request.method):
            return Response(200, "OK", Headers()) if self.terminate_unmatched else None
        exchange.finishers.append(self._marking(origin))
        return None

    def preflight(self, request: Request) -> Response:
        """Answer an OPTIONS request that asks for permission (Fetch standard, CORS-preflight)."""
        origin = request.headers.get("Origin") or ""
        method = request.headers.get("Access-Control-Request-Method") or ""
        response = Response(200, "OK", Headers())
        if not self._allows(origin, method):
            return response  # without the headers, which is a no
        self._mark_origin(response, origin)
        response.headers.set("Access-Control-Allow-Methods", method)
        asked = request.headers.get("Access-Control-Request-Headers") or ""
        granted = [
            name for name in (n.strip() for n in asked.split(",")) if name and self._allows_header(name)
        ]
        if granted:
            response.headers.set("Access-Control-Allow-Headers", ",".join(granted))
        if self.max_age_seconds:
            response.headers.set("Access-Control-Max-Age", str(self.max_age_seconds))
        return response

    def _allows(self, origin: str, method: str) -> bool:
        any_origin, any_method = self.origins == ("*",), self.methods == ("*",)
        return (any_origin or origin in self.origins) and (any_method or method in self.methods)

    def _allows_header(self, name: str) -> bool:
        return self.headers == ("*",) or name.lower() in {header.lower() for header in self.headers}

    def _marking(self, origin: str) -> Callable[[Response], None]:
        def mark(response: Response) -> None:
            self._mark_origin(response, origin)
            if self.exposed:
                response.headers.set("Access-Control-Expose-Headers", ",".join(self.exposed))

        return mark

    def _mark_origin(self, response: Response, origin: str) -> None:
        if self.origins == ("*",) and not self.allow_credentials:
            response.headers.set("Access-Control-Allow-Origin", "*")
            return
        response.headers.set("Access-Control-Allow-Origin", origin)
        response.headers.append("Vary", "Origin")
        if self.allow_credentials:
            response.headers.set("Access-Control-Allow-Credentials", "true")


def read_cors(element: Element, reading: r.Reading) -> Cors:
    """Read ``<cors>``."""
    r.check_section(element, reading, "inbound")
    r.check_attributes(element, (), ("allow-credentials", "terminate-unmatched-request"))
    children = {name: r.at_most_one(found) for name, found in r.ordered_children(element, _CHILDREN).items()}
    for name in ("allowed-origins", "allowed-headers"):
        if children[name] is None:
            raise ConfigurationError(element.place, f"<cors> needs <{name}>")
    allowed_methods = children["allowed-methods"]
    methods: tuple[str, ...] = ("GET", "POST")
    max_age_seconds = 0
    if allowed_methods is not None:
        methods = _list(allowed_methods, "method", "preflight-result-max-age")
        max_age_seconds = r.number(allowed_methods, "preflight-result-max-age", 0)
    return Cors(
        origins=_list(children["allowed-origins"], "origin"),
        methods=methods,
        headers=_list(children["allowed-headers"], "header"),
        exposed=r.list_of(children["expose-headers"], "header"),
        max_age_seconds=max_age_seconds,
        allow_credentials=r.flag(element, "allow-credentials", default=False),
        terminate_unmatched=r.flag(element, "terminate-unmatched-request", default=True),
    )


def _list(element: Element | None, item: str, *attributes: str) -> tuple[str, ...]:
    items = r.list_of(element, item, *attributes)
    if element is not None and "*" in items and len(items) > 1:
        raise ConfigurationError(element.place, f"* stands alone in <{element.tag}>")
    return items
