"""Who may sign in, and for which scopes: the home tenant, the tenants on the list, personal accounts if
allowed.

Called when somebody arrives from Entra, at each refresh, and by the grants that take Entra's tokens. Identity
is (tid, oid), and a role means something only beside its tenant; must not look at names.
"""

from typing import Final

from authserver.errors import AuthServerError
from authserver.model import Identity, TenantEntry
from authserver.upstream.entitlements import effective_scopes
from authserver.upstream.tenant_entries import TenantEntries

# The tenant of all personal Microsoft accounts, which are nobody's employees.
PERSONAL_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"


class TenantRefused(AuthServerError):
    """Nobody of this tenant, or not this person, may sign in.

    Args:
        tid: the tenant.
        description: public.
        reason: ``tenant`` or ``role``: what is missing, for the audit.
    """

    def __init__(self, tid: str, description: str, reason: str = "tenant") -> None:
        super().__init__(f"tenant {tid}: {description}")
        self.tid = tid
        self.description = description
        self.reason = reason


class TenantPolicy:
    """Args: home: GUID of the home tenant; entries: the tenants; personal_accounts: whether they may."""

    def __init__(self, home: str, entries: TenantEntries, *, personal_accounts: bool = False) -> None:
        self.home = home.lower()
        self._entries = entries
        self._personal_accounts = personal_accounts

    def authority(self) -> str:
        """Return the segment of Entra's paths at which everybody who may can sign in."""
        if self._personal_accounts:
            return "common"
        return "organizations" if self._entries.has_others_than(self.home) else self.home

    def entry(self, tid: str) -> TenantEntry:
        """Return what was granted to a tenant.

        Raises:
            TenantRefused: it may not sign in.
        """
        if tid.lower() == PERSONAL_TENANT and not self._personal_accounts:
            raise TenantRefused(tid, "personal Microsoft accounts cannot be used here")
        entry = self._entries.get(tid.lower())
        if entry is None:
            raise TenantRefused(tid, "accounts of this organization cannot be used here")
        return entry

    def check(self, tid: str) -> None:
        """Refuse a tenant that is not on the list.

        Raises:
            TenantRefused: with the reason.
        """
        self.entry(tid)

    def admitted(self, identity: Identity, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return what of the requested scopes this person holds now; it may be none.

        Raises:
            TenantRefused: the tenant may not sign in, or the person lacks the role that it demands.
        """
        entry = self.entry(identity.tid)
        if entry.required_roles and not set(entry.required_roles) & set(identity.roles):
            raise TenantRefused(
                identity.tid, "this account has not been given the role that is needed here", "role"
            )
        return effective_scopes(requested, entry, identity.roles, identity.groups)

    def maps_groups(self, tid: str) -> bool:
        """Tell whether groups of this tenant mean anything here."""
        entry = self._entries.get(tid.lower())
        return entry is not None and bool(entry.groups)
