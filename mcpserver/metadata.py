"""Protected-resource metadata (RFC 9728) and bearer challenges (RFC 6750 section 3): how a client finds its
way here.

Called by the transports: metadata for the well-known paths, a challenge for every 401 and 403. Everything is
built once from the settings. A request only selects among what was configured, it never contributes a
character: clients believe what stands here, so a forged Host header must not be able to send them elsewhere.

A resource has aliases (other spellings of the canonical URI) because a client refuses metadata whose
``resource`` is not the URL it was given (RFC 9728 section 3.3). The audience of tokens is the canonical URI
all the same.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_BACKEND_PATH: Final = "/runtime/webhooks/mcp"
_SHORT_PATH: Final = "/mcp"
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
# RFC 6750 section 3: error, error_description and scope have alphabets without quote and backslash.
_UNQUOTABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class ResourceSettings(Protocol):
    """The part of the server's settings that this module reads."""

    @property
    def resource(self) -> str:
        """The canonical resource URI."""

    @property
    def resource_aliases(self) -> tuple[str, ...]:
        """Its other spellings."""

    @property
    def issuer(self) -> str:
        """The authorization server's issuer."""

    @property
    def resource_name(self) -> str:
        """For people."""

    @property
    def default_scopes(self) -> tuple[str, ...]:
        """What a newcomer is asked to get at once. ``offline_access`` is never here: it is the authorization
        server's business (MCP authorization "Refresh Tokens").
        """


class ResourceMetadata:
    """The metadata documents and challenges of one resource under all its names."""

    def __init__(self, settings: ResourceSettings) -> None:
        self._canonical = settings.resource
        self._default_scopes = settings.default_scopes
        self._canonical_path = urlsplit(settings.resource).path
        aliases = (settings.resource, *settings.resource_aliases)
        self._by_origin: dict[str, dict[str, str]] = {}
        self._origin_of_host: dict[str, str] = {}
        for alias in aliases:
            self._add(alias)
        self._documents: dict[str, Mapping[str, object]] = {
            alias: _document(alias, settings) for alias in aliases
        }
        self._locations = {alias: _metadata_url(alias) for alias in aliases}

    def _add(self, alias: str) -> None:
        url = urlsplit(alias)
        origin = _normal_origin(alias)
        self._by_origin.setdefault(origin, {}).setdefault(url.path, alias)
        # A Host header has no scheme; where one name is configured with two, the first one is meant.
        host = origin.partition("://")[2]
        self._origin_of_host.setdefault(host, origin)
        self._origin_of_host.setdefault(host + _DEFAULT_PORTS.get(url.scheme, ""), origin)

    def well_known_paths(self) -> tuple[str, ...]:
        """Return every path at which metadata is served: the root one and one per resource path (RFC 9728
        3.1)."""
        paths = {path for of_origin in self._by_origin.values() for path in of_origin}
        paths |= {base + end for base in (_SHORT_PATH, _BACKEND_PATH) for end in ("", "/sse")}
        return (WELL_KNOWN, *(WELL_KNOWN + path for path in sorted(paths) if path not in ("", "/")))

    def select_alias(self, public_origin_header: str | None, host_header: str | None, path: str) -> str:
        """Return the configured URI that the request meant; the canonical one when it meant none of them.

        Args:
            public_origin_header: the origin the gateway was asked at; decides alone when it is there.
            host_header: the Host header of a direct request.
            path: the request's path: an MCP endpoint or a well-known path.
        """
        if public_origin_header is not None:
            origin = _normal_origin(public_origin_header)
        else:
            origin = self._origin_of_host.get((host_header or "").lower(), "")
        aliases = self._by_origin.get(origin)
        if aliases is None:
            return self._canonical
        asked = path.removeprefix(WELL_KNOWN).rstrip("/")
        # The legacy transport's second endpoint belongs to the resource that its first one is.
        asked = asked.removesuffix("/message") + "/sse" if asked.endswith("/message") else asked
        end = self._behind_mount(asked)
        for candidate in (
            asked,
            self._canonical_path + end,
            _SHORT_PATH + end,
            self._canonical_path,
            _SHORT_PATH,
        ):
            if candidate in aliases:
                return aliases[candidate]
        return self._canonical

    def _behind_mount(self, path: str) -> str:
        for mount in (_BACKEND_PATH, self._canonical_path, _SHORT_PATH):
            if mount and (path == mount or path.startswith(mount + "/")):
                return path[len(mount) :]
        return ""

    def document(self, alias: str) -> Mapping[str, object]:
        """Return the metadata (RFC 9728 section 2) of a URI that ``select_alias`` returned."""
        return self._documents[alias]

    def challenge(
        self,
        alias: str,
        error: str | None,
        scopes: Iterable[str] | None = None,
        description: str | None = None,
    ) -> str:
        """Return a WWW-Authenticate value.

        Args:
            alias: a URI that ``select_alias`` returned.
            error: an RFC 6750 section 3.1 code, ``None`` when no token was sent.
            scopes: all scopes that what was asked for needs, not only the missing ones; None: a newcomer's.
            description: for people; characters that a header cannot quote are replaced.
        """
        # RFC 9728 section 5.1; MCP authorization "Scope Selection Strategy" and "Runtime Insufficient Scope
        # Errors".
        parts = [f'Bearer resource_metadata="{self._locations[alias]}"']
        named = self._default_scopes if scopes is None else scopes
        scope = " ".join(sorted(named) if isinstance(named, frozenset) else named)
        if scope:
            parts.append(f'scope="{_quotable(scope)}"')
        if error is not None:
            parts.append(f'error="{_quotable(error)}"')
            if description:
                parts.append(f'error_description="{_quotable(description)}"')
        return ", ".join(parts)


def _document(alias: str, settings: ResourceSettings) -> dict[str, object]:
    return {
        "resource": alias,
        "authorization_servers": [settings.issuer],
        "scopes_supported": list(settings.default_scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": settings.resource_name,
    }


def _metadata_url(alias: str) -> str:
    # RFC 9728 section 3.1: the well-known string goes between host and path.
    url = urlsplit(alias)
    return f"{url.scheme}://{url.netloc}{WELL_KNOWN}{url.path.rstrip('/')}"


def _normal_origin(uri: str) -> str:
    """Return scheme and host in lower case without the scheme's own port; "" for what is no origin."""
    try:
        url = urlsplit(uri.lower())
    except ValueError:
        return ""
    return f"{url.scheme}://{url.netloc.removesuffix(_DEFAULT_PORTS.get(url.scheme, ':'))}"


def _quotable(text: str) -> str:
    return _UNQUOTABLE.sub("'", text)
