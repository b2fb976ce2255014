"""The gateway's own names: which Host headers it answers to, and the URL each stands for.

Used by ``connection``. The public origin is selected by the Host header from this list, never built from
it. Must not look at any other header.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::[0-9]{1,5})?")


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
    origins = [Origin("http", name, port) for name in _LOOPBACK]
    origins.append(Origin(parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme]))
    known: dict[str, Origin] = {}
    for origin in origins:
        known[f"{origin.host}:{origin.port}"] = origin
        if origin.port == _DEFAULT_PORTS[origin.scheme]:
            known[origin.host] = origin
    for name in _LOOPBACK:
        known.setdefault(name, known[f"{name}:{port}"])
    return known


def select(known: Mapping[str, Origin], host: str) -> Origin | None:
    """Return what a Host header stands for, None when it is a foreign name.

    Another port of this machine stands for the gateway's own: a tunnel or a proxy listens there and passes
    the Host on. A page that rebinds its own name to 127.0.0.1 still says that name.
    """
    host = host.lower()
    name = _HOST.fullmatch(host)
    return known.get(host) or (known.get(name[1]) if name and name[1] in _LOOPBACK else None)
