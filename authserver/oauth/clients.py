"""Clients: looked up, and authenticated at the endpoints they call themselves (RFC 6749 2.3).

Called by ``oauth.authorization`` (``get``) and by the token and revocation endpoints (``authenticate``).
Must not say why authentication failed: an unknown client and a wrong secret look the same from outside.
"""

import base64
import binascii
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from urllib.parse import unquote

from authserver.cipher import digest
from authserver.errors import OAuthError
from authserver.model import Client, Clock
from authserver.oauth.parameters import Parameters
from authserver.store.protocols import ClientStore

# A registration that is removed or changed takes effect everywhere within this time.
CACHE_SECONDS: Final = 5
_CACHE_ENTRIES: Final = 2048
_TOUCH_INTERVAL_SECONDS: Final = 3600
MAX_CLIENT_ID_CHARACTERS: Final = 512

_REFUSED: Final = "client authentication failed"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client presented. ``secret`` is kept out of its representation, and so out of logs."""

    client_id: str
    method: Literal["none", "basic", "post"]
    _secret: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r}, {self.method})"

    def proves(self, client: Client) -> bool:
        """Tell whether this is all that the client has to show.

        A secret may come by Basic or in the form, whichever was registered: older clients register one and
        use the other, and both prove the same. A public client has no secret and may not show one.
        """
        if client.secret_hash is None:
            return self.method == "none"
        return self.method != "none" and hmac.compare_digest(digest(self._secret[0]), client.secret_hash)


def parse_credentials(authorization: str | None, form: Parameters) -> Credentials:
    """Read the client's credentials from the Authorization header or the form.

    Raises:
        OAuthError: none, malformed, or more than one way at once (RFC 6749 2.3).
    """
    client_id, secret = form.one("client_id"), form.one("client_secret")
    if authorization is None:
        if client_id is None:
            raise OAuthError("invalid_client", "client_id is required")  # RFC 6749 3.2.1
        return Credentials(client_id, "none") if secret is None else Credentials(client_id, "post", (secret,))
    name, password = _basic(authorization)
    if secret is not None:
        raise OAuthError("invalid_request", "use one way of client authentication only")
    if client_id is not None and client_id != name:
        raise OAuthError("invalid_request", "client_id is not the client that authenticates")
    return Credentials(name, "basic", (password,))


class ClientDirectory:
    """Registered clients, remembered for a few seconds.

    Args:
        store: where registrations are.
        clock: seconds since 1970.
    """

    def __init__(self, store: ClientStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache: OrderedDict[str, tuple[float, Client]] = OrderedDict()
        self._touched: OrderedDict[str, float] = OrderedDict()

    def get(self, client_id: str) -> Client | None:
        """Return the client; one that is not there is asked for anew each time."""
        now = self._clock()
        cached = self._cache.get(client_id)
        if cached is not None and 0 <= now - cached[0] < CACHE_SECONDS:
            return cached[1]
        if len(client_id) > MAX_CLIENT_ID_CHARACTERS:
            return None
        client = self._store.get_client(client_id)
        if client is None:
            self._cache.pop(client_id, None)
            return None
        _remember(self._cache, client_id, (now, client))
        return client

    def authenticate(self, credentials: Credentials) -> Client:
        """Return the client that the credentials prove.

        Raises:
            OAuthError: invalid_client.
        """
        client = self.get(credentials.client_id)
        if client is None:
            raise OAuthError("invalid_client", _REFUSED, private_detail="unknown client")
        if not credentials.proves(client):
            raise OAuthError(
                "invalid_client",
                _REFUSED,
                private_detail=f"client {client.client_id}: {credentials.method} refused",
            )
        return client

    def touch(self, client: Client) -> None:
        """Say that the registration is in use, so that it does not expire; seldom reaches the store."""
        now = self._clock()
        last = self._touched.get(client.client_id)
        if last is None or not 0 <= now - last < _TOUCH_INTERVAL_SECONDS:
            self._store.touch_client(client.client_id)
            _remember(self._touched, client.client_id, now)


def _remember(cache: OrderedDict[str, _T], key: str, value: _T) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > _CACHE_ENTRIES:
        cache.popitem(last=False)


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "only the Basic scheme is known here")
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise OAuthError("invalid_client", "the Basic credentials are malformed") from None
    if not colon or not name:
        raise OAuthError("invalid_client", "the Basic credentials are malformed")
    # RFC 6749 2.3.1: both parts are form-encoded before they are joined.
    return unquote(name), unquote(password)
