"""The nouns of the authorization server, frozen: clients, logins, people, codes, sessions, signing keys.

Made where input is parsed, read everywhere, stored by ``authserver/store``. Must not do anything: no I/O,
no clock, no validation beyond what a type says. Times are whole seconds since 1970 (UTC). A field added
later needs a default, because records written before it are still in the store.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# Returns seconds since 1970; ``time.time`` in production.
Clock = Callable[[], float]

SigningAlgorithm = Literal["RS256", "ES256"]
TokenEndpointAuthMethod = Literal["none", "client_secret_basic", "client_secret_post"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A protected resource (RFC 8707): an MCP server that tokens are issued for.

    Attributes:
        uri: canonical; the only value that ever stands in ``aud``.
        scopes: scope → what the consent page says about it.
        default_scopes: what a request without scope means.
        aliases: other URIs a client may name, each meaning ``uri``.
    """

    uri: str
    name: str
    scopes: Mapping[str, str]
    default_scopes: tuple[str, ...]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client (RFC 7591 §2). ``secret_hash`` is ``cipher.digest`` of its secret, None when
    public.
    """

    client_id: str
    token_endpoint_auth_method: TokenEndpointAuthMethod
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    issued_at_seconds: int
    source: Literal["dynamic", "operator"] = "dynamic"
    client_name: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    tos_uri: str | None = None
    policy_uri: str | None = None
    contacts: tuple[str, ...] = ()
    scope: str | None = None
    application_type: str | None = None
    software_id: str | None = None
    software_version: str | None = None
    secret_hash: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A validated request of GET /authorize; travels sealed in the consent form, then in the login, then in
    the code.

    Attributes:
        redirect_uri: where the answer goes (matched exactly).
        redirect_uri_was_sent: whether /token must see it again (RFC 6749 §4.1.3).
        code_challenge: S256 always (RFC 7636 §4.3).
        scopes: what will be granted, without offline_access.
        resource: canonical URI.
    """

    client_id: str
    redirect_uri: str
    redirect_uri_was_sent: bool
    code_challenge: str
    scopes: tuple[str, ...]
    resource: str
    state: str | None = None
    offline_access: bool = False
    login_hint: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """A person on the way to Entra and back. ``upstream_flow`` is msal's flow dict and holds a verifier
    and a nonce.
    """

    request: AuthorizationRequest
    upstream_flow: Mapping[str, Any]
    browser_binding_hash: str
    created_at_seconds: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in. The pair (tid, oid) is the identity; username and name are for people to read,
    nothing else.
    """

    tid: str
    oid: str
    username: str
    name: str
    auth_time_seconds: int
    roles: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The ``sub`` of tokens: ``<tid>.<oid>``."""
        return f"{self.tid}.{self.oid}"


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a code stands for; stored under the code's hash. ``sid`` names the session its redemption
    opens.
    """

    request: AuthorizationRequest
    identity: Identity
    sid: str
    client_id: str
    created_at_seconds: int


@dataclass(frozen=True, slots=True)
class Session:
    """One grant of one person to one client, and its refresh token family; ``store/family.py`` moves its
    states.

    Attributes:
        scopes: granted; what a refresh may ask for at most (RFC 6749 §6).
        resource: canonical URI; the ``aud`` of its tokens.
        current_hash: of the refresh token that may be used next; None when the client gets none.
        idle_expiry_seconds: when it ends unless refreshed; never later than ``absolute_expiry_seconds``.
        predecessor_*: the token that was rotated last, when, and for which scopes: what the grace compares.
        sealed_successor: the current token, readable only with the predecessor.
    """

    sid: str
    client_id: str
    identity: Identity
    scopes: tuple[str, ...]
    resource: str
    created_at_seconds: int
    absolute_expiry_seconds: int
    idle_expiry_seconds: int
    idle_lifetime_seconds: int
    current_hash: str | None = None
    state: Literal["active", "ended"] = "active"
    end_reason: str | None = None
    ended_at_seconds: int | None = None
    last_used_at_seconds: int | None = None
    predecessor_hash: str | None = None
    predecessor_rotated_at_seconds: int | None = None
    predecessor_scopes: tuple[str, ...] = ()
    sealed_successor: str | None = None


@dataclass(frozen=True, slots=True)
class SigningKeyRecord:
    """A signing key as stored. ``generation`` counts 1, 2, 3 …; the store keeps one key for each, whoever
    was first.

    Attributes:
        sealed_private_jwk: encrypted; only ``keys.KeyRing`` opens it.
        announced_at_seconds: since when the JWKS shows it.
        signs_from_seconds: when it takes over from the generation before.
        token_lifetime_seconds: the lifetime of access tokens when it was made.
    """

    generation: int
    kid: str
    algorithm: SigningAlgorithm
    announced_at_seconds: int
    signs_from_seconds: int
    token_lifetime_seconds: int
    sealed_private_jwk: str = field(repr=False)
