"""What the values of settings look like: validators and defaults too long to stand beside their fields.

Used by ``settings`` alone. Messages must never repeat a value: it may be a secret.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import SecretStr

from authserver.model import IdentityAssertionIssuer
from authserver.resources import canonical_uri, is_loopback_url

EVERY_SCOPE: Final = ("*",)
# Becomes the first part of ``sub``, up to the dot.
_TENANT_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9][A-Za-z0-9+.-]*|\[?[0-9A-Fa-f:]+:[0-9A-Fa-f:]*\]?")
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


def hosts(listed: tuple[str, ...]) -> tuple[str, ...]:
    """Return hosts as they are compared: in lower case, IPv6 addresses without brackets."""
    for host in listed:
        if not _HOST.fullmatch(host):
            raise ValueError(
                "must be hosts, without scheme and port; *.example.com means all below example.com"
            )
    return tuple(host.strip("[]").lower() for host in listed)


def redis_url(value: SecretStr | None) -> SecretStr | None:
    """Return a URL that redis-py understands."""
    if value is not None and urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must be a redis://, rediss:// or unix:// URL")
    return value


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
    if not isinstance(value, dict):
        return value
    return {"name": "Home tenant", "ceiling": EVERY_SCOPE, **value, "tid": ""}


def guid_or_nothing(value: str) -> str:
    """Return an application's id in lower case, as it stands in tokens; empty stays empty."""
    if value and not _GUID.fullmatch(value):
        raise ValueError("must be a GUID")
    return value.lower()


def assertion_issuers(values: tuple[IdentityAssertionIssuer, ...]) -> tuple[IdentityAssertionIssuer, ...]:
    """Return identity providers whose keys can be fetched safely, each once."""
    for each in values:
        scheme = urlsplit(each.jwks_uri).scheme
        is_safe = scheme == "https" or (scheme == "http" and is_loopback_url(each.jwks_uri))
        if not each.issuer or not is_safe:
            raise ValueError("each needs an issuer, and a jwks_uri that is https")
        if not _TENANT_LABEL.fullmatch(each.tid):
            raise ValueError("tid must be 1 to 64 letters, digits, hyphens and underscores")
    if len({each.issuer for each in values}) != len(values):
        raise ValueError("each issuer must stand there once")
    return values
