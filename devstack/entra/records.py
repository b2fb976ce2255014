"""What the directory holds, frozen: tenants, people, applications and how these prove themselves.

Made by ``directory`` and by tests, read by everything else in this package. Must not do anything.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

CONTOSO: Final = "11111111-1111-4111-8111-111111111111"
_NAMESPACE: Final = uuid.UUID("6d637073-7461-4b00-8000-656e74726100")


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization: its id, its domain, its name."""

    tid: str
    domain: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account.

    Attributes:
        username: user principal name, in lower case; what is typed at the login page.
        name: as people call them.
        tid: the tenant the account is in.
        oid: the account's id in that tenant; stable, derived from the user name unless given.
        roles: the login application's roles assigned to them; those of others: ``Directory.assign_roles``.
        email: the ``email`` claim, which proves nothing: a tenant may write what it likes into it.
        enabled: whether they may sign in.
        groups: object ids of the groups they are in, nested ones included.
        tenant_admin: whether they may consent for everybody in their tenant.
        password: what lets them in; empty: any but ``wrong``.
        session_generation: how often their sessions were revoked; a grant of an earlier one is worth nothing.
    """

    username: str
    name: str
    tid: str
    oid: str = ""
    roles: tuple[str, ...] = ()
    email: str = ""
    enabled: bool = True
    groups: tuple[str, ...] = ()
    tenant_admin: bool = False
    password: str = field(default="", repr=False)
    session_generation: int = 0

    def __post_init__(self) -> None:
        if not self.oid:
            object.__setattr__(self, "oid", str(uuid.uuid5(_NAMESPACE, f"{self.tid}/{self.username}")))

    def subject_for(self, client_id: str) -> str:
        """Return the pairwise ``sub``: another one for each application."""
        return hashlib.sha256(f"{self.tid}/{self.oid}/{client_id}".encode()).hexdigest()[:43]

    @property
    def login_hint(self) -> str:
        """The ``login_hint`` claim: opaque, and what a sign-out names the account by."""
        return f"O.{self.subject_for('login_hint')}"


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Whose tokens an application may authenticate with instead of its secret (workload identity).

    Attributes:
        issuer: ``iss``.
        subject: ``sub``, for example ``system:serviceaccount:NAMESPACE:NAME``.
        audience: ``aud``.
        jwks: returns the issuer's JWKS document; asked each time, so that it may read a file that changes.
    """

    issuer: str
    subject: str
    jwks: Callable[[], dict[str, object]]
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class Application:
    """An application registration: a client, a resource, or both.

    Attributes:
        client_id: GUID; as a resource it is the audience of v2.0 tokens, and its URI is ``api://<client_id>``.
        name: shown at the login page.
        secrets: any of these authenticates it.
        redirect_uris: compared character by character, of a public client's ``http://localhost`` all but the
            port; where a sign-out may go back to as well.
        home_tid: the tenant it is registered in.
        multi_tenant: whether people of other organizations may sign in.
        personal_accounts: whether people with personal accounts may.
        federated_credentials: other ways to authenticate.
        certificates: PEM certificates whose keys may sign its client assertions.
        is_public: it has no credentials and must not send any.
        scopes: delegated permissions that it offers as a resource.
        app_roles: roles that it offers as a resource, to people and to applications.
        permissions: client id of a resource → delegated permissions that consent to the application covers.
        application_permissions: likewise → roles that its service principal then has.
        known_clients: consent to one of these is consent to this resource, too.
        group_claims: its id_tokens and access tokens name the person's groups.
        optional_claims: of ``auth_time`` and ``login_hint`` (id_tokens), ``idtyp`` (access tokens for it).
    """

    client_id: str
    name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    redirect_uris: tuple[str, ...] = ()
    home_tid: str = CONTOSO
    multi_tenant: bool = True
    personal_accounts: bool = True
    federated_credentials: tuple[FederatedCredential, ...] = ()
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    is_public: bool = False
    scopes: tuple[str, ...] = ()
    app_roles: tuple[str, ...] = ()
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    application_permissions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known_clients: tuple[str, ...] = ()
    group_claims: bool = False
    optional_claims: tuple[str, ...] = ()

    def service_principal(self, tid: str) -> str:
        """Return the object id of the application's service principal in a tenant."""
        return str(uuid.uuid5(_NAMESPACE, f"{tid}/{self.client_id.lower()}"))
