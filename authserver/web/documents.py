"""Documents that anybody may read: authorization server metadata (RFC 8414), its OpenID alias, the JWKS, and
what this server answers (OpenAPI).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from authserver.web.http import HttpRefusal, HttpRequest, Reply

_CACHE_SECONDS: Final = 300
_OPENAPI: Final = Path(__file__).with_name("openapi.json")


class MetadataEndpoint:
    """Args: document: the metadata, rendered once."""

    name = "metadata"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = True

    def __init__(self, document: dict[str, Any]) -> None:
        self._reply = _document(orjson.dumps(document))

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Return the document."""
        return self._reply


class OtherIssuerEndpoint:
    """The well-known paths with something appended: they would name another issuer (RFC 8414 3.1), which is
    not here.
    """

    name = "metadata"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = True

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Refuse, in JSON: clients fall back to the root."""
        raise HttpRefusal(404, "not_found", "the issuer is the root of this server")


class JwksEndpoint:
    """Args: jwks: returns the public keys of now (RFC 7517 5)."""

    name = "jwks"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = True

    def __init__(self, jwks: Callable[[], dict[str, Any]]) -> None:
        self._jwks = jwks

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Return the keys."""
        return _document(orjson.dumps(self._jwks()))


class OpenApiEndpoint:
    """Args: endpoint_prefix: what stands before the endpoints' paths in public URLs."""

    name = "openapi"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = True

    def __init__(self, endpoint_prefix: str) -> None:
        document = orjson.loads(_OPENAPI.read_bytes())
        document["servers"] = [{"url": endpoint_prefix or "/"}]
        self._reply = _document(orjson.dumps(document))

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Return the document."""
        return self._reply


def _document(body: bytes) -> Reply:
    return Reply(
        200,
        (("Content-Type", "application/json"), ("Cache-Control", f"public, max-age={_CACHE_SECONDS}")),
        body,
    )
