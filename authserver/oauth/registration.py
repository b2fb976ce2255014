"""Dynamic client registration (RFC 7591): from what a stranger sent to a Client, or to a refusal that says
why.

Called by ``web.register``. Self-registered clients get authorization codes and refresh tokens, nothing
else. Must not fetch anything a registration names, and must not repeat its input in an error.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from authserver.cipher import digest
from authserver.errors import OAuthError
from authserver.model import Client, Clock, TokenEndpointAuthMethod
from authserver.oauth.redirect_uris import RedirectUriRefused, check_registrable
from authserver.store.protocols import ClientStore

MAX_REDIRECT_URIS: Final = 20
_MAX_TEXT_CHARACTERS: Final = 2048
_MAX_LIST_ITEMS: Final = 32
GRANT_TYPES: Final = ("authorization_code", "refresh_token")
RESPONSE_TYPES: Final = ("code",)
AUTH_METHODS: Final[tuple[TokenEndpointAuthMethod, ...]] = (
    "none",
    "client_secret_basic",
    "client_secret_post",
)
# RFC 7591 2: what a registration that does not say means.
_DEFAULT_AUTH_METHOD: Final = "client_secret_basic"
_DEFAULT_GRANT_TYPES: Final = ("authorization_code",)
_TEXTS: Final = ("client_name", "scope", "software_id", "software_version")
_LINKS: Final = ("client_uri", "logo_uri", "tos_uri", "policy_uri")


@dataclass(frozen=True, slots=True)
class Registration:
    """A client that was added, and the secret it is told once; kept out of the representation, and so out
    of logs.
    """

    client: Client
    _secret: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Registration({self.client.client_id!r})"

    def answer(self) -> dict[str, Any]:
        """Return the client information response (RFC 7591 3.2.1): everything that was registered."""
        client = self.client
        body: dict[str, Any] = {
            "client_id": client.client_id,
            "client_id_issued_at": client.issued_at_seconds,
            "token_endpoint_auth_method": client.token_endpoint_auth_method,
            "redirect_uris": client.redirect_uris,
            "grant_types": client.grant_types,
            "response_types": client.response_types,
        }
        if self._secret:
            body |= {"client_secret": self._secret[0], "client_secret_expires_at": 0}  # 0: never
        for name in (*_TEXTS, *_LINKS, "application_type"):
            value = getattr(client, name)
            if value is not None:
                body[name] = value
        if client.contacts:
            body["contacts"] = client.contacts
        return body


class Registrar:
    """Args: store: keeps clients; desktop_schemes: accepted redirect schemes without a dot; clock."""

    def __init__(self, store: ClientStore, desktop_schemes: Collection[str], clock: Clock) -> None:
        self._store = store
        self._desktop_schemes = frozenset(scheme.lower() for scheme in desktop_schemes)
        self._clock = clock

    def register(self, body: bytes) -> Registration:
        """Validate the body, add the client and return it.

        Raises:
            OAuthError: invalid_redirect_uri or invalid_client_metadata (RFC 7591 3.2.2).
        """
        sent = _parse_object(body)
        redirect_uris = self._redirect_uris(sent)
        method = _auth_method(sent)
        secret = () if method == "none" else (secrets.token_urlsafe(32),)
        client = Client(
            client_id=f"mcp-{secrets.token_urlsafe(18)}",
            token_endpoint_auth_method=method,
            redirect_uris=redirect_uris,
            grant_types=_grant_types(sent),
            response_types=_response_types(sent),
            issued_at_seconds=int(self._clock()),
            source="dynamic",
            contacts=_strings(sent, "contacts") or (),
            application_type=_application_type(sent),
            secret_hash=digest(secret[0]) if secret else None,
            client_name=_text(sent, "client_name"),
            scope=_text(sent, "scope"),
            software_id=_text(sent, "software_id"),
            software_version=_text(sent, "software_version"),
            client_uri=_link(sent, "client_uri"),
            logo_uri=_link(sent, "logo_uri"),
            tos_uri=_link(sent, "tos_uri"),
            policy_uri=_link(sent, "policy_uri"),
        )
        self._store.add_client(client)
        return Registration(client, secret)

    def _redirect_uris(self, sent: Mapping[str, Any]) -> tuple[str, ...]:
        uris = sent.get("redirect_uris")
        # RFC 7591 2: clients of redirect-based flows must register them.
        if not isinstance(uris, list) or not uris or not all(isinstance(uri, str) for uri in uris):
            raise OAuthError("invalid_redirect_uri", "redirect_uris must be a list of at least one string")
        if len(uris) > MAX_REDIRECT_URIS:
            raise OAuthError(
                "invalid_redirect_uri", f"at most {MAX_REDIRECT_URIS} redirect_uris are accepted"
            )
        for uri in uris:
            try:
                check_registrable(uri, self._desktop_schemes)
            except RedirectUriRefused as error:
                raise OAuthError("invalid_redirect_uri", str(error)) from None
        return tuple(dict.fromkeys(uris))


def _parse_object(body: bytes) -> Mapping[str, Any]:
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _bad("the body is not JSON") from None
    if not isinstance(sent, dict):
        raise _bad("the body is not a JSON object")
    # null says what absence says.
    return {name: value for name, value in sent.items() if value is not None}


def _auth_method(sent: Mapping[str, Any]) -> TokenEndpointAuthMethod:
    asked = sent.get("token_endpoint_auth_method", _DEFAULT_AUTH_METHOD)
    for method in AUTH_METHODS:
        if method == asked:
            return method
    raise _bad("token_endpoint_auth_method must be none, client_secret_basic or client_secret_post")


def _grant_types(sent: Mapping[str, Any]) -> tuple[str, ...]:
    asked = _strings(sent, "grant_types") or _DEFAULT_GRANT_TYPES
    # RFC 7591 3.2.1 lets the server replace what was asked for: clients list grants they hope for.
    kept = tuple(each for each in GRANT_TYPES if each in asked)
    if "authorization_code" not in kept:
        raise _bad("grant_types must include authorization_code")
    return kept


def _response_types(sent: Mapping[str, Any]) -> tuple[str, ...]:
    asked = _strings(sent, "response_types") or RESPONSE_TYPES
    if "code" not in asked:
        raise _bad("response_types must include code")
    return RESPONSE_TYPES


def _application_type(sent: Mapping[str, Any]) -> str | None:
    value = _text(sent, "application_type")
    if value not in (None, "web", "native"):
        raise _bad("application_type must be web or native")
    return value


def _text(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_TEXT_CHARACTERS:
        raise _bad(f"{name} must be a string of at most {_MAX_TEXT_CHARACTERS} characters")
    return value


def _link(sent: Mapping[str, Any], name: str) -> str | None:
    value = _text(sent, name)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        valid = False
    if not valid or not value.isprintable() or " " in value:
        raise _bad(f"{name} must be an http or https URL")
    return value


def _strings(sent: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    values = sent.get(name)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) > _MAX_LIST_ITEMS:
        raise _bad(f"{name} must be a list of at most {_MAX_LIST_ITEMS} strings")
    if not all(isinstance(value, str) and len(value) <= _MAX_TEXT_CHARACTERS for value in values):
        raise _bad(f"{name} must be a list of strings")
    return tuple(values)


def _bad(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)
