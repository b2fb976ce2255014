"""How often clients may register: the one endpoint at which a stranger makes this server keep something
(RFC 7591 5).

Mounted by ``app`` on the view of POST /register. Counts twice: by the address that the caller has at the
gateway, and, ten times as generously, by the address that the connection comes from, because who reaches
this server past the gateway can claim any address. Each worker counts for itself; with Redis they count
together, and go on alone while it is away. Must not believe X-Forwarded-For without the gateway's marker.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Flask, Response, request
from flask_limiter import Limiter, RateLimitExceeded

from authserver.settings import Settings
from authserver.web.http import HttpRefusal

# One gateway stands for many callers.
_CONNECTION_FACTOR: Final = 10
# A household or a host is given that much of IPv6; each of its addresses is the same caller.
_IPV6_PREFIX_BITS: Final = 64
# A Redis that hangs must not keep a client waiting for the counter first and for the store afterwards.
_REDIS_PATIENCE: Final[dict[str, str | int]] = {"socket_timeout": 1, "socket_connect_timeout": 1}
_TOO_OFTEN: Final = HttpRefusal(
    429, "temporarily_unavailable", "too many registrations, try again later", (("Retry-After", "60"),)
)


def limit_registrations(
    app: Flask, endpoint: str, settings: Settings, refuse: Callable[[HttpRefusal], Response]
) -> None:
    """Put the limits in front of a view.

    Args:
        app: whose view it is.
        endpoint: the view's name.
        settings: how many a minute, and where they are counted.
        refuse: answers what is too often.
    """
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    is_shared = redis_url.startswith(("redis://", "rediss://")) and not settings.redis_cluster
    limiter = Limiter(
        lambda: caller(request.environ),
        app=app,
        storage_uri=redis_url if is_shared else "memory://",
        storage_options=_REDIS_PATIENCE if is_shared else {},
        in_memory_fallback_enabled=True,
        key_prefix="authserver-registrations",
        # Who is over their own limit does not use up what everybody behind the gateway has.
        fail_on_first_breach=True,
    )
    per_minute = settings.registrations_per_minute
    by_caller = limiter.limit(f"{per_minute} per minute", methods=["POST"])
    by_connection = limiter.limit(
        f"{per_minute * _CONNECTION_FACTOR} per minute",
        key_func=lambda: f"connection {_network(request.environ.get('REMOTE_ADDR', ''))}",
        methods=["POST"],
    )
    limited: Any = by_caller(by_connection(app.view_functions[endpoint]))
    app.view_functions[endpoint] = limited

    def too_often(_error: RateLimitExceeded) -> Response:
        return refuse(_TOO_OFTEN)

    app.register_error_handler(RateLimitExceeded, too_often)


def caller(environ: Mapping[str, Any]) -> str:
    """Return whose registrations are counted together: a network, IPv4 /32 or IPv6 /64."""
    if "HTTP_X_PUBLIC_ORIGIN" in environ:
        # The gateway dropped what came from outside, so the first address is the one that it saw itself;
        # what proxies between it and here added stands behind.
        first = environ.get("HTTP_X_FORWARDED_FOR", "").partition(",")[0].strip()
        forwarded = _network(first)
        if forwarded:
            return forwarded
    return _network(environ.get("REMOTE_ADDR", "")) or "unknown"


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _IPV6_PREFIX_BITS), strict=False))
    return str(parsed)
