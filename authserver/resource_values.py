"""What an operator says of protected resources: read from a setting or a file, checked, and the default.

Used by ``settings`` alone. What is wrong is a ValueError that says where: the variable, the file, the entry.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from authserver.model import Resource
from authserver.resources import aliases_of, canonical_uri

FILE_VARIABLE: Final = "AUTHSERVER_RESOURCES_FILE"
MIN_LIFETIME_SECONDS: Final = 60
MAX_LIFETIME_SECONDS: Final = 86_400
_SCOPES: Final = {
    "mcp:tools": "Connect to the server, list its tools and call the simple ones",
    "snippets:read": "Read your snippets",
    "snippets:write": "Save and delete your snippets",
    "model:invoke": "Ask the language model on your behalf",
}
_DEFAULT_SCOPES: Final = ("mcp:tools", "snippets:read", "snippets:write")
_RESOURCE: Final = TypeAdapter(Resource)
_MEMBERS: Final = frozenset(field.name for field in fields(Resource))
# RFC 6749 3.3: scope-token.
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")


def default_resource(public_url: str, aliases: tuple[str, ...] | None, extra_port: int) -> Resource:
    """Return the resource of a server that was configured with none: mcpserver behind the same gateway."""
    if aliases is None:
        aliases = aliases_of(public_url, ("/mcp", "/mcp/sse"), extra_port=extra_port)
    uri = f"{public_url}/mcp"
    return Resource(uri, "mcpstack", dict(_SCOPES), _DEFAULT_SCOPES, tuple(a for a in aliases if a != uri))


def resources(values: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """Return resources with canonical URIs; ValueError when one makes no sense."""
    return tuple(map(_checked, values))


def resources_in(path: Path) -> tuple[Resource, ...]:
    """Return the resources of a JSON file; ValueError that names the file and the entry."""
    where = f"{FILE_VARIABLE} ({path})"
    try:
        entries = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{where}: unreadable ({type(error).__name__})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: is not JSON (line {error.lineno})") from None
    except (UnicodeDecodeError, RecursionError):
        raise ValueError(f"{where}: is not JSON") from None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{where}: must be a list of resources")
    return tuple(_entry(entry, f"{where}: [{number}]") for number, entry in enumerate(entries))


def check_unique(listed: Sequence[Resource], path: Path | None) -> None:
    """Raise ValueError when a URI or alias names two resources."""
    seen: dict[str, str] = {}
    for resource in listed:
        for uri in (resource.uri, *resource.aliases):
            if uri in seen:
                where = "AUTHSERVER_RESOURCES" if path is None else f"{FILE_VARIABLE} ({path})"
                names = f"{seen[uri]!r} and {resource.name!r}"
                raise ValueError(f"{where}: each URI and alias must name one resource only, not {names}")
            seen[uri] = resource.name


def resource_uris(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return canonical URIs, each once."""
    return None if values is None else tuple(dict.fromkeys(map(canonical_uri, values)))


def _entry(entry: Any, where: str) -> Resource:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object")
    if isinstance(entry.get("name"), str):
        where += f" {entry['name'][:100]!r}"
    unknown = [name for name in entry if name not in _MEMBERS]
    if unknown:
        raise ValueError(f"{where}: {unknown[0][:100]!r} is no member of a resource")
    try:
        return _checked(_RESOURCE.validate_python(entry))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {place}: {first['msg']}") from None
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _checked(resource: Resource) -> Resource:
    if not resource.name.strip():
        raise ValueError("name must not be empty")
    if not resource.scopes or set(resource.default_scopes) - set(resource.scopes):
        raise ValueError("there must be scopes, and default_scopes must be among them")
    if not all(map(_SCOPE.fullmatch, resource.scopes)):
        raise ValueError("a scope is a word without quotes and backslashes")
    lifetime = resource.access_token_lifetime_seconds
    if lifetime is not None and not MIN_LIFETIME_SECONDS <= lifetime <= MAX_LIFETIME_SECONDS:
        raise ValueError(
            f"access_token_lifetime_seconds must be {MIN_LIFETIME_SECONDS} to {MAX_LIFETIME_SECONDS}"
        )
    uri = _canonical(resource.uri, "uri")
    aliases = dict.fromkeys(_canonical(alias, "aliases") for alias in resource.aliases)
    others = tuple(alias for alias in aliases if alias != uri)
    return replace(resource, uri=uri, scopes=dict(resource.scopes), aliases=others)


def _canonical(uri: str, member: str) -> str:
    try:
        return canonical_uri(uri)
    except ValueError as error:
        raise ValueError(f"{member}: {error}") from None
