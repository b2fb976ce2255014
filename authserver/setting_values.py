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
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an absolute http(s) URL without query or fragment")
    if parts.username is not None or parts.path not in {"", "/"}:
        raise ValueError("must be an origin: scheme, host and port only")
    if parts.scheme == "http" and not is_loopback_url(value):
        raise ValueError("must be https unless its host is loopback")
    # One spelling of the issuer everywhere: no trailing slash (RFC 8414 §2, RFC 9207 §2.4 compare as
    # strings).
    return f"{parts.scheme}://{parts.netloc.lower()}"


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
    return checked(Resource(f"{public_url}/mcp", "mcpstack", dict(_SCOPES), _DEFAULT_SCOPES, aliases))


def checked(resource: Resource) -> Resource:
    """Return the resource with canonical URIs; ValueError that names the variable when it makes no sense."""
    unknown = set(resource.default_scopes) - set(resource.scopes)
    if unknown or not resource.scopes:
        raise ValueError(
            "AUTHSERVER_RESOURCES: default_scopes must be among the scopes, and there must be scopes"
        )
    try:
        uri = canonical_uri(resource.uri)
        aliases = tuple(dict.fromkeys(canonical_uri(alias) for alias in resource.aliases))
    except ValueError as error:
        raise ValueError(f"AUTHSERVER_RESOURCES: {error}") from None
    return Resource(
        uri,
        resource.name,
        dict(resource.scopes),
        resource.default_scopes,
        tuple(a for a in aliases if a != uri),
    )
