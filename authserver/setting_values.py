"""What the values of settings look like: validators and defaults too long to stand beside their fields.

Used by ``settings`` alone. Messages must never repeat a value: it may be a secret.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import SecretStr, TypeAdapter, ValidationError

from authserver.model import Resource
from authserver.resources import aliases_of, canonical_uri, is_loopback_url

_SCOPES: Final = {
    "mcp:tools": "Connect to the server, list its tools and call the simple ones",
    "snippets:read": "Read your snippets",
    "snippets:write": "Save and delete your snippets",
    "model:invoke": "Ask the language model on your behalf",
}
_DEFAULT_SCOPES: Final = ("mcp:tools", "snippets:read", "snippets:write")
EVERY_SCOPE: Final = ("*",)
_RESOURCES: Final = TypeAdapter(tuple[Resource, ...])
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def origin(value: str) -> str:
    """Return an origin in its one spelling; ValueError unless https or loopback."""
    # One spelling of the issuer everywhere: RFC 8414 §3.3 and RFC 9207 §2.4 compare it as a string.
    uri = canonical_uri(value)
    parts = urlsplit(uri)
    if parts.path or "?" in uri:
        raise ValueError("must be an origin: scheme, host and port only")
    if parts.scheme == "http" and not is_loopback_url(uri):
        raise ValueError("must be https unless its host is loopback")
    return uri


def https_url(value: str) -> str:
    """Return an https URL without its trailing slash."""
    if urlsplit(value).scheme != "https" or not urlsplit(value).hostname:
        raise ValueError("must be an https URL")
    return value.rstrip("/")


def path_prefix(value: str) -> str:
    """Return a path that can stand before another, or nothing."""
    if value and (not value.startswith("/") or value.endswith("/") or "//" in value):
        raise ValueError("must be empty or begin with a slash and not end with one")
    return value


def fernet_keys(value: SecretStr) -> SecretStr:
    """Return comma-separated Fernet keys, each of which is one."""
    keys = [part.strip() for part in value.get_secret_value().split(",") if part.strip()]
    if not keys:
        raise ValueError("must hold at least one Fernet key")
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            # The library's message is not repeated: it is about the value.
            raise ValueError("must be Fernet keys (32 bytes, base64url), comma-separated") from None
    return SecretStr(",".join(keys))


def redis_url(value: SecretStr | None) -> SecretStr | None:
    """Return a URL that redis-py understands."""
    if value is not None and urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must be a redis://, rediss:// or unix:// URL")
    return value


def default_resource(public_url: str, aliases: tuple[str, ...] | None, extra_port: int) -> Resource:
    """Return the resource of a server that was configured with none: mcpserver behind the same gateway."""
    if aliases is None:
        aliases = aliases_of(public_url, ("/mcp", "/mcp/sse"), extra_port=extra_port)
    uri = f"{public_url}/mcp"
    return Resource(uri, "mcpstack", dict(_SCOPES), _DEFAULT_SCOPES, tuple(a for a in aliases if a != uri))


def resources(values: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """Return resources with canonical URIs; ValueError when one makes no sense."""
    return tuple(map(_resource, values))


def resources_in(path: Path) -> tuple[Resource, ...]:
    """Return the resources of a JSON file; ValueError that says which entry makes no sense."""
    variable = "AUTHSERVER_RESOURCES_FILE"
    try:
        entries = _RESOURCES.validate_json(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{variable}: unreadable ({type(error).__name__})") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "".join(f"[{part!r}]" for part in first["loc"])
        raise ValueError(f"{variable}: {place} {first['msg']}".replace(":  ", ": ")) from None
    checked = []
    for number, entry in enumerate(entries):
        try:
            checked.append(_resource(entry))
        except ValueError as error:
            raise ValueError(f"{variable}: [{number}] {error}") from None
    return tuple(checked)


def tenant_entries(value: Any) -> Any:
    """Return tenant entries that know their tid; a string alone is a display name."""
    if not isinstance(value, dict):
        raise ValueError("must be an object of tenant ids")
    entries = {}
    for tid, entry in value.items():
        if not isinstance(tid, str) or not _GUID.fullmatch(tid):
            raise ValueError("each tenant is named by its id, a GUID")
        described = {"name": entry} if isinstance(entry, str) else entry
        if not isinstance(described, dict):
            raise ValueError("each tenant is a display name or an object")
        entries[tid.lower()] = {**described, "tid": tid.lower()}
    return entries


def home_entry(value: Any) -> Any:
    """Return the home tenant's entry, which says neither its tid nor, where it has them all, its scopes."""
    return {"name": "", "ceiling": EVERY_SCOPE, **value, "tid": ""} if isinstance(value, dict) else value


def resource_uris(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return canonical URIs, each once."""
    return None if values is None else tuple(dict.fromkeys(map(canonical_uri, values)))


def _resource(resource: Resource) -> Resource:
    if not resource.scopes or set(resource.default_scopes) - set(resource.scopes):
        raise ValueError("there must be scopes, and default_scopes must be among them")
    uri = canonical_uri(resource.uri)
    aliases = tuple(alias for alias in resource_uris(resource.aliases) or () if alias != uri)
    return replace(resource, uri=uri, scopes=dict(resource.scopes), aliases=aliases)
