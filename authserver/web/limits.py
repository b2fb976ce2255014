"""How often the endpoints may be asked: by one client at one network, by a network, by a connection's peer.

Asked by ``web.edge`` before an endpoint is, for every endpoint that is not for operators. Counting is
Flask-Limiter's engine on ``store.minute_counts``, because the edge answers ``/token`` without Flask and the
client's name stands in the body. A client is counted together with where it calls from: whoever names
somebody else's client_id spends nothing of theirs. The name is taken as it was sent, proven by nothing, so it
limits clients that run wild; who tries to get around it meets the limit of the network. Must not answer, and
must not keep a secret in a key.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from authserver.model import Clock
from authserver.store.minute_counts import MINUTE_SECONDS, MinuteCounts
from authserver.web.addresses import Addresses, network_of
from authserver.web.http import Endpoint, HttpRefusal, HttpRequest

# People of one office share a network, so do the clients of one person.
NETWORK_FACTOR: Final = 5
# One gateway stands for many callers; who reaches this server around it can pretend any address but this.
PEER_FACTOR: Final = 10
# For probes and operators; the gateway does not route them.
_UNLIMITED: Final = frozenset(("healthz", "readyz", "metrics"))
_CLIENT_ID: Final = re.compile(r"(?:^|&)client_id=([^&]+)")
_CLIENT_ID_BYTES: Final = re.compile(rb"(?:^|&)client_id=([^&]+)")
_LONGEST_NAME: Final = 64
_MOST_REMEMBERED: Final = 10_000
_LONGEST_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests in a minute. ``client``: of one client at one network, at each endpoint but the token
    endpoint; ``tokens``: there; ``registrations``: of one network.
    """

    client: int
    tokens: int
    registrations: int


@dataclass(frozen=True, slots=True)
class _Limits:
    client: RateLimitItem | None
    network: RateLimitItem
    peer: RateLimitItem


class RequestLimits:
    """Args: rates; addresses: from where a request comes; by_client and by_network: where each is counted,
    apart so that names that a stranger makes up leave networks counted; clock.
    """

    def __init__(
        self,
        rates: Rates,
        addresses: Addresses,
        by_client: MinuteCounts,
        by_network: MinuteCounts,
        clock: Clock,
    ) -> None:
        self._addresses = addresses
        self._clients = FixedWindowRateLimiter(by_client)
        self._networks = FixedWindowRateLimiter(by_network)
        self._clock = clock
        self._usual = _limits(rates.client, rates.client * NETWORK_FACTOR)
        self._special = {
            "token": _limits(rates.tokens, rates.tokens * NETWORK_FACTOR),
            "register": _limits(None, rates.registrations),
        }
        self._remembered: dict[tuple[bool, str, str], str] = {}

    def count(self, endpoint: Endpoint, request: HttpRequest) -> None:
        """Count one request.

        Raises:
            HttpRefusal: 429; it is one too many. Who is over the narrower limit uses up nothing of the wider.
        """
        name = endpoint.name
        if name in _UNLIMITED:
            return
        limits = self._special.get(name, self._usual)
        network = self._network(request)
        if limits.client is not None:
            client = _unverified_client(request)
            if client is not None and not self._clients.hit(limits.client, name, network, client):
                raise self._too_often()
        if not self._networks.hit(limits.network, name, network):
            raise self._too_often()
        if request.behind_gateway and not self._networks.hit(limits.peer, name, "peer", request.peer):
            raise self._too_often()

    def _network(self, request: HttpRequest) -> str:
        # Reading an address costs more than all of the counting.
        seen = (request.behind_gateway, request.peer, request.unverified_forwarded_for)
        network = self._remembered.get(seen)
        if network is None:
            network = network_of(self._addresses.address_of(request))
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            if len(request.unverified_forwarded_for) <= _LONGEST_REMEMBERED:
                self._remembered[seen] = network
        return network

    def _too_often(self) -> HttpRefusal:
        # RFC 6585 4.
        seconds = MINUTE_SECONDS - int(self._clock()) % MINUTE_SECONDS
        return HttpRefusal(
            429,
            "temporarily_unavailable",
            "too many requests, try again later",
            (("Retry-After", str(seconds)),),
        )


def _limits(client: int | None, network: int) -> _Limits:
    return _Limits(
        None if client is None else RateLimitItemPerMinute(client),
        RateLimitItemPerMinute(network),
        RateLimitItemPerMinute(network * PEER_FACTOR),
    )


def _unverified_client(request: HttpRequest) -> str | None:
    """Return the client_id that the request names, whoever sent it, as it stands there."""
    authorization = request.authorization
    if authorization is not None:
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() == "basic":
            return _short(_user_of(credentials))
    found = _CLIENT_ID_BYTES.search(request.body) if request.body else None
    if found is not None:
        return _short(found[1].decode("latin-1"))
    named = _CLIENT_ID.search(request.query) if request.query else None
    return _short(named[1]) if named is not None else None


def _user_of(credentials: str) -> str:
    try:
        return (
            base64.b64decode(credentials.encode("ascii"), validate=True).partition(b":")[0].decode("latin-1")
        )
    except (binascii.Error, UnicodeEncodeError):
        return ""


def _short(name: str) -> str | None:
    if len(name) <= _LONGEST_NAME:
        return name or None
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
