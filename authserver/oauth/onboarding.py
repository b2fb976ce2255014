"""Invitations of other organizations: what an operator promised to whichever tenant accepts.

::

    INVITED --the secret link is opened--> (nothing changes, however often)
    INVITED --a tenant is proven-->        TAKEN   (and the tenant has the entry that was promised)
    INVITED --LIFETIME_SECONDS-->          EXPIRED

Made by ``cli.tenants``; looked at and accepted by ``web.onboarding``. The secret is stored as its digest. A
tenant is proven by a signed id_token alone: what the consent page answers about it in a URL anybody can
write. Must not know HTTP.
"""

import json
import secrets
from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter, ValidationError

from authserver.cipher import digest
from authserver.errors import AuthServerError, StoreUnavailable
from authserver.model import Clock, Identity, TenantEntry
from authserver.store.protocols import RecordStore
from authserver.upstream.tenant_entries import TenantEntries, described
from authserver.upstream.tenants import PERSONAL_TENANT

LIFETIME_SECONDS: Final = 7 * 86_400
_KIND: Final = "invitation"
_PREFIX: Final = "mcpin_"
_ENTRY: Final = TypeAdapter(TenantEntry)


class OnboardingRefused(AuthServerError):
    """The tenant is not added.

    Args:
        reason: for the audit.
        description: public.
    """

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(f"{reason}: {description}")
        self.reason = reason
        self.description = description


class Invitations:
    """Args: records: store; entries: where accepted tenants go; clock."""

    def __init__(self, records: RecordStore, entries: TenantEntries, clock: Clock) -> None:
        self._records = records
        self._entries = entries
        self._clock = clock

    def issue(self, promised: TenantEntry) -> tuple[str, int]:
        """Return a new invitation's secret, and when it expires.

        Args:
            promised: the entry; its tid is not known yet.
        """
        secret = _PREFIX + secrets.token_urlsafe(32)
        expires_at = int(self._clock()) + LIFETIME_SECONDS
        self._records.put_record(_KIND, digest(secret), json.dumps(described(promised)), expires_at)
        return secret, expires_at

    def find(self, invitation_hash: str) -> TenantEntry:
        """Return what is promised.

        Raises:
            OnboardingRefused: the invitation was used, has expired, or never was one.
        """
        return _promised(self._records.get_record(_KIND, invitation_hash))

    def accept(
        self, invitation_hash: str, administrator: Identity, unverified_tid: str | None
    ) -> TenantEntry:
        """Atomic: add the tenant of somebody who signed in, with what was promised.

        Args:
            invitation_hash: the invitation's.
            administrator: who signed in, proven by an id_token.
            unverified_tid: the tenant that has consented, as the browser brought it.

        Raises:
            OnboardingRefused: nothing was added; the invitation is spent only if another call spent it.
        """
        self.find(invitation_hash)
        tid = administrator.tid
        if tid == PERSONAL_TENANT:
            raise OnboardingRefused("personal", "a personal Microsoft account belongs to no organization")
        if unverified_tid is None or unverified_tid.lower() != tid:
            raise OnboardingRefused(
                "other_tenant", "the account belongs to another organization than the one that consented"
            )
        if self._entries.get(tid) is not None:
            raise OnboardingRefused("listed", "this organization has access already")
        entry = replace(_promised(self._records.take_record(_KIND, invitation_hash)), tid=tid)
        if not self._entries.add(entry):
            raise OnboardingRefused("listed", "this organization has access already")
        return entry


def _promised(text: str | None) -> TenantEntry:
    if text is None:
        raise OnboardingRefused("invitation", "this invitation was used already or has expired")
    try:
        return _ENTRY.validate_json(text)
    except ValidationError:
        raise StoreUnavailable("an invitation in the store is malformed") from None
