"""Clients that the operator registered: from the clients file, and from ``authserver clients add``.

Called where the server is put together and by ``cli.clients``. They may have every grant, are shown as
verified, and have their scopes from here alone (``scope`` is what they may get at most). A secret is never
written down: ``secret_hash`` is its digest, which the command line makes.
"""

import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from authserver.cipher import digest
from authserver.errors import OAuthError, SettingsError
from authserver.model import Client
from authserver.oauth.clients.metadata import (
    LINKS,
    OPERATOR_GRANT_TYPES,
    SECRET_METHODS,
    TEXTS,
    Rules,
    bad_metadata,
    members,
)
from authserver.resources import canonical_uri

VARIABLE: Final = "AUTHSERVER_CLIENTS_FILE"
# What can stand in every place where a client_id stands: RFC 6749 A.1 without spaces, quotes and backslashes.
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._~:/?@!$&()*+,;=%-]{1,512}")
_SECRET_HASH: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_NO_PROOF: Final = ("none",)
_OWN_MEMBERS: Final = ("client_id", "secret_hash", "introspects", "is_disabled")
_METADATA_MEMBERS: Final = (
    *TEXTS,
    *LINKS,
    *("token_endpoint_auth_method", "grant_types", "response_types", "redirect_uris"),
    *("application_type", "contacts", "jwks", "jwks_uri"),
)


@dataclass(frozen=True, slots=True)
class OperatorRules:
    """What an operator's entry may say.

    Attributes:
        metadata: as for clients that register themselves; here they may have every grant.
        scopes: those there are.
        resources: URIs of the resources there are, and their aliases.
    """

    metadata: Rules
    scopes: frozenset[str]
    resources: frozenset[str]


def new_secret() -> tuple[str, str]:
    """Return a new secret, which is shown once, and its hash, which is kept."""
    secret = secrets.token_urlsafe(32)
    return secret, digest(secret)


def operator_client(entry: Mapping[str, Any], rules: OperatorRules, now_seconds: int) -> Client:
    """Return the client that an entry describes.

    Raises:
        OAuthError: invalid_client_metadata or invalid_redirect_uri.
    """
    for name in entry:
        if name == "client_secret":
            raise bad_metadata("client_secret must not be written down; give its secret_hash")
        if name not in _OWN_MEMBERS and name not in _METADATA_MEMBERS:
            raise bad_metadata(f"{name[:40]!r} is no member of a client")
    client_id = entry.get("client_id")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise bad_metadata("client_id must be 1 to 512 characters without spaces and quotes")
    is_disabled = entry.get("is_disabled", False)
    if not isinstance(is_disabled, bool):
        raise bad_metadata("is_disabled must be true or false")
    described = members(
        entry, replace(rules.metadata, grant_types=OPERATOR_GRANT_TYPES, redirect_hosts=None, is_exact=True)
    )
    _check_grants(described, introspects=bool(entry.get("introspects")))
    _check_scope(described["scope"], rules.scopes)
    return Client(
        client_id=client_id,
        issued_at_seconds=now_seconds,
        source="operator",
        secret_hash=_secret_hash(entry.get("secret_hash"), described["token_endpoint_auth_method"]),
        introspects=_introspects(entry.get("introspects", []), rules.resources),
        is_disabled=is_disabled,
        **described,
    )


def with_new_secret(client: Client, now_seconds: int, overlap_seconds: int) -> tuple[Client, str]:
    """Return the client with a new secret, and that secret; the one before is good for the overlap still.

    Raises:
        OAuthError: invalid_client_metadata, when the client has no secret.
    """
    if client.secret_hash is None:
        raise bad_metadata(f"a client of {client.token_endpoint_auth_method} has no secret")
    secret, secret_hash = new_secret()
    previous = client.secret_hash if overlap_seconds else None
    return replace(
        client,
        secret_hash=secret_hash,
        previous_secret_hash=previous,
        previous_secret_until_seconds=now_seconds + overlap_seconds if overlap_seconds else None,
    ), secret


def load_clients_file(path: Path, rules: OperatorRules, now_seconds: int) -> dict[str, Client]:
    """Return the clients of a JSON file, by client_id.

    Raises:
        SettingsError: one line that names the entry.
    """
    try:
        entries = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{VARIABLE}: unreadable ({type(error).__name__})") from None
    except orjson.JSONDecodeError as error:
        raise SettingsError(f"{VARIABLE}: is not JSON (line {error.lineno})") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(f"{VARIABLE}: must be a list of objects")
    clients: dict[str, Client] = {}
    for number, entry in enumerate(entries):
        named = entry.get("client_id")
        place = f"{VARIABLE}: [{number}]" + (f" {named[:100]!r}" if isinstance(named, str) else "")
        try:
            client = operator_client({k: v for k, v in entry.items() if v is not None}, rules, now_seconds)
        except OAuthError as error:
            raise SettingsError(f"{place}: {error.description}") from None
        if client.client_id in clients:
            raise SettingsError(f"{place}: this client_id stands there twice")
        clients[client.client_id] = client
    return clients


def _check_grants(described: Mapping[str, Any], *, introspects: bool) -> None:
    grant_types = described["grant_types"]
    if not grant_types and not introspects:
        raise bad_metadata("a client that has no grant_types needs introspects")
    if "client_credentials" in grant_types and described["token_endpoint_auth_method"] in _NO_PROOF:
        raise bad_metadata("client_credentials is for clients that authenticate")  # RFC 6749 4.4
    if "client_credentials" in grant_types and not described["scope"]:
        raise bad_metadata("client_credentials needs a scope")
    if grant_types == ("refresh_token",):
        raise bad_metadata("refresh_token alone gives no tokens")


def _check_scope(scope: str | None, known: Collection[str]) -> None:
    if set((scope or "").split()) - set(known):
        raise bad_metadata("scope has one that no resource has")


def _secret_hash(value: Any, method: str) -> str | None:
    if method not in SECRET_METHODS:
        if value is not None:
            raise bad_metadata(f"a client of {method} has no secret_hash")
        return None
    if not isinstance(value, str) or not _SECRET_HASH.fullmatch(value):
        raise bad_metadata(f"{method} needs a secret_hash, as `authserver clients secret` makes it")
    return value


def _introspects(value: Any, known: Collection[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(uri, str) for uri in value):
        raise bad_metadata("introspects must be a list of resource URIs")
    try:
        uris = tuple(dict.fromkeys(map(canonical_uri, value)))
    except ValueError:
        uris = ("",)
    if set(uris) - set(known):
        raise bad_metadata("introspects has a URI that is no resource")
    return uris
