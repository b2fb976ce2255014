"""What the values of settings look like: validators and defaults too long to stand beside their fields.

Used by ``settings`` alone. Messages must never repeat a value: it may be a secret.
"""

from typing import Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import SecretStr

from authserver.model import Resource
from authserver.resources import aliases_of, canonical_uri, is_loopback_url

_SCOPES: Final = {
    "mcp:tools": "Connect to the server, list its tools and call the simple ones",
    "snippets:read": "Read your snippets",
    "snippets:write": "Save and delete your snippets",
    "model:invoke": "Ask the language model on your behalf",
}
_DEFAULT_SCOPES: Final = ("mcp:tools", "snippets:read", "snippets:write")


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


def resource_uris(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return canonical URIs, each once."""
    return None if values is None else tuple(dict.fromkeys(map(canonical_uri, values)))


def _resource(resource: Resource) -> Resource:
    if not resource.scopes or set(resource.default_scopes) - set(resource.scopes):
        raise ValueError("there must be scopes, and default_scopes must be among them")
    uri = canonical_uri(resource.uri)
    aliases = tuple(alias for alias in resource_uris(resource.aliases) or () if alias != uri)
    return Resource(uri, resource.name, dict(resource.scopes), resource.default_scopes, aliases)
