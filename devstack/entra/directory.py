"""Who and what the emulated Entra knows: tenants, people, and the login application.

Read by every endpoint. Must not hold anything that a sign-in changes (that is ``grants``) except whether a
person is disabled, which tests change through ``faults``.
"""

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

CONTOSO: Final = "11111111-1111-4111-8111-111111111111"
FABRIKAM: Final = "22222222-2222-4222-8222-222222222222"
EVIL: Final = "99999999-9999-4999-8999-999999999999"
PERSONAL: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"  # the tenant that real personal accounts carry
CLIENT_ID: Final = "aaaaaaaa-0000-4000-8000-000000000001"
CLIENT_SECRET: Final = "local-development-only-secret"  # noqa: S105 (of an application that exists only here)
# The names the stack knows them by.
LOGIN_CLIENT_ID: Final = CLIENT_ID
LOGIN_CLIENT_SECRET: Final = CLIENT_SECRET
WRONG_PASSWORD: Final = "wrong"  # noqa: S105 (the one that nobody has)
SHARED_SEGMENTS: Final = ("organizations", "common", "consumers")

_NAMESPACE: Final = uuid.UUID("6f1d1d2e-7a3b-4f46-9a5e-0c6c4c9b6f10")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of the directory."""

    id: str
    domain: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """An account; ``roles`` are its app roles of the login application."""

    username: str
    name: str
    tenant: Tenant
    roles: tuple[str, ...] = ()

    @property
    def object_id(self) -> str:
        """The ``oid``: the same in every application of the tenant, and at every start."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.tenant.id}/{self.username}"))

    def pairwise_subject(self, client_id: str) -> str:
        """The ``sub``: another one for each application."""
        return hashlib.sha256(f"{client_id}/{self.object_id}".encode()).hexdigest()[:43]


@dataclass(frozen=True, slots=True)
class Application:
    """An application registration: multi-tenant, confidential."""

    client_id: str
    name: str
    client_secret: str
    redirect_uris: tuple[str, ...]


_TENANTS: Final = (
    Tenant(CONTOSO, "contoso.example", "Contoso"),
    Tenant(FABRIKAM, "fabrikam.example", "Fabrikam"),
    Tenant(EVIL, "evil.example", "Evil"),
    Tenant(PERSONAL, "personal.example", "Personal accounts"),
)
# username, name, app roles
_PEOPLE: Final = (
    ("alice@contoso.example", "Alice Adams", ("mcp.admin",)),
    ("bob@contoso.example", "Bob Brown", ()),
    ("carol@fabrikam.example", "Carol Clark", ()),
    ("mallory@evil.example", "Mallory Moore", ("mcp.admin",)),
    ("pat@personal.example", "Pat Parker", ()),
)


class Directory:
    """Args: redirect_uris: those registered with the login application, compared exactly."""

    def __init__(self, redirect_uris: Collection[str]) -> None:
        self._application = Application(CLIENT_ID, "mcpstack", CLIENT_SECRET, tuple(redirect_uris))
        domains = {tenant.domain: tenant for tenant in _TENANTS}
        self.people = tuple(
            Person(username, name, domains[username.partition("@")[2]], roles)
            for username, name, roles in _PEOPLE
        )

    def application(self, client_id: str | None) -> Application | None:
        """Return the application of that id."""
        return self._application if client_id == self._application.client_id else None

    def tenant(self, segment: str) -> Tenant | None:
        """Return the tenant that a path names by its id or domain."""
        wanted = segment.lower()
        return next((t for t in _TENANTS if wanted in (t.id, t.domain)), None)

    def person(self, username: str) -> Person | None:
        """Return the account of that name, in whatever case it was typed."""
        wanted = username.strip().lower()
        return next((p for p in self.people if p.username == wanted), None)

    def admits(self, segment: str, person: Person) -> bool:
        """Say whether an account may sign in through this path segment."""
        if segment == "common":
            return True
        if segment in SHARED_SEGMENTS:
            return (segment == "consumers") == (person.tenant.id == PERSONAL)
        return self.tenant(segment) == person.tenant
