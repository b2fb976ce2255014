"""What a sign-in leaves behind: authorization codes, refresh tokens, and the browser's signed-in account.

Used by ``login`` and ``token``. In memory: an emulator that restarts has forgotten everybody, like a browser
whose cookies were deleted. Must hand each code out once.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from devstack.entra.directory import Person

CODE_LIFETIME_SECONDS = 600
REFRESH_LIFETIME_SECONDS = 90 * 86_400
_MOST_ENTRIES = 10_000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Authorization:
    """What was agreed at the authorize endpoint, and with whom."""

    person: Person
    client_id: str
    segment: str
    redirect_uri: str
    scopes: tuple[str, ...]
    nonce: str | None
    code_challenge: str | None
    auth_time_seconds: int


class Grants:
    """Args: clock: seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: dict[str, tuple[float, Authorization | None]] = {}
        self._refresh: dict[str, tuple[float, Authorization]] = {}
        self._browsers: dict[str, Person] = {}

    def issue_code(self, authorization: Authorization) -> str:
        """Return a new code."""
        code = f"1.{secrets.token_urlsafe(64)}"
        _bound(self._codes)
        self._codes[code] = (self._clock() + CODE_LIFETIME_SECONDS, authorization)
        return code

    def take_code(self, code: str) -> tuple[bool, Authorization | None]:
        """Take a code; return whether it was ever issued, and what it stands for unless spent or expired."""
        if code not in self._codes:
            return False, None
        expires_at, authorization = self._codes[code]
        self._codes[code] = (expires_at, None)
        return True, authorization if self._clock() < expires_at else None

    def issue_refresh_token(self, authorization: Authorization) -> str:
        """Return a new refresh token; as with Entra the one before it stays good."""
        token = f"1.{secrets.token_urlsafe(96)}"
        _bound(self._refresh)
        self._refresh[token] = (self._clock() + REFRESH_LIFETIME_SECONDS, authorization)
        return token

    def refreshed(self, token: str) -> Authorization | None:
        """Return what a refresh token stands for."""
        expires_at, authorization = self._refresh.get(token, (0.0, None))
        return authorization if self._clock() < expires_at else None

    def sign_in_browser(self, person: Person) -> str:
        """Remember the account; return the cookie's value."""
        value = secrets.token_urlsafe(32)
        _bound(self._browsers)
        self._browsers[value] = person
        return value

    def signed_in(self, cookie: str | None) -> Person | None:
        """Return the account that this browser signed in with."""
        return self._browsers.get(cookie or "")


def _bound(entries: dict[str, _T]) -> None:
    while len(entries) >= _MOST_ENTRIES:
        del entries[next(iter(entries))]
