"""Redirect URIs: which may be registered, and which registered one a request names (RFC 6749 3.1.2, RFC
8252).

Called by ``clients.metadata`` (``check_registrable``) and ``oauth.authorization`` (``is_registered``,
``with_params``). Must not normalise: a URI is compared, stored and redirected to exactly as it was written.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

MAX_URI_CHARACTERS = 2048
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost"})
# Schemes whose "redirect" runs a script, reads a file or shows content of the sender's choice. None has a
# dot, so the rule for private-use schemes refuses them already; this list guards the operator's list of
# desktop schemes.
FORBIDDEN_SCHEMES = frozenset(
    (
        *("about", "blob", "chrome", "data", "file", "filesystem", "ftp", "intent", "jar", "javascript"),
        *("mailto", "resource", "vbscript", "view-source", "ws", "wss"),
    )
)

# The characters of RFC 3986 without "#" (RFC 6749 3.1.2: no fragment) and without "*" (no wildcards).
_URI = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+\-]*(\.[a-z0-9+\-]+)+")
_AUTHORITY = re.compile(r"//([^/?]*)")
_HOST_AND_PORT = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?)(?::([1-9][0-9]{0,4}))?"
)
# What the answer appends (RFC 6749 4.1.2, RFC 9207 2): it must not be there already, with another value.
_ANSWER_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOT_SEGMENT = re.compile(r"/(?:\.|%2[eE]){1,2}(?:/|$)")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)")


class RedirectUriRefused(ValueError):
    """A redirect URI that may not be registered; the message says why and repeats nothing of the URI."""


@dataclass(frozen=True, slots=True)
class RedirectTarget:
    """Where a redirect URI leads, in the words of the consent page."""

    kind: str  # "loopback", "web" or "scheme"
    name: str  # the host (with a port that is not the default), or the scheme


def check_registrable(uri: str, desktop_schemes: Collection[str]) -> None:
    """Refuse a URI that this server will never redirect to.

    Args:
        uri: as the client sent it.
        desktop_schemes: private-use schemes without a dot that are accepted, in lower case.

    Raises:
        RedirectUriRefused: it executes, reads, is plain http beyond loopback, or is no absolute URI.
    """
    if len(uri) > MAX_URI_CHARACTERS:
        raise RedirectUriRefused("a redirect URI is too long")
    if "#" in uri:
        raise RedirectUriRefused("a redirect URI must not have a fragment")  # RFC 6749 3.1.2
    if "*" in uri:
        raise RedirectUriRefused("a redirect URI must not have wildcards")
    if not _URI.fullmatch(uri) or _BAD_ESCAPE.search(uri):
        raise RedirectUriRefused("a redirect URI has characters that URIs do not have")
    if _ANSWER_PARAMETERS.intersection(
        name for name, _ in parse_qsl(uri.partition("?")[2], keep_blank_values=True)
    ):
        raise RedirectUriRefused("a redirect URI must not have the parameters of an answer")
    match = _SCHEME.match(uri)
    if match is None:
        raise RedirectUriRefused("a redirect URI must be absolute")
    scheme, rest = match.group(1).lower(), uri[match.end() :]
    if scheme in ("http", "https"):
        _check_web(scheme, rest)
    elif scheme in FORBIDDEN_SCHEMES or not (
        scheme in desktop_schemes or _PRIVATE_SCHEME.fullmatch(scheme)  # RFC 8252 7.1
    ):
        raise RedirectUriRefused("this scheme is not accepted for redirect URIs")
    elif not rest.strip("/"):
        raise RedirectUriRefused("a redirect URI must have a path or a host")


def is_registered(requested: str, registered: Iterable[str]) -> bool:
    """Tell whether a requested URI is one of those registered, character for character.

    The one exception is the port of an http loopback URI (RFC 8252 7.3); ``localhost`` and ``127.0.0.1`` are
    different hosts.
    """
    candidates = tuple(registered)
    if requested in candidates:
        return True
    wanted = _loopback_without_port(requested)
    return wanted is not None and any(_loopback_without_port(each) == wanted for each in candidates)


def with_params(uri: str, params: Iterable[tuple[str, str]]) -> str:
    """Append response parameters to a redirect URI whose own query stays as it is (RFC 6749 3.1.2, 4.1.2)."""
    separator = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return f"{uri}{separator}{urlencode(list(params))}"


def target_of(uri: str) -> RedirectTarget:
    """Say where a registered redirect URI leads."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() not in ("http", "https"):
        return RedirectTarget("scheme", scheme.lower())
    authority = rest.removeprefix("//").partition("/")[0].partition("?")[0].lower()
    host = authority.rpartition(":")[0] if re.search(r":[0-9]+$", authority) else authority
    if host in LOOPBACK_HOSTS:
        return RedirectTarget("loopback", authority)
    return RedirectTarget("web", authority)


def _check_web(scheme: str, rest: str) -> None:
    authority = _AUTHORITY.match(rest)
    if authority is None or "@" in authority.group(1):
        raise RedirectUriRefused("a redirect URI must have a host and no user information")
    parts = _HOST_AND_PORT.fullmatch(authority.group(1))
    if parts is None or int(parts.group(2) or 1) > 65535 or not _is_host(parts.group(1)):
        raise RedirectUriRefused("the host or port of a redirect URI is not valid")
    if scheme == "http" and parts.group(1).lower() not in LOOPBACK_HOSTS:
        raise RedirectUriRefused(
            "plain http is accepted for 127.0.0.1, [::1] and localhost only"
        )  # RFC 8252 7.3
    if _DOT_SEGMENT.search(rest[authority.end() :].partition("?")[0]):
        raise RedirectUriRefused("a redirect URI must not have dot segments")


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return ".." not in host
    try:
        return ipaddress.IPv6Address(host[1:-1]) is not None
    except ValueError:
        return False


def _loopback_without_port(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.fullmatch(uri)
    if match is None or int(match.group(2) or 1) > 65535:
        return None
    return match.group(1), match.group(3)
