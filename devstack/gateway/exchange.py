"""One request on its way through the policies: what ``context`` is in an expression.

Made by ``connection`` for each request, changed by ``policies`` only. Must not do I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from devstack.gateway.wire.headers import Headers


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in parts, as API Management's IUrl.

    Attributes:
        scheme: ``http`` or ``https``.
        host: lower case; an IPv6 address in brackets.
        port: always a number, the scheme's own where none was written.
        path: as it came, still percent-encoded.
        query_string: with its question mark; empty when there is no query.
    """

    scheme: str
    host: str
    port: int
    path: str
    query_string: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an API definition; ``url_template`` is relative to the API's path."""

    id: str
    method: str
    name: str
    url_template: str


@dataclass(frozen=True, slots=True)
class Api:
    """One API: its folder's name, and the path that all its operations share (``""`` or ``/oauth``).

    ``service_url``: the server behind, path included, of a WebSocket API; HTTP APIs choose theirs by policy.
    """

    name: str
    path: str
    service_url: str | None = None

    @property
    def is_websocket(self) -> bool:
        return self.service_url is not None


@dataclass(slots=True)
class Request:
    """What came in; policies change ``headers``, nothing changes ``original_url``."""

    method: str
    headers: Headers
    original_url: Url
    ip_address: str


@dataclass(frozen=True, slots=True)
class Jwt:
    """A validated token, as API Management's Jwt: claim values are strings."""

    claims: dict[str, tuple[str, ...]]

    def first(self, name: str) -> str | None:
        """Return the claim's first value, None when it is absent or empty."""
        values = self.claims.get(name)
        return values[0] if values else None


@dataclass(frozen=True, slots=True)
class LastError:
    """Why on-error runs."""

    source: str
    reason: str
    message: str
    section: str


class ResponseStream(Protocol):
    """A response body that is still on its way from the server behind."""

    def close(self) -> None: ...


@dataclass(slots=True)
class Response:
    """What goes out: a body that is there (``body``), or one on its way (``stream``)."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    stream: ResponseStream | None = None


@dataclass(slots=True)
class Exchange:
    """One request and everything known about it."""

    request: Request
    api: Api
    operation: Operation
    target: str  # path and query that the server behind is asked for
    forward: Callable[["Exchange", float], Response]  # (exchange, timeout_seconds), bound by connection
    variables: dict[str, object] = field(default_factory=dict)
    backend_url: str | None = None
    response: Response | None = None
    last_error: LastError | None = None
    finishers: list[Callable[[Response], None]] = field(default_factory=list)  # run on whatever is sent
