"""API definitions: which operations an API has.

Called by ``apim_folder``. Of OpenAPI 3 only what routes is read: the server's path, the paths, the methods,
their ids.
"""

import json
from pathlib import Path
from typing import Any

from devstack.gateway.errors import ConfigurationError
from devstack.gateway.exchange import Api, Operation

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head"})


def read(path: Path, name: str) -> tuple[Api, tuple[Operation, ...]]:
    """Return the API and its operations.

    Args:
        path: an OpenAPI 3 document in JSON.
        name: the API's name.

    Raises:
        ConfigurationError: no such document, or paths that the gateway cannot route.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        (server,) = document["servers"]
        api = Api(name, str(server["url"]).rstrip("/"), document.get("x-api-type") == "websocket")
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
