"""The login form: what waits for somebody to sign in, who may, and what the page shows.

Called by ``login_app`` and ``admin_consent``. What waits travels sealed in the form, bound to a cookie of the
browser that began it (nobody can be signed in as somebody else by a form of another site), so that nothing is
stored. Must not say where the person goes then.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from flask import Response, request

from devstack.entra import errors
from devstack.entra.authority import Authority
from devstack.entra.directory import ADMIN_ROLE, WRONG_PASSWORD, Directory, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.http import LOGGER
from devstack.entra.pages import Choice, LoginView, Pages
from devstack.entra.seal import BrokenSealError, Purpose, Seals

BROWSER_COOKIE: Final = "entra_emulator_browser"
PENDING_LIFETIME_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Links:
    """Where the form goes, and its links: to fill in a name, and to give up. Paths."""

    action: str
    choose: str
    cancel: str

    @classmethod
    def under(cls, segment: str, action: str, others: str = "") -> "Links":
        """Return the paths of a tenant, for example ``under("common", "/oauth2/v2.0/authorize")``."""
        root = f"/{quote(segment)}"
        return cls(f"{root}{action}", f"{root}{others}/login", f"{root}{others}/cancel")


class LoginForm:
    """Args: directory, seals, faults, pages: the emulator's."""

    def __init__(self, directory: Directory, seals: Seals, faults: Faults, pages: Pages) -> None:
        self._directory = directory
        self._seals = seals
        self._faults = faults
        self._pages = pages

    def seal(self, purpose: Purpose, content: Mapping[str, Any]) -> tuple[str, str]:
        """Return ``content`` as a form carries it, and the browser that it is bound to."""
        browser = _browser_cookie() or secrets.token_urlsafe(32)
        return self._seals.seal(purpose, {**content, "browser": _digest(browser)}), browser

    def open(self, purpose: Purpose, sealed: str) -> dict[str, Any]:
        """Return what waits.

        Raises:
            EntraError: PAGE_EXPIRED, OTHER_BROWSER.
        """
        try:
            content = self._seals.open(purpose, sealed, lifetime_seconds=PENDING_LIFETIME_SECONDS)
        except BrokenSealError:
            raise EntraError(errors.PAGE_EXPIRED) from None
        browser = _browser_cookie()
        if browser is None or not hmac.compare_digest(_digest(browser), content["browser"]):
            raise EntraError(errors.OTHER_BROWSER)
        return content

    def check(self, authority: Authority, username: str, password: str) -> Person:
        """Return whose user name and password these are.

        Raises:
            EntraError: UNKNOWN_PERSON, WRONG_PASSWORD, OTHER_TENANTS_ACCOUNT, DISABLED.
        """
        person = self._directory.person(username)
        if person is None:
            raise EntraError(errors.UNKNOWN_PERSON, username=username)
        if password in ("", WRONG_PASSWORD) or (person.password and password != person.password):
            raise EntraError(errors.WRONG_PASSWORD)
        if not authority.admits(person):
            raise EntraError(errors.OTHER_TENANTS_ACCOUNT, username=person.username, tenant=authority.segment)
        if not self.is_enabled(person):
            raise EntraError(errors.DISABLED)
        return person

    def is_enabled(self, person: Person) -> bool:
        """Say whether the account may sign in."""
        return person.enabled and not self._faults.take_for("user_disabled", person.username)

    def show(
        self, application: str, links: Links, sealed: str, *, username: str, error: EntraError | None = None
    ) -> Response:
        """Return the page; with an error, the person has tried already."""
        if error is not None:
            LOGGER.info("sign-in of %s refused: %s", username[: errors.MAX_QUOTED], error.message)
        query = urlencode({"form_token": sealed})
        choices = tuple(
            Choice(
                name=person.name,
                username=person.username,
                tenant=tenant.name if (tenant := self._directory.tenant(person.tid)) else person.tid,
                note=_note(person),
                url=f"{links.choose}?{query}&{urlencode({'username': person.username})}",
            )
            for person in self._directory.people
        )
        cancel_url = f"{links.cancel}?{query}"
        return self._pages.login(
            LoginView(application, choices, username, sealed, links.action, cancel_url, error)
        )


def remember_browser(response: Response, browser: str) -> Response:
    """Have the answer set the cookie that a form is bound to."""
    response.set_cookie(BROWSER_COOKIE, browser, httponly=True, samesite="Lax")
    return response


def _note(person: Person) -> str:
    if ADMIN_ROLE in person.roles:
        return "administrator"
    return "tenant administrator" if person.tenant_admin else ""


def _browser_cookie() -> str | None:
    value = request.cookies.get(BROWSER_COOKIE, "")
    return value if len(value) == len(secrets.token_urlsafe(32)) else None


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
