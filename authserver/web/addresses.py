"""From where a request comes: the address that the trusted edge saw, and the program that says it sends it.

Called by the endpoints that show it to a person or count by it. Must not believe X-Forwarded-For without the
gateway's marker, nor any of it beyond the proxies that are ours.
"""

import ipaddress
import re
from typing import Final

from authserver.web.http import HttpRequest

_UNKNOWN: Final = "an unknown address"
# A household or a host is given that much of IPv6; each of its addresses is the same caller.
_IPV6_PREFIX_BITS: Final = 64
# Browsers name each other in their user agents; the first of these that is there says which one it is.
_BROWSERS: Final = {"Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
# Azure's Application Gateway writes the caller's port behind the address.
_WITH_PORT: Final = re.compile(r"([0-9.]+):[0-9]+|\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?")
_PRODUCT: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")


class Addresses:
    """Args: trusted_hops: how many proxies in front add to X-Forwarded-For, the gateway included."""

    def __init__(self, trusted_hops: int) -> None:
        self._trusted_hops = trusted_hops

    def address_of(self, request: HttpRequest) -> str:
        """Return the address in its one spelling; words where there is none."""
        if request.behind_gateway:
            hops = [hop.strip() for hop in request.unverified_forwarded_for.split(",")]
            # The last hops are written by our own proxies, whatever stood there before.
            forwarded = _normal(_without_port(hops[-min(self._trusted_hops, len(hops))]))
            if forwarded:
                return forwarded
        return _normal(request.peer) or _UNKNOWN


def network_of(address: str) -> str:
    """Return what is counted together: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed), _IPV6_PREFIX_BITS), strict=False))
    return str(parsed)


def program_of(request: HttpRequest) -> str:
    """Return the family of the user agent, as a person would name it."""
    agent = request.user_agent
    if agent.startswith("Mozilla/"):
        return next((name for mark, name in _BROWSERS.items() if f"{mark}/" in agent), "a browser")
    product = _PRODUCT.match(agent)
    return product.group() if product else "an unnamed program"


def _without_port(hop: str) -> str:
    found = _WITH_PORT.fullmatch(hop)
    return hop if found is None else found[1] or found[2]


def _normal(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
