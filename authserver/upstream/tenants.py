"""Which Entra tenants may sign in: the home tenant and those on the list, never personal accounts.

Called by ``web.callback`` at sign-in and by the refresh grant. Identity is (tid, oid); must not look at
names.
"""

from collections.abc import Mapping
from typing import Final

from authserver.errors import AuthServerError
from authserver.model import TenantEntry

# The tenant of all personal Microsoft accounts, which are nobody's employees.
PERSONAL_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"


class TenantRefused(AuthServerError):
    """The tenant may not sign in.

    Args:
        tid: the tenant.
        description: public.
    """

    def __init__(self, tid: str, description: str) -> None:
        super().__init__(f"tenant {tid}: {description}")
        self.tid = tid
        self.description = description


class TenantPolicy:
    """Args: home: GUID of the home tenant; allowed: GUID → entry of the others."""

    def __init__(self, home: str, allowed: Mapping[str, TenantEntry]) -> None:
        self.home = home.lower()
        self._allowed = frozenset({self.home, *(tid.lower() for tid in allowed)}) - {PERSONAL_TENANT}

    @property
    def is_multi_tenant(self) -> bool:
        """Whether anybody beside the home tenant may sign in."""
        return len(self._allowed) > 1

    def check(self, tid: str) -> None:
        """Refuse a tenant that is not on the list.

        Raises:
            TenantRefused: with the reason.
        """
        if tid.lower() == PERSONAL_TENANT:
            raise TenantRefused(tid, "personal Microsoft accounts cannot be used here")
        if tid.lower() not in self._allowed:
            raise TenantRefused(tid, "accounts of this organization cannot be used here")
