"""Who there is: tenants, people, and the applications that may sign them in.

Read by everything else in this package; changed by tests through ``Directory`` (``emulator.directory``).
Must not know tokens or HTTP.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

CONTOSO: Final = "11111111-1111-4111-8111-111111111111"
FABRIKAM: Final = "22222222-2222-4222-8222-222222222222"
EVIL: Final = "99999999-9999-4999-8999-999999999999"
# Entra's own number for the tenant of personal accounts.
PERSONAL: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"

LOGIN_CLIENT_ID: Final = "aaaaaaaa-0000-4000-8000-000000000001"
LOGIN_CLIENT_SECRET: Final = "local-development-only-secret"  # noqa: S105 (printed by the stack; opens nothing else)
LOGIN_CLIENT_NAME: Final = "mcpstack sign-in"
ADMIN_ROLE: Final = "mcp.admin"
WRONG_PASSWORD: Final = "wrong"  # noqa: S105 (the one password that nobody has)

ALICE: Final = "alice@contoso.example"
BOB: Final = "bob@contoso.example"
CAROL: Final = "carol@fabrikam.example"
MALLORY: Final = "mallory@evil.example"
PAT: Final = "pat@personal.example"

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
        roles: the application roles assigned to them, values of the ``roles`` claim.
        email: the ``email`` claim, which proves nothing: a tenant may write what it likes into it.
        enabled: whether they may sign in.
    """

    username: str
    name: str
    tid: str
    oid: str = ""
    roles: tuple[str, ...] = ()
    email: str = ""
    enabled: bool = True

    def __post_init__(self) -> None:
        if not self.oid:
            object.__setattr__(self, "oid", str(uuid.uuid5(_NAMESPACE, f"{self.tid}/{self.username}")))

    def subject_for(self, client_id: str) -> str:
        """Return the pairwise ``sub``: another one for each application."""
        return hashlib.sha256(f"{self.tid}/{self.oid}/{client_id}".encode()).hexdigest()[:43]


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
    """An application registration.

    Attributes:
        client_id: GUID.
        name: shown at the login page.
        secrets: any of these authenticates it.
        redirect_uris: compared character by character.
        home_tid: the tenant it is registered in.
        multi_tenant: whether people of other organizations may sign in.
        personal_accounts: whether people with personal accounts may.
        federated_credentials: other ways to authenticate.
    """

    client_id: str
    name: str
    secrets: tuple[str, ...] = field(repr=False)
    redirect_uris: tuple[str, ...]
    home_tid: str = CONTOSO
    multi_tenant: bool = True
    personal_accounts: bool = True
    federated_credentials: tuple[FederatedCredential, ...] = ()


_TENANTS: Final = (
    Tenant(CONTOSO, "contoso.example", "Contoso"),
    Tenant(FABRIKAM, "fabrikam.example", "Fabrikam"),
    Tenant(EVIL, "evil.example", "Evil Corp"),
    Tenant(PERSONAL, "personal.example", "Personal accounts"),
)
_PEOPLE: Final = (
    Person(ALICE, "Alice Adams", CONTOSO, roles=(ADMIN_ROLE,)),
    Person(BOB, "Bob Brown", CONTOSO),
    Person(CAROL, "Carol Clark", FABRIKAM),
    # Her own tenant made her an administrator, which must mean nothing here.
    Person(MALLORY, "Mallory Moore", EVIL, roles=(ADMIN_ROLE,)),
    Person(PAT, "Pat Parker", PERSONAL),
)


class Directory:
    """The tenants, people and applications of one emulator; changes count from the next request on."""

    def __init__(
        self,
        applications: Iterable[Application] = (),
        tenants: Iterable[Tenant] = _TENANTS,
        people: Iterable[Person] = _PEOPLE,
    ) -> None:
        self._tenants = {tenant.tid: tenant for tenant in tenants}
        self._people: dict[str, Person] = {}
        self._applications: dict[str, Application] = {}
        for person in people:
            self.add_person(person)
        for application in applications:
            self.add_application(application)

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody, in the order in which they were added."""
        return tuple(self._people.values())

    def add_person(self, person: Person) -> None:
        """Add somebody, or replace whoever has the same user name."""
        self._people[person.username.lower()] = person

    def change_person(self, username: str, **changes: object) -> Person:
        """Change fields of a Person, for example ``roles=("mcp.admin",)`` or ``enabled=False``."""
        changed = replace(self._people[username.lower()], **changes)  # type: ignore[arg-type]
        self.add_person(changed)
        return changed

    def remove_person(self, username: str) -> None:
        """Delete an account; what was issued to it is worth nothing from now on."""
        del self._people[username.lower()]

    def add_application(self, application: Application) -> None:
        """Register an application, or replace the one with the same client_id."""
        self._applications[application.client_id.lower()] = application

    def person(self, username: str) -> Person | None:
        """Return whoever has this user name, in whatever case it was typed."""
        return self._people.get(username.strip().lower())

    def person_with(self, tid: str, oid: str) -> Person | None:
        """Return the account with this id."""
        return next((p for p in self._people.values() if (p.tid, p.oid) == (tid, oid)), None)

    def tenant(self, name: str) -> Tenant | None:
        """Return the tenant with this id or this domain."""
        lowered = name.lower()
        by_domain = (tenant for tenant in self._tenants.values() if tenant.domain == lowered)
        return self._tenants.get(lowered) or next(by_domain, None)

    def application(self, client_id: str) -> Application | None:
        """Return the application registered under this id."""
        return self._applications.get(client_id.lower())
