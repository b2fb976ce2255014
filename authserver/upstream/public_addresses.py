"""Which hosts this server may connect to on a stranger's word: names of public unicast addresses only.

Called by ``upstream.public_documents``. A URL that a client brought must not lead into the network that this
server stands in (server-side request forgery), so addresses are allowed by list: whatever an address looks
like (mapped, translated, tunnelled, written in other bases), it is global unicast and of no special purpose
(RFC 6890 and IANA's registries), or it is refused. Must not connect to anything.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

# Returns the addresses of a name, in the order in which they should be tried; OSError when there are none.
Resolver = Callable[[str, int], Sequence[str]]

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_HOST_CHARACTERS: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# How the last label of a host ends when URL parsers take the host for an IPv4 address, in any base.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")

_SPECIAL_V4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # the platform address of every Azure virtual network
            "169.254.0.0/16",  # link-local, with the clouds' metadata services
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # multicast tunnels
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
# All of IPv6 that is given out for unicast. What holds IPv4 addresses (mapped ::ffff:0:0/96, NAT64
# 64:ff9b::/96 and 64:ff9b:1::/48), unique local, link-local, multicast lie outside of it.
_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments, with Teredo and benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)


class AddressRefused(Exception):
    """This server does not connect there; the message is for the log."""


def check_host(host: str, *, loopback: bool) -> None:
    """Refuse what is no DNS name of at least two labels: single labels and addresses in any spelling.

    Args:
        host: as ``urlsplit`` gives it, in lower case and without brackets.
        loopback: whether localhost and the loopback addresses are accepted too.

    Raises:
        AddressRefused: it is none.
    """
    if loopback and host in _LOOPBACK_NAMES:
        return
    labels = host.split(".")
    if len(host) > _MAX_HOST_CHARACTERS or len(labels) < 2 or _NUMBER.fullmatch(labels[-1]):
        raise AddressRefused("the host is not a DNS name")
    if not all(map(_LABEL.fullmatch, labels)):
        raise AddressRefused("the host is not a DNS name")


def public_addresses(host: str, port: int, resolve: Resolver, *, loopback: bool) -> tuple[str, ...]:
    """Return the addresses of a host, every one of which is public.

    A name with a public and a private address is refused as a whole: no honest name has both.

    Args:
        host: checked by ``check_host``.
        port: given to the resolver.
        resolve: asks DNS.
        loopback: whether loopback addresses are accepted too.

    Raises:
        AddressRefused: one of them is not public, or there are none.
        OSError: the name cannot be resolved.
    """
    addresses = tuple(dict.fromkeys(resolve(host, port)))
    if not addresses:
        raise AddressRefused("the host has no address")
    for address in addresses:
        if not is_public(address) and not (loopback and _is_loopback(address)):
            raise AddressRefused(f"the host has an address that is not public: {address}")
    return addresses


def is_public(address: str) -> bool:
    """Tell whether an address, as a resolver wrote it, is global unicast and of no special purpose."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _SPECIAL_V4)
    # A zone (fe80::1%eth0) belongs to a link, never to the internet.
    return (
        parsed.scope_id is None
        and parsed in _GLOBAL_V6
        and not any(parsed in network for network in _SPECIAL_V6)
    )


def is_listed(host: str, entries: Collection[str]) -> bool:
    """Tell whether an operator listed a host: ``example.com`` is that one, ``*.example.com`` all below."""
    name = host.lower()
    parents = (f"*.{name[i + 1 :]}" for i, character in enumerate(name) if character == ".")
    wanted = {name, *parents}
    return any(entry.lower() in wanted for entry in entries)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
