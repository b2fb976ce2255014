"""Who there is: tenants, people, applications; who holds which role, and which tenant consented to what.

Read by everything else in this package; changed by tests through ``Directory`` (``emulator.directory``).
Must not know tokens or HTTP.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from devstack.entra.records import CONTOSO, Application, FederatedCredential, Person, Tenant

__all__ = ["CONTOSO", "Application", "Directory", "FederatedCredential", "Person", "Tenant"]

FABRIKAM: Final = "22222222-2222-4222-8222-222222222222"
EVIL: Final = "99999999-9999-4999-8999-999999999999"
# Entra's own number for the tenant of personal accounts.
PERSONAL: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"

LOGIN_CLIENT_ID: Final = "aaaaaaaa-0000-4000-8000-000000000001"
LOGIN_CLIENT_SECRET: Final = "local-development-only-secret"  # noqa: S105 (printed by the stack; opens nothing else)
LOGIN_CLIENT_NAME: Final = "mcpstack sign-in"
ADMIN_ROLE: Final = "mcp.admin"
WRITER_ROLE: Final = "Snippets.Writer"
WRONG_PASSWORD: Final = "wrong"  # noqa: S105 (the one password that nobody has)

# The API that programs of other tenants get tokens for; a registration apart from the login application.
API_CLIENT_ID: Final = "aaaaaaaa-0000-4000-8000-000000000002"
API_URI: Final = f"api://{API_CLIENT_ID}"
API_SCOPE: Final = "access_as_user"
API_WRITE_ROLE: Final = "Snippets.Write.All"
API_READ_ROLE: Final = "Snippets.Read.All"
DAEMON_CLIENT_ID: Final = "bbbbbbbb-0000-4000-8000-000000000001"
DAEMON_SECRET: Final = "fabrikam-daemon-only-secret"  # noqa: S105 (as above)
FABRIKAM_CLIENT_ID: Final = "bbbbbbbb-0000-4000-8000-000000000002"

# Microsoft Graph's own number, in every tenant.
GRAPH_ID: Final = "00000003-0000-0000-c000-000000000000"
GRAPH_URI: Final = "https://graph.microsoft.com"
GROUP_PERMISSION: Final = "GroupMember.Read.All"

ALICE: Final = "alice@contoso.example"
BOB: Final = "bob@contoso.example"
CAROL: Final = "carol@fabrikam.example"
DANA: Final = "dana@fabrikam.example"
MALLORY: Final = "mallory@evil.example"
PAT: Final = "pat@personal.example"

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
    Person(DANA, "Dana Davis", FABRIKAM, tenant_admin=True),
    # Her own tenant made her an administrator, which must mean nothing here.
    Person(MALLORY, "Mallory Moore", EVIL, roles=(ADMIN_ROLE,), tenant_admin=True),
    Person(PAT, "Pat Parker", PERSONAL),
)
_GRAPH: Final = Application(
    GRAPH_ID,
    "Microsoft Graph",
    scopes=("User.Read", "User.ReadBasic.All", GROUP_PERMISSION),
    app_roles=(GROUP_PERMISSION,),
)
_API: Final = Application(
    API_CLIENT_ID,
    "mcpstack API",
    personal_accounts=False,
    scopes=(API_SCOPE,),
    app_roles=(API_WRITE_ROLE, API_READ_ROLE),
    known_clients=(LOGIN_CLIENT_ID,),
    optional_claims=("idtyp",),
)
_DAEMON: Final = Application(
    DAEMON_CLIENT_ID,
    "Fabrikam nightly job",
    secrets=(DAEMON_SECRET,),
    home_tid=FABRIKAM,
    multi_tenant=False,
    personal_accounts=False,
    application_permissions={API_CLIENT_ID: (API_WRITE_ROLE, API_READ_ROLE)},
)
_FABRIKAM_CLIENT: Final = Application(
    FABRIKAM_CLIENT_ID,
    "Fabrikam desktop",
    redirect_uris=("http://localhost", "http://localhost/callback"),
    home_tid=FABRIKAM,
    multi_tenant=False,
    personal_accounts=False,
    is_public=True,
    permissions={API_CLIENT_ID: (API_SCOPE,)},
)


def login_application(
    redirect_uris: Iterable[str], federated_credentials: Iterable[FederatedCredential]
) -> Application:
    """Return the registration that people sign in to; its consent covers looking up their groups."""
    return Application(
        LOGIN_CLIENT_ID,
        LOGIN_CLIENT_NAME,
        secrets=(LOGIN_CLIENT_SECRET,),
        redirect_uris=tuple(redirect_uris),
        federated_credentials=tuple(federated_credentials),
        app_roles=(ADMIN_ROLE, WRITER_ROLE),
        permissions={GRAPH_ID: ("User.Read", GROUP_PERMISSION), API_CLIENT_ID: (API_SCOPE,)},
        application_permissions={GRAPH_ID: (GROUP_PERMISSION,)},
        group_claims=True,
    )


class Directory:
    """The tenants, people and applications of one emulator; changes count from the next request on.

    Every tenant has consented to every multi-tenant application until ``withdraw_consent``.
    """

    def __init__(
        self,
        applications: Iterable[Application] = (),
        tenants: Iterable[Tenant] = _TENANTS,
        people: Iterable[Person] = _PEOPLE,
    ) -> None:
        self._tenants = {tenant.tid: tenant for tenant in tenants}
        self._people: dict[str, Person] = {}
        self._applications: dict[str, Application] = {}
        self._roles: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._unconsented: set[tuple[str, str]] = set()
        for person in people:
            self.add_person(person)
        for application in (_GRAPH, _API, _DAEMON, _FABRIKAM_CLIENT, *applications):
            self.add_application(application)

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody, in the order in which they were added."""
        return tuple(self._people.values())

    @property
    def applications(self) -> tuple[Application, ...]:
        """Every registration."""
        return tuple(self._applications.values())

    def add_tenant(self, tenant: Tenant, *, has_consented: bool = True) -> None:
        """Add a tenant; without consent, none of the multi-tenant applications is known there."""
        self._tenants[tenant.tid] = tenant
        if not has_consented:
            for client_id in self._applications.keys() - {GRAPH_ID}:
                self.withdraw_consent(tenant.tid, client_id)

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

    def revoke_sessions(self, username: str) -> None:
        """End a person's browser sessions, and all their refresh tokens there are."""
        person = self._people[username.lower()]
        self.change_person(username, session_generation=person.session_generation + 1)

    def change_password(self, username: str, password: str) -> None:
        """Give a person a password of their own, which revokes their sessions."""
        self.change_person(username, password=password)
        self.revoke_sessions(username)

    def add_application(self, application: Application) -> None:
        """Register an application, or replace the one with the same client_id."""
        self._applications[application.client_id.lower()] = application

    def change_application(self, client_id: str, **changes: object) -> Application:
        """Change fields of an Application, for example ``certificates=(pem,)``."""
        changed = replace(self._applications[client_id.lower()], **changes)  # type: ignore[arg-type]
        self.add_application(changed)
        return changed

    def assign_roles(self, tid: str, client_id: str, principal: str, *roles: str) -> None:
        """Say which of a resource's roles somebody has in a tenant; these replace those they had.

        Args:
            tid: the tenant, whose administrators assign roles.
            client_id: of the application that offers the roles.
            principal: a user name, or the client_id of an application.
            roles: none takes all away.

        Raises:
            ValueError: the application offers no such role, or there is no such principal.
        """
        resource = self._applications[client_id.lower()]
        unknown = ", ".join(set(roles) - set(resource.app_roles))
        if unknown:
            raise ValueError(f"{resource.name} offers no role {unknown}")
        application, person = self.application(principal), self.person(principal)
        if application is not None:
            self._roles[tid, resource.client_id, application.service_principal(tid)] = roles
        elif person is None or person.tid != tid:
            raise ValueError(f"nobody is called {principal} in {tid}")
        elif resource.client_id == LOGIN_CLIENT_ID:
            self.change_person(principal, roles=roles)
        else:
            self._roles[tid, resource.client_id, person.oid] = roles

    def roles_of_person(self, person: Person, client_id: str) -> tuple[str, ...]:
        """Return the roles that a person has in an application."""
        if client_id == LOGIN_CLIENT_ID:
            return person.roles
        return self._roles.get((person.tid, client_id, person.oid), ())

    def roles_of_application(self, tid: str, application: Application, resource_id: str) -> tuple[str, ...]:
        """Return the roles that a service principal has in a resource of a tenant."""
        consented = application.application_permissions.get(resource_id, ())
        return self._roles.get((tid, resource_id, application.service_principal(tid)), tuple(consented))

    def consent(self, tid: str, client_id: str) -> None:
        """Let a tenant have a service principal of an application, and of the APIs that came with it."""
        self._unconsented.discard((tid, client_id.lower()))
        for resource in self._applications.values():
            if client_id.lower() in resource.known_clients:
                self.consent(tid, resource.client_id)

    def withdraw_consent(self, tid: str, client_id: str) -> None:
        """Take the service principal of an application away from a tenant."""
        self._unconsented.add((tid, client_id.lower()))

    def has_consented(self, tid: str, application: Application) -> bool:
        """Say whether there is a service principal of the application in the tenant."""
        if not application.multi_tenant and tid != application.home_tid:
            return False
        return (tid, application.client_id.lower()) not in self._unconsented

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

    def resource(self, uri: str) -> Application | None:
        """Return the application that a scope's prefix names: its id, ``api://<id>``, or Graph's address."""
        return self.application(GRAPH_ID if uri == GRAPH_URI else uri.lower().removeprefix("api://"))
