"""The cookies: one per form of ours, one per login on its way, one per session of a person at a page of ours;
HttpOnly, SameSite=Lax, short-lived.

Called by the endpoints that people see. On https they carry the ``__Host-`` prefix and Secure; on plain-http
loopback, and there alone, neither (some stacks refuse Secure there).
"""

from collections.abc import Mapping
from typing import Final, Literal

from authserver.cipher import digest

# More forms than this are not open at once in anybody's browser; older cookies are expired.
MAX_OPEN_FORMS: Final = 12
_LOGIN: Final = "login-"

# The pages with forms that have a cookie each, and those where a person stays signed in for some minutes.
FormKind = Literal["consent", "device", "sign-in", "sign-out", "onboarding"]
SessionKind = Literal["account", "admin"]


class Cookies:
    """Args: secure: whether this server is reached by https."""

    def __init__(self, secure: bool) -> None:
        self._prefix = "__Host-" if secure else ""
        self._attributes = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    def form_name(self, kind: FormKind, form_id: str) -> str:
        """Return the name of a form's cookie."""
        return f"{self._prefix}{kind}-{form_id}"

    def session_name(self, kind: SessionKind) -> str:
        """Return the name of the cookie of who is signed in at a page."""
        return f"{self._prefix}{kind}"

    def login_name(self, state: str) -> str:
        """Return the name of a login's cookie; the state itself does not stand in it."""
        return f"{self._prefix}{_LOGIN}{digest(state)[:16]}"

    def set(self, name: str, value: str, lifetime_seconds: int) -> tuple[str, str]:
        """Return the header that sets a cookie."""
        return "Set-Cookie", f"{name}={value}; Max-Age={lifetime_seconds}; {self._attributes}"

    def clear(self, name: str) -> tuple[str, str]:
        """Return the header that removes a cookie."""
        return "Set-Cookie", f"{name}=; Max-Age=0; {self._attributes}"

    def surplus_forms(self, kind: FormKind, cookies: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return headers that remove the oldest form cookies where there are too many."""
        # Form ids begin with the time in hexadecimal digits, of one length for centuries.
        names = sorted(name for name in cookies if name.startswith(f"{self._prefix}{kind}-"))
        return [self.clear(name) for name in names[: max(0, len(names) - MAX_OPEN_FORMS + 1)]]
