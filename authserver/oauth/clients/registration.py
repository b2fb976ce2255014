"""Dynamic client registration (RFC 7591) and its management (RFC 7592): from what a stranger sent to a
Client, or to a refusal that says why.

Called by ``web.register`` and ``web.client_configuration``. Self-registered clients get authorization codes
and refresh tokens, nothing else. Must not fetch anything a registration names, and must not repeat its input
in an error.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from authserver.cipher import digest
from authserver.errors import AuthServerError
from authserver.model import Client, Clock
from authserver.oauth.clients.metadata import (
    LINKS,
    SECRET_METHODS,
    TEXTS,
    Rules,
    bad_metadata,
    members,
    parse_object,
)
from authserver.oauth.clients.sessions import ClientSessions
from authserver.store.protocols import ClientStore

# RFC 7592 2.2: what the server says, a client does not send back.
_SERVERS_MEMBERS: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


class RegistrationTokenRefused(AuthServerError):
    """No registration access token, or another registration's (RFC 7592 2.1)."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as it is registered, and what it is told of its secrets; kept out of the representation, and
    so out of logs.

    Attributes:
        uri: where the registration is managed.
        token: manages it (RFC 7592 3).
        secret: told once, when it is made.
    """

    client: Client
    uri: str
    token: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Registration({self.client.client_id!r})"

    def answer(self) -> dict[str, Any]:
        """Return the client information response (RFC 7591 3.2.1, RFC 7592 3): all that is registered."""
        body = {
            "client_id_issued_at": self.client.issued_at_seconds,
            "registration_client_uri": self.uri,
            "registration_access_token": self.token,
            **described(self.client),
        }
        if self.secret is not None:
            body |= {"client_secret": self.secret, "client_secret_expires_at": 0}  # 0: never
        return body


class Registrar:
    """Args: store: keeps clients; rules: for what they send; sessions: of clients; endpoint: URL of a
    registration's place, to which its client_id is added; changed: told which client's registration changed.
    """

    def __init__(
        self,
        store: ClientStore,
        rules: Rules,
        sessions: ClientSessions,
        clock: Clock,
        *,
        endpoint: str,
        changed: Callable[[str], None],
    ) -> None:
        self._store = store
        self._rules = rules
        self._sessions = sessions
        self._clock = clock
        self._endpoint = endpoint
        self._changed = changed

    def register(self, body: bytes) -> Registration:
        """Validate the body, add the client and return it.

        Raises:
            OAuthError: invalid_redirect_uri or invalid_client_metadata (RFC 7591 3.2.2).
        """
        described_members = members(parse_object(body), self._rules)
        secret = _new_secret(described_members)
        token = secrets.token_urlsafe(32)
        client = Client(
            client_id=f"mcp-{secrets.token_urlsafe(18)}",
            issued_at_seconds=int(self._clock()),
            source="dynamic",
            secret_hash=None if secret is None else digest(secret),
            registration_token_hash=digest(token),
            **described_members,
        )
        self._store.add_client(client)
        return self._registration(client, token, secret)

    def read(self, client_id: str, token: str | None) -> Registration:
        """Return the registration (RFC 7592 2.1); its secret is not known here.

        Raises:
            RegistrationTokenRefused: the token is not this registration's.
        """
        client, proven = self._proven(client_id, token)
        return self._registration(client, proven)

    def update(self, client_id: str, token: str | None, body: bytes) -> Registration:
        """Replace what was registered (RFC 7592 2.2).

        The secret stays; one is made, and told, where the client had none and needs one from now on.

        Raises:
            RegistrationTokenRefused: the token is not this registration's.
            OAuthError: invalid_redirect_uri or invalid_client_metadata.
        """
        client, proven = self._proven(client_id, token)
        sent = parse_object(body)
        _check_update(sent, client)
        described_members = members(sent, self._rules)
        needs_secret = described_members["token_endpoint_auth_method"] in SECRET_METHODS
        secret = _new_secret(described_members) if client.secret_hash is None else None
        secret_hash = client.secret_hash if secret is None else digest(secret)
        updated = replace(client, **described_members, secret_hash=secret_hash if needs_secret else None)
        if not self._store.update_client(updated):
            raise RegistrationTokenRefused("removed meanwhile")
        self._changed(client_id)
        return self._registration(updated, proven, secret)

    def remove(self, client_id: str, token: str | None) -> int:
        """Remove the registration and end its sessions (RFC 7592 2.3); return how many there were.

        Raises:
            RegistrationTokenRefused: the token is not this registration's.
        """
        self._proven(client_id, token)
        # First the registration: no session can begin afterwards that is not found.
        self._store.remove_client(client_id)
        self._changed(client_id)
        return self._sessions.end_all(client_id)

    def _proven(self, client_id: str, token: str | None) -> tuple[Client, str]:
        client = self._store.get_client(client_id)
        if token is None or client is None or client.registration_token_hash is None or client.is_disabled:
            raise RegistrationTokenRefused("no token, or no such registration")
        if not hmac.compare_digest(digest(token), client.registration_token_hash):
            raise RegistrationTokenRefused("another token")
        return client, token

    def _registration(self, client: Client, token: str, secret: str | None = None) -> Registration:
        return Registration(client, f"{self._endpoint}/{quote(client.client_id, safe='')}", token, secret)


def described(client: Client) -> dict[str, Any]:
    """Return a client's metadata as it is written in JSON (RFC 7591 2), without secrets."""
    body: dict[str, Any] = {
        "client_id": client.client_id,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": client.response_types,
    }
    for name in (*TEXTS, *LINKS, "application_type", "jwks", "jwks_uri"):
        value = getattr(client, name)
        if value is not None:
            body[name] = value
    if client.contacts:
        body["contacts"] = client.contacts
    return body


def _new_secret(described_members: Mapping[str, Any]) -> str | None:
    if described_members["token_endpoint_auth_method"] not in SECRET_METHODS:
        return None
    return secrets.token_urlsafe(32)


def _check_update(sent: Mapping[str, Any], client: Client) -> None:
    if sent.get("client_id") != client.client_id:
        raise bad_metadata("client_id must be the one of this registration")
    for name in _SERVERS_MEMBERS:
        if name in sent:
            raise bad_metadata(f"{name} must not be sent")
    secret = sent.get("client_secret")
    if secret is not None:
        # RFC 7592 2.2: it may be repeated, not chosen.
        is_current = isinstance(secret, str) and hmac.compare_digest(digest(secret), client.secret_hash or "")
        if not is_current:
            raise bad_metadata("client_secret must be the one that was issued")
