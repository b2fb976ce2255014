"""Clients: looked up, and authenticated at the endpoints they call themselves (RFC 6749 2.3).

Called by ``oauth.authorization`` (``introduce``), by what people come back to (``find``) and by the token and
revocation endpoints (``authenticate``). Must not say why authentication failed: an unknown client and a wrong
secret look the same from outside.
"""

import base64
import binascii
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from urllib.parse import unquote

from authserver.cipher import digest
from authserver.errors import OAuthError
from authserver.model import Client, Clock
from authserver.oauth.clients.assertions import ASSERTION_TYPE, ClientAssertions
from authserver.oauth.clients.documents import ClientDocumentRefused, ClientDocuments, is_document_url
from authserver.oauth.parameters import Parameters
from authserver.store.protocols import ClientStore
from authserver.upstream.assertions import unverified_claims
from authserver.upstream.errors import AssertionUnproven

# A registration that is removed or changed takes effect everywhere within this time.
CACHE_SECONDS: Final = 5
_CACHE_ENTRIES: Final = 2048
_TOUCH_INTERVAL_SECONDS: Final = 3600
MAX_CLIENT_ID_CHARACTERS: Final = 512

_REFUSED: Final = "client authentication failed"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client presented. ``secret`` (or assertion) is kept out of its representation, and so out of
    logs.
    """

    client_id: str
    method: Literal["none", "basic", "post", "private_key_jwt"]
    secret: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r}, {self.method})"


def parse_credentials(authorization: str | None, form: Parameters) -> Credentials:
    """Read the client's credentials from the Authorization header or the form.

    Raises:
        OAuthError: none, malformed, or more than one way at once (RFC 6749 2.3).
    """
    client_id, secret = form.one("client_id"), form.one("client_secret")
    assertion, assertion_type = form.one("client_assertion"), form.one("client_assertion_type")
    has_assertion = assertion is not None or assertion_type is not None
    if sum((authorization is not None, secret is not None, has_assertion)) > 1:
        raise OAuthError("invalid_request", "use one way of client authentication only")
    if has_assertion:
        return _assertion(client_id, assertion, assertion_type)
    if authorization is None:
        if client_id is None:
            raise OAuthError("invalid_client", "client_id is required")  # RFC 6749 3.2.1
        return Credentials(client_id, "none") if secret is None else Credentials(client_id, "post", (secret,))
    name, password = _basic(authorization)
    if client_id is not None and client_id != name:
        raise OAuthError("invalid_request", "client_id is not the client that authenticates")
    return Credentials(name, "basic", (password,))


class ClientDirectory:
    """Registered clients, remembered for a few seconds, and those that introduce themselves by a document.

    Args:
        store: where registrations are.
        clock: seconds since 1970.
        configured: the operator's clients that are not in the store, by client_id.
        documents: reads metadata documents; None: there are no such clients.
        assertions: checks private_key_jwt; None: nobody uses it.
    """

    def __init__(
        self,
        store: ClientStore,
        clock: Clock,
        *,
        configured: Mapping[str, Client] | None = None,
        documents: ClientDocuments | None = None,
        assertions: ClientAssertions | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self.configured = configured or {}
        self._documents = documents
        self._assertions = assertions
        self._cache: OrderedDict[str, tuple[float, Client]] = OrderedDict()
        self._touched: OrderedDict[str, float] = OrderedDict()

    def get(self, client_id: str) -> Client | None:
        """Return a registered client that is not disabled; one that is not there is looked up each time."""
        client = self._registered(client_id)
        return None if client is None or client.is_disabled else client

    def is_registered(self, client_id: str) -> bool:
        """Tell whether the id is taken by a registration, be it disabled."""
        return self._registered(client_id) is not None

    def named(self, client_id: str) -> Client | None:
        """Return a registered client, be it disabled, to show it to a person; it may do nothing by this."""
        return self._registered(client_id)

    def introduce(self, client_id: str) -> Client | None:
        """Return who wants to be authorized: a registered client, or one whose metadata is published there.

        Raises:
            ClientDocumentRefused: the client_id is a URL that leads to no client.
        """
        client = self._registered(client_id)
        if client is None and self._documents is not None and is_document_url(client_id):
            return self._documents.load(client_id)
        return None if client is None or client.is_disabled else client

    def find(self, client_id: str, snapshot: Client | None) -> Client | None:
        """Return who comes back: a registered client, or what a document said when the person agreed.

        Args:
            client_id: whose.
            snapshot: kept with what the person agreed to; None where no document had a part in it.
        """
        client = self._registered(client_id)
        if client is None and snapshot is not None and snapshot.client_id == client_id:
            return snapshot if self._is_accepted(client_id) else None
        return None if client is None or client.is_disabled else client

    def is_document(self, client_id: str) -> bool:
        """Tell whether only a snapshot can say who that is."""
        return is_document_url(client_id) and self._registered(client_id) is None

    def authenticate(self, credentials: Credentials, snapshot: Client | None = None) -> Client:
        """Return the client that the credentials prove.

        Args:
            credentials: what it presented.
            snapshot: as for ``find``.

        Raises:
            OAuthError: invalid_client.
            UnavailableError: the client's keys cannot be fetched at the moment.
        """
        client = self.find(credentials.client_id, snapshot)
        if client is None:
            raise OAuthError("invalid_client", _REFUSED, private_detail="unknown client")
        problem = self._problem(credentials, client)
        if problem is not None:
            raise OAuthError(
                "invalid_client",
                _REFUSED,
                private_detail=f"client {client.client_id}: {credentials.method} refused, {problem}",
            )
        return client

    def touch(self, client: Client) -> None:
        """Say that the registration is in use, so that it does not expire; seldom reaches the store."""
        if client.source == "document":
            return
        now = self._clock()
        last = self._touched.get(client.client_id)
        if last is None or not 0 <= now - last < _TOUCH_INTERVAL_SECONDS:
            self._store.touch_client(client.client_id)
            _remember(self._touched, client.client_id, now)

    def forget(self, client_id: str) -> None:
        """Look the client up anew next time: its registration was changed here."""
        self._cache.pop(client_id, None)

    def _registered(self, client_id: str) -> Client | None:
        if client_id in self.configured:
            return self.configured[client_id]
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

    def _is_accepted(self, client_id: str) -> bool:
        if self._documents is None:
            return False
        try:
            self._documents.check(client_id)
        except ClientDocumentRefused:
            return False
        return True

    def _problem(self, credentials: Credentials, client: Client) -> str | None:
        if client.token_endpoint_auth_method == "private_key_jwt":  # noqa: S105 - the name of a method
            if credentials.method != "private_key_jwt" or self._assertions is None:
                return "it has to sign"
            try:
                self._assertions.check(credentials.secret[0], client)
            except AssertionUnproven as error:
                return str(error)
            return None
        if client.secret_hash is None:
            # A public client has no secret and may not show one.
            return None if credentials.method == "none" else "it has no secret"
        # A secret may come by Basic or in the form, whichever was registered: older clients register one and
        # use the other, and both prove the same.
        if credentials.method not in ("basic", "post"):
            return "it has to show its secret"
        return None if _is_secret(credentials.secret[0], client, self._clock()) else "wrong secret"


def _is_secret(presented: str, client: Client, now: float) -> bool:
    presented_hash = digest(presented)
    is_current = hmac.compare_digest(presented_hash, client.secret_hash or "")
    is_previous = hmac.compare_digest(presented_hash, client.previous_secret_hash or "")
    return is_current or (is_previous and now < (client.previous_secret_until_seconds or 0))


def _remember(cache: OrderedDict[str, _T], key: str, value: _T) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > _CACHE_ENTRIES:
        cache.popitem(last=False)


def _assertion(client_id: str | None, assertion: str | None, assertion_type: str | None) -> Credentials:
    if assertion is None or assertion_type != ASSERTION_TYPE:
        raise OAuthError("invalid_client", "this kind of client_assertion is not known here")
    if client_id is None:
        # RFC 7523 3: the assertion names the client; whether rightly is for ``authenticate`` to say.
        try:
            subject = unverified_claims(assertion).get("sub")
        except AssertionUnproven:
            subject = None
        if not isinstance(subject, str) or not subject:
            raise OAuthError("invalid_client", "the client_assertion is malformed")
        client_id = subject
    return Credentials(client_id, "private_key_jwt", (assertion,))


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
