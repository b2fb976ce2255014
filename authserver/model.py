"""The nouns of the authorization server, frozen: resources, tenants, clients, people, sessions, keys, …

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
TokenEndpointAuthMethod = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
# Why somebody is sent to Entra; decides what becomes of them when they come back.
LoginPurpose = Literal["authorize", "device", "account", "admin", "admin-consent", "onboarding"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A protected resource (RFC 8707): an MCP server that tokens are issued for.

    Attributes:
        uri: canonical; the only value that ever stands in ``aud``.
        scopes: scope → what the consent page says about it.
        default_scopes: what a request without scope means.
        aliases: other URIs a client may name, each meaning ``uri``.
        access_token_lifetime_seconds: of its tokens; None: the server's own setting.
        signing_algorithm: of its tokens; None: the server's own setting.
        allowed_clients: client ids that alone may get its tokens; empty: every client.
    """

    uri: str
    name: str
    scopes: Mapping[str, str]
    default_scopes: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    access_token_lifetime_seconds: int | None = None
    signing_algorithm: SigningAlgorithm | None = None
    allowed_clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """What an operator granted to an Entra tenant. A role or group means something only in its own tenant.

    Attributes:
        tid: the tenant's GUID, in lower case.
        name: for people.
        ceiling: scopes that anybody of this tenant may get at most; empty until configured.
        roles: app role of the login application → scopes held only through a role or group.
        groups: object id of a group → likewise.
        required_roles: roles of which a person needs one to sign in at all; empty: none is needed.
        clients: application ids (``azp``) of this tenant that may exchange Entra tokens (RFC 7523).
        app_roles: app role of the API application in app-only tokens → scopes.
    """

    tid: str
    name: str
    ceiling: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required_roles: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    app_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IdentityAssertionIssuer:
    """An identity provider whose identity assertion grants (ID-JAG) are accepted.

    Attributes:
        issuer: ``iss``, compared as a string.
        jwks_uri: where its keys are.
        tid: the tenant that its people belong to here; ``sub`` of tokens is ``<tid>.<its sub>``.
        clients: client ids that may bring its assertions; empty: nobody.
        scopes: what such tokens may hold at most.
    """

    issuer: str
    jwks_uri: str
    tid: str
    clients: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client (RFC 7591 §2).

    Attributes:
        source: registered itself, by an operator, or a metadata document at the URL that is its client_id.
        secret_hash: ``cipher.digest`` of its secret; None when it has none.
        previous_secret_hash: the secret before, good until ``previous_secret_until_seconds``.
        scope: an operator's client gets these scopes at most.
        jwks: its public keys (RFC 7517 §5), for private_key_jwt; or they are at ``jwks_uri``.
        registration_token_hash: of the token that manages the registration (RFC 7592 §3).
        introspects: URIs of the resources whose tokens it may look at (RFC 7662).
    """

    client_id: str
    token_endpoint_auth_method: TokenEndpointAuthMethod
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    issued_at_seconds: int
    source: Literal["dynamic", "operator", "document"] = "dynamic"
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
    previous_secret_hash: str | None = None
    previous_secret_until_seconds: int | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    registration_token_hash: str | None = None
    is_disabled: bool = False
    introspects: tuple[str, ...] = ()


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
        client: the client as its metadata document said when the consent page was made; None for those that
            are registered here.
        trace: the traceparent (W3C Trace Context) of what it began, so that the callback and the redemption
            of its code are part of the same trace; None where nobody receives traces.
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
    domain_hint: str | None = None
    max_age_seconds: int | None = None
    client: Client | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class SignInHints:
    """What Entra is told about a sign-in: whom to suggest, where they belong, and how fresh it must be.

    Attributes:
        any_organization: somebody of a tenant that is not on the list yet is expected.
    """

    login_hint: str | None = None
    domain_hint: str | None = None
    max_age_seconds: int | None = None
    prompt: str | None = None
    any_organization: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """A person on the way to Entra and back.

    Attributes:
        request: what the client asked for; None where no client did (``purpose``).
        upstream_flow: msal's flow dict; holds a verifier and a nonce.
        user_code_hash: the device authorization that is decided (RFC 8628).
        invitation_hash: the invitation that is accepted (onboarding of a tenant).
        unverified_tid: the tenant that has consented, as a browser said; to be compared with the one that is
            proven.
    """

    request: AuthorizationRequest | None
    upstream_flow: Mapping[str, Any]
    browser_binding_hash: str
    created_at_seconds: int
    purpose: LoginPurpose = "authorize"
    user_code_hash: str | None = None
    invitation_hash: str | None = None
    unverified_tid: str | None = None


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
    groups: tuple[str, ...] = ()
    has_group_overage: bool = False

    @property
    def subject(self) -> str:
        """The ``sub`` of tokens: ``<tid>.<oid>``."""
        return f"{self.tid}.{self.oid}"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a sign-in at Entra gave. ``refresh_token`` is Entra's, to ask later whether they are there."""

    identity: Identity
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TokenSubject:
    """For whom a token is made: a person, or a program (then ``tid`` and ``oid`` may be None)."""

    sub: str
    tid: str | None = None
    oid: str | None = None
    roles: tuple[str, ...] = ()

    @classmethod
    def of(cls, identity: Identity) -> "TokenSubject":
        """Return the person as the subject of tokens."""
        return cls(identity.subject, identity.tid, identity.oid, identity.roles)


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
        client: the client's metadata document as it was consented to; None for registered clients.
        upstream_checked_at_seconds: when Entra last said that the person is there; 0: at the sign-in.
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
    client: Client | None = None
    upstream_checked_at_seconds: int = 0


@dataclass(frozen=True, slots=True)
class SigningKeyRecord:
    """A signing key as stored. ``generation`` counts 1, 2, 3 …; the store keeps one key for each, whoever
    was first.

    Attributes:
        sealed_private_jwk: encrypted; only ``keys.KeyRing`` opens it.
        announced_at_seconds: since when the JWKS shows it.
        signs_from_seconds: when it takes over from the generation before.
        token_lifetime_seconds: the longest lifetime of access tokens when it was made.
        withdrawn_at_seconds: since when nobody may trust it (a compromised key); None: it is good.
    """

    generation: int
    kid: str
    algorithm: SigningAlgorithm
    announced_at_seconds: int
    signs_from_seconds: int
    token_lifetime_seconds: int
    sealed_private_jwk: str = field(repr=False)
    withdrawn_at_seconds: int | None = None
