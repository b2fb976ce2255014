"""API definitions: which operations an API has.

Called by ``apim_folder``. Of OpenAPI 3 only what routes is read: the server's path, the paths, the methods,
their ids; of a WebSocket API (``x-api-type``) also ``x-service-url``, as policies cannot choose its server.
"""

import json
from pathlib import Path
from typing import Any

from devstack.gateway.errors import ConfigurationError
from devstack.gateway.exchange import Api, Operation
from devstack.gateway.named_values import NamedValues
from devstack.gateway.upstream import address_of

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head"})


def read(path: Path, name: str, values: NamedValues) -> tuple[Api, tuple[Operation, ...]]:
    """Return the API and its operations.

    Args:
        path: an OpenAPI 3 document in JSON.
        name: the API's name.
        values: for the named values in a WebSocket API's service URL.

    Raises:
        ConfigurationError: no such document, paths that the gateway cannot route, or a WebSocket API without
            a server.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        (server,) = document["servers"]
        service_url = None
        if document.get("x-api-type") == "websocket":
            service_url = values.fill(document["x-service-url"], path)
            address_of(service_url)
        api = Api(name, str(server["url"]).rstrip("/"), service_url)
        operations = tuple(
            _operation(path, method, template, operation)
            for template, methods in document["paths"].items()
            for method, operation in methods.items()
        )
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(path, f"is no OpenAPI document with one server: {error!r}") from error
    ids = [operation.id for operation in operations]
    for operation in operations:
        if ids.count(operation.id) > 1:
            raise ConfigurationError(path, f"operationId {operation.id!r} is there twice")
    return api, operations


def _operation(path: Path, method: str, template: str, operation: dict[str, Any]) -> Operation:
    if method not in _METHODS:
        # API Management answers preflights itself only where there is no OPTIONS operation.
        raise ConfigurationError(path, f"{template}: {method!r} is no operation here")
    if not template.startswith("/") or "{" in template or "*" in template.removesuffix("/*"):
        raise ConfigurationError(
            path, f"path {template!r} cannot be routed: only a /* at its end is understood"
        )
    return Operation(operation["operationId"], method.upper(), operation.get("summary", ""), template)
