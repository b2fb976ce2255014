"""The gateway's own names: which Host headers it answers to, and the URL each stands for.

Used by ``connection``. The public origin is selected by the Host header from this list, never built from
it. Must not look at any other header.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (an IPv6 address in brackets) and port."""

    scheme: str
    host: str
    port: int


def known_origins(port: int, public_url: str) -> Mapping[str, Origin]:
    """Return the origins by Host header, lower case.

    Args:
        port: where the gateway listens on loopback.
        public_url: where clients find it, which may be a proxy in front.

    Raises:
        ValueError: ``public_url`` is not ``http(s)://host[:port]``.
    """
    parts = urlsplit(public_url)
    if (
        parts.scheme not in _DEFAULT_PORTS
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.username
    ):
        raise ValueError(
            f"public-url {public_url!r} must be http(s)://host[:port] without a slash at its end"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origins = [Origin("http", name, port) for name in ("localhost", "127.0.0.1", "[::1]")]
    origins.append(Origin(parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme]))
    known: dict[str, Origin] = {}
    for origin in origins:
        known[f"{origin.host}:{origin.port}"] = origin
        if origin.port == _DEFAULT_PORTS[origin.scheme]:
            known[origin.host] = origin
    return known
