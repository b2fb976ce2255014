"""The WSGI callable in front of Flask: the paths that are walked most are answered without Flask's routing.

Made by ``app``. Must answer exactly as the same endpoint would behind Flask; it only saves the way there.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from authserver.web.edge import Edge
from authserver.web.http import Endpoint

_STATUS_LINES: Final = {int(status): f"{int(status)} {status.phrase}" for status in HTTPStatus}

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
WsgiApplication = Callable[[Any, Any], Iterable[bytes]]


class FrontDoor:
    """Args: edge; endpoints: path → endpoint; behind: Flask's own WSGI application."""

    def __init__(self, edge: Edge, endpoints: Mapping[str, Endpoint], behind: WsgiApplication) -> None:
        self._edge = edge
        self._endpoints = endpoints
        self._behind = behind

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer (PEP 3333)."""
        endpoint = self._endpoints.get(environ.get("PATH_INFO", ""))
        if endpoint is None:
            return self._behind(environ, start_response)
        reply = self._edge.answer(endpoint, environ)
        headers = [*reply.headers, ("Content-Length", str(len(reply.body)))]
        start_response(_STATUS_LINES[reply.status], headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else reply.body]
