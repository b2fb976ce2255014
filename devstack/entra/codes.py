"""Authorization codes: in memory, ten minutes, redeemed once.

Filled by ``login_app``, emptied by ``grants``. A code: issued → redeemed (remembered for as long as it
would have lived, so that a second redemption is named as such) → forgotten; only ``take`` changes it.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from devstack.entra import errors
from devstack.entra.authorization import AuthorizationRequest
from devstack.entra.directory import Person
from devstack.entra.errors import EntraError

LIFETIME_SECONDS: Final = 600
_REMEMBERED_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for: what was asked for, who signed in, when, and in which generation of theirs."""

    request: AuthorizationRequest
    tid: str
    oid: str
    authenticated_at_seconds: int
    generation: int


@dataclass(slots=True)
class _Entry:
    grant: Grant
    issued_at_seconds: float
    redeemed: bool = False


class Codes:
    """Args: clock: seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def issue(self, request: AuthorizationRequest, person: Person, authenticated_at_seconds: int) -> str:
        """Return a new code for somebody who gave their password at that time."""
        now = self._clock()
        self._entries = {
            key: entry
            for key, entry in self._entries.items()
            if now - entry.issued_at_seconds < _REMEMBERED_SECONDS
        }
        code = f"1.{secrets.token_urlsafe(96)}"
        grant = Grant(request, person.tid, person.oid, authenticated_at_seconds, person.session_generation)
        self._entries[_key(code)] = _Entry(grant, now)
        return code

    def take(self, code: str) -> Grant:
        """Return what the code stands for; it is redeemed by this, whatever becomes of the request.

        Raises:
            EntraError: UNKNOWN_CODE, USED_CODE, EXPIRED.
        """
        entry = self._entries.get(_key(code))
        if entry is None:
            raise EntraError(errors.UNKNOWN_CODE)
        if entry.redeemed:
            raise EntraError(errors.USED_CODE)
        entry.redeemed = True
        if self._clock() - entry.issued_at_seconds > LIFETIME_SECONDS:
            raise EntraError(errors.EXPIRED)
        return entry.grant


def _key(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
