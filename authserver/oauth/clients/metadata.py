"""Client metadata (RFC 7591 2), whoever it comes from: checked, and made the members of a Client.

Called by ``registration`` (what a client registers), ``documents`` (what it publishes) and ``operators``
(what an operator writes down). They differ in what they may ask for, which is what ``Rules`` says. Must not
fetch anything that is named, and must not repeat its input in an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import urlsplit

import orjson

from authserver.errors import OAuthError
from authserver.model import TokenEndpointAuthMethod
from authserver.oauth.clients.keys import KeysRefused, checked_key_set
from authserver.oauth.redirect_uris import RedirectUriRefused, check_registrable, target_of
from authserver.upstream.errors import DocumentRefused
from authserver.upstream.public_addresses import is_listed
from authserver.upstream.public_documents import Documents

MAX_REDIRECT_URIS: Final = 20
_MAX_TEXT_CHARACTERS: Final = 2048
_MAX_LIST_ITEMS: Final = 32
SELF_SERVICE_GRANT_TYPES: Final = ("authorization_code", "refresh_token")
OPERATOR_GRANT_TYPES: Final = (
    *SELF_SERVICE_GRANT_TYPES,
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
)
RESPONSE_TYPES: Final = ("code",)
AUTH_METHODS: Final[tuple[TokenEndpointAuthMethod, ...]] = get_args(TokenEndpointAuthMethod)
SECRET_METHODS: Final = ("client_secret_basic", "client_secret_post")
# RFC 7591 2: what metadata that does not say means.
_DEFAULT_AUTH_METHOD: Final = "client_secret_basic"
_DEFAULT_GRANT_TYPES: Final = ("authorization_code",)
TEXTS: Final = ("client_name", "scope", "software_id", "software_version")
LINKS: Final = ("client_uri", "logo_uri", "tos_uri", "policy_uri")


@dataclass(frozen=True, slots=True)
class Rules:
    """What metadata may ask for.

    Attributes:
        documents: says which ``jwks_uri`` is one that would be fetched.
        desktop_schemes: redirect schemes without a dot that are accepted, in lower case.
        redirect_hosts: the hosts, and private-use schemes, of redirect URIs; None: any.
        auth_methods: how the client may authenticate.
        grant_types: what it can have; of more that is asked for, this is what it gets (RFC 7591 3.2.1).
        is_exact: refuse more than that, and accept clients without redirects.
    """

    documents: Documents
    desktop_schemes: frozenset[str]
    redirect_hosts: tuple[str, ...] | None = None
    auth_methods: tuple[TokenEndpointAuthMethod, ...] = AUTH_METHODS
    grant_types: tuple[str, ...] = SELF_SERVICE_GRANT_TYPES
    is_exact: bool = False


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, without members that are null: null says what absence says.

    Raises:
        OAuthError: invalid_client_metadata.
    """
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_metadata("the body is not JSON") from None
    if not isinstance(sent, dict):
        raise bad_metadata("the body is not a JSON object")
    return {name: value for name, value in sent.items() if value is not None}


def members(sent: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Return what metadata says, as members of a Client.

    Raises:
        OAuthError: invalid_redirect_uri or invalid_client_metadata (RFC 7591 3.2.2).
    """
    grant_types = _grant_types(sent, rules)
    method = _auth_method(sent, rules)
    # Keys of a client that does not sign with them mean nothing here.
    jwks, jwks_uri = _keys(sent, rules) if method == "private_key_jwt" else (None, None)
    return {
        "token_endpoint_auth_method": method,
        "redirect_uris": _redirect_uris(sent, rules) if "authorization_code" in grant_types else (),
        "grant_types": grant_types,
        "response_types": _response_types(sent) if "authorization_code" in grant_types else (),
        "contacts": _strings(sent, "contacts") or (),
        "application_type": _application_type(sent),
        "jwks": jwks,
        "jwks_uri": jwks_uri,
        **{name: _text(sent, name) for name in TEXTS},
        **{name: _link(sent, name) for name in LINKS},
    }


def bad_metadata(description: str) -> OAuthError:
    """Return the refusal of metadata."""
    return OAuthError("invalid_client_metadata", description)


def _redirect_uris(sent: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    uris = sent.get("redirect_uris")
    # RFC 7591 2: clients of redirect-based flows must register them.
    if not isinstance(uris, list) or not uris or not all(isinstance(uri, str) for uri in uris):
        raise _bad_redirect("redirect_uris must be a list of at least one string")
    if len(uris) > MAX_REDIRECT_URIS:
        raise _bad_redirect(f"at most {MAX_REDIRECT_URIS} redirect_uris are accepted")
    for uri in uris:
        try:
            check_registrable(uri, rules.desktop_schemes)
        except RedirectUriRefused as error:
            raise _bad_redirect(str(error)) from None
        if rules.redirect_hosts is not None and not is_listed(_destination(uri), rules.redirect_hosts):
            raise _bad_redirect("a redirect URI leads to a host that this server does not accept")
    return tuple(dict.fromkeys(uris))


def _destination(uri: str) -> str:
    # Also the port of loopback and web hosts is left out: a host is listed with all its ports.
    target = target_of(uri)
    if target.kind == "scheme":
        return target.name
    return (urlsplit(f"//{target.name}").hostname or "").lower()


def _bad_redirect(description: str) -> OAuthError:
    return OAuthError("invalid_redirect_uri", description)


def _auth_method(sent: Mapping[str, Any], rules: Rules) -> TokenEndpointAuthMethod:
    asked = sent.get("token_endpoint_auth_method", _DEFAULT_AUTH_METHOD)
    for method in rules.auth_methods:
        if method == asked:
            return method
    raise bad_metadata(f"token_endpoint_auth_method must be one of {', '.join(rules.auth_methods)}")


def _grant_types(sent: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    listed = _strings(sent, "grant_types")
    if rules.is_exact and listed == ():
        return ()  # a resource server: it asks about tokens, and gets none
    asked = listed or _DEFAULT_GRANT_TYPES
    kept = tuple(each for each in rules.grant_types if each in asked)
    if rules.is_exact and set(asked) - set(kept):
        raise bad_metadata(f"grant_types must be among {', '.join(rules.grant_types)}")
    # RFC 7591 3.2.1 lets the server replace what was asked for: clients list grants they hope for.
    if not rules.is_exact and "authorization_code" not in kept:
        raise bad_metadata("grant_types must include authorization_code")
    return kept


def _response_types(sent: Mapping[str, Any]) -> tuple[str, ...]:
    asked = _strings(sent, "response_types") or RESPONSE_TYPES
    if "code" not in asked:
        raise bad_metadata("response_types must include code")
    return RESPONSE_TYPES


def _application_type(sent: Mapping[str, Any]) -> str | None:
    value = _text(sent, "application_type")
    if value not in (None, "web", "native"):
        raise bad_metadata("application_type must be web or native")
    return value


def _keys(sent: Mapping[str, Any], rules: Rules) -> tuple[dict[str, Any] | None, str | None]:
    jwks, jwks_uri = sent.get("jwks"), _text(sent, "jwks_uri")
    if jwks is not None and jwks_uri is not None:
        raise bad_metadata("jwks and jwks_uri exclude each other")  # RFC 7591 2
    if jwks is None and jwks_uri is None:
        raise bad_metadata("private_key_jwt needs jwks or jwks_uri")
    try:
        if jwks_uri is not None:
            rules.documents.check(jwks_uri)
        return None if jwks is None else checked_key_set(jwks), jwks_uri
    except KeysRefused as error:
        raise bad_metadata(str(error)) from None
    except DocumentRefused as error:
        description = "jwks_uri must be an https URL of a public host, with a path"
        raise OAuthError("invalid_client_metadata", description, private_detail=str(error)) from None


def _text(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_TEXT_CHARACTERS:
        raise bad_metadata(f"{name} must be a string of at most {_MAX_TEXT_CHARACTERS} characters")
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
        raise bad_metadata(f"{name} must be an http or https URL")
    return value


def _strings(sent: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    values = sent.get(name)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) > _MAX_LIST_ITEMS:
        raise bad_metadata(f"{name} must be a list of at most {_MAX_LIST_ITEMS} strings")
    if not all(isinstance(value, str) and len(value) <= _MAX_TEXT_CHARACTERS for value in values):
        raise bad_metadata(f"{name} must be a list of strings")
    return tuple(values)
