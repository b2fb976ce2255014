"""Spellings of resource URIs: which of them are the same (RFC 8707 §2, RFC 3986 §6.2.2).

Called by ``settings`` for what is configured and by ``oauth`` for what a client asks for. Must not know which
resources exist.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def canonical_uri(uri: str) -> str:
    """Return the URI with scheme and host in lower case, its default port dropped, and a root slash dropped.

    Raises:
        ValueError: when it is not an absolute http(s) URI without fragment and userinfo (RFC 8707 §2).
    """
    if any(character <= " " or character == "\x7f" for character in uri):
        raise ValueError("must hold no spaces or control characters")
    parts = urlsplit(uri)
    port = parts.port  # raises ValueError itself when it is not a number up to 65535
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("must be an absolute http(s) URI")
    if "#" in uri or parts.username is not None or parts.password is not None:
        raise ValueError("must have no fragment and no user")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    path = "" if parts.path == "/" else parts.path
    query = f"?{parts.query}" if "?" in uri else ""
    return f"{parts.scheme}://{netloc}{path}{query}"


def is_loopback_url(url: str) -> bool:
    """Say whether the URL's host is localhost or a loopback address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def aliases_of(origin: str, paths: Sequence[str], *, extra_port: int) -> tuple[str, ...]:
    """Return the spellings of a resource at its public origin and, when that is loopback, at every local one.

    Args:
        origin: the public origin.
        paths: where the resource answers below it.
        extra_port: the local port that answers without a gateway.
    """
    origins = [origin]
    if is_loopback_url(origin):
        ports = (urlsplit(origin).port or _DEFAULT_PORTS[urlsplit(origin).scheme], extra_port)
        origins += [f"http://{host}:{port}" for port in ports for host in _LOOPBACK_HOSTS]
    return tuple(canonical_uri(base + path) for base in dict.fromkeys(origins) for path in paths)
