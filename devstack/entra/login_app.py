"""The login page's origin: authorize, sign in, cancel, sign out.

Made by ``emulator``. The pending request travels sealed in the form, bound to a cookie of the browser that
began it (nobody can be signed in as somebody else by a form of another site), so that nothing is stored
before a code is. A sign-on cookie lets the same browser in again silently. Must not show anything
unescaped, and must redirect to registered redirect URIs alone.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from devstack.entra import errors
from devstack.entra.authority import Authority, parse_authority
from devstack.entra.authorization import (
    AuthorizationRequest,
    RefusedError,
    Target,
    parse_request,
    parse_target,
)
from devstack.entra.codes import Codes
from devstack.entra.directory import ADMIN_ROLE, WRONG_PASSWORD, Directory, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.http import LOGGER, make_app, new_reference
from devstack.entra.pages import Choice, LoginView, Pages
from devstack.entra.parameters import Parameters
from devstack.entra.seal import BrokenSealError, Seals
from devstack.entra.tokens import client_info

BROWSER_COOKIE: Final = "entra_emulator_browser"
SIGN_ON_COOKIE: Final = "entra_emulator_sign_on"
PENDING_LIFETIME_SECONDS: Final = 3600
SIGN_ON_LIFETIME_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request that waits for somebody to sign in; ``sealed`` is how it is written into pages."""

    authority: Authority
    request: AuthorizationRequest
    target: Target
    sealed: str


class LoginSite:
    """Args: directory, codes, seals, faults: the emulator's; clock: seconds since 1970."""

    def __init__(
        self, directory: Directory, codes: Codes, seals: Seals, faults: Faults, clock: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._codes = codes
        self._seals = seals
        self._faults = faults
        self._clock = clock
        self._pages = Pages()

    def app(self, authority_url: str) -> Flask:
        """Return the WSGI application; ``authority_url`` is named in errors."""
        self._authority_url = authority_url
        app = make_app("devstack.entra.login", self._faults)
        authorize = "/<segment>/oauth2/v2.0/authorize"
        app.add_url_rule(authorize, "authorize", self._authorize, methods=["GET", "POST"])
        app.add_url_rule("/<segment>/login", "choose", self._choose, methods=["GET"])
        app.add_url_rule("/<segment>/cancel", "cancel", self._cancel, methods=["GET"])
        app.add_url_rule("/<segment>/oauth2/v2.0/logout", "logout", self._logout, methods=["GET"])
        app.register_error_handler(EntraError, self._error_page)
        app.register_error_handler(RefusedError, self._refused)
        app.register_error_handler(HTTPException, _plain)
        return app

    def _authorize(self, segment: str) -> Response:
        # The form posts to where it came from; an application may post its request there as well.
        if request.method == "POST" and "form_token" in request.form:
            return self._login(segment)
        source = request.form if request.method == "POST" else request.args
        parameters = Parameters.of(source.items(multi=True))
        authority = parse_authority(segment, self._directory)
        target = parse_target(parameters, authority, self._directory)
        asked = parse_request(parameters, authority, target)
        person = self._signed_on(authority, asked) if asked.prompt in (None, "none") else None
        if person is not None:
            return self._finish(asked, target, person)
        if asked.prompt == "none":
            raise RefusedError(target, EntraError(errors.NOT_SIGNED_IN))
        browser = _browser_cookie() or secrets.token_urlsafe(32)
        sealed = self._seals.seal("login", {"request": asked.as_json(), "browser": _digest(browser)})
        pending = _Pending(authority, asked, target, sealed)
        response = self._form(pending, username=asked.login_hint or "")
        response.set_cookie(BROWSER_COOKIE, browser, httponly=True, samesite="Lax")
        return response

    def _login(self, segment: str) -> Response:
        pending = self._open(segment, request.form["form_token"])
        username = request.form.get("username", "").strip()
        try:
            person = self._check(pending.authority, username, request.form.get("password", ""))
        except EntraError as error:
            LOGGER.info("sign-in of %s refused: %s", username[: errors.MAX_QUOTED], error.message)
            return self._form(pending, username=username, error=error)
        response = self._finish(pending.request, pending.target, person)
        sealed = self._seals.seal("sign-on", {"tid": person.tid, "oid": person.oid})
        response.set_cookie(SIGN_ON_COOKIE, sealed, httponly=True, samesite="Lax")
        return response

    def _choose(self, segment: str) -> Response:
        pending = self._open(segment, request.args.get("form_token", ""))
        return self._form(pending, username=request.args.get("username", ""))

    def _cancel(self, segment: str) -> Response:
        pending = self._open(segment, request.args.get("form_token", ""))
        raise RefusedError(pending.target, EntraError(errors.CANCELLED))

    def _logout(self, segment: str) -> Response:
        parse_authority(segment, self._directory)
        application = self._directory.application(request.args.get("client_id", ""))
        back = request.args.get("post_logout_redirect_uri", "")
        registered = application is not None and back in application.redirect_uris
        response = _redirect(back) if registered else self._pages.signed_out()
        response.delete_cookie(SIGN_ON_COOKIE, httponly=True, samesite="Lax")
        return response

    def _check(self, authority: Authority, username: str, password: str) -> Person:
        person = self._directory.person(username)
        if person is None:
            raise EntraError(errors.UNKNOWN_PERSON, username=username)
        if password in ("", WRONG_PASSWORD):
            raise EntraError(errors.WRONG_PASSWORD)
        if not authority.admits(person):
            raise EntraError(errors.OTHER_TENANTS_ACCOUNT, username=person.username, tenant=authority.segment)
        if not self._is_enabled(person):
            raise EntraError(errors.DISABLED)
        return person

    def _is_enabled(self, person: Person) -> bool:
        return person.enabled and not self._faults.take_for("user_disabled", person.username)

    def _finish(self, asked: AuthorizationRequest, target: Target, person: Person) -> Response:
        for fault, kind in (("consent_denied", errors.CANCELLED), ("access_denied", errors.NOT_ASSIGNED)):
            if self._faults.take(fault) is not None:
                raise RefusedError(target, EntraError(kind))
        LOGGER.info("%s signed in to %s", person.username, target.application.name)
        members = {"code": self._codes.issue(asked, person)}
        if asked.client_info:
            members["client_info"] = client_info(person)
        return self._answer(target, members | {"session_state": secrets.token_hex(16)})

    def _signed_on(self, authority: Authority, asked: AuthorizationRequest) -> Person | None:
        try:
            content = self._seals.open(
                "sign-on",
                request.cookies.get(SIGN_ON_COOKIE, ""),
                lifetime_seconds=SIGN_ON_LIFETIME_SECONDS,
            )
        except BrokenSealError:
            return None
        person = self._directory.person_with(content["tid"], content["oid"])
        if person is None or not authority.admits(person):
            return None
        if asked.login_hint and asked.login_hint.lower() != person.username:
            return None
        return person if self._is_enabled(person) else None

    def _open(self, segment: str, sealed: str) -> _Pending:
        try:
            content = self._seals.open("login", sealed, lifetime_seconds=PENDING_LIFETIME_SECONDS)
        except BrokenSealError:
            raise EntraError(errors.PAGE_EXPIRED) from None
        browser = _browser_cookie()
        if browser is None or not hmac.compare_digest(_digest(browser), content["browser"]):
            raise EntraError(errors.OTHER_BROWSER)
        asked = AuthorizationRequest.from_json(content["request"])
        authority = parse_authority(segment, self._directory)
        # The application may have been changed since; what was proved then is proved again.
        target = parse_target(Parameters.of(_target_pairs(asked)), authority, self._directory)
        if asked.segment != segment:
            raise EntraError(errors.PAGE_EXPIRED)
        return _Pending(authority, asked, target, sealed)

    def _form(self, pending: _Pending, *, username: str, error: EntraError | None = None) -> Response:
        path = f"/{quote(pending.request.segment)}"
        query = urlencode({"form_token": pending.sealed})
        choices = tuple(
            Choice(
                name=person.name,
                username=person.username,
                tenant=tenant.name if (tenant := self._directory.tenant(person.tid)) else person.tid,
                is_administrator=ADMIN_ROLE in person.roles,
                url=f"{path}/login?{query}&{urlencode({'username': person.username})}",
            )
            for person in self._directory.people
        )
        return self._pages.login(
            LoginView(
                application=pending.target.application.name,
                choices=choices,
                username=username,
                form_token=pending.sealed,
                action=f"{path}/oauth2/v2.0/authorize",
                cancel_url=f"{path}/cancel?{query}",
                error=error,
            )
        )

    def _refused(self, refused: RefusedError) -> Response:
        LOGGER.info("refused to %s: %s", refused.target.application.name, refused.error.message)
        kind = refused.error.kind
        members = {
            "error": kind.error,
            "error_description": new_reference(self._clock).describe(refused.error),
            "error_uri": f"{self._authority_url}/error?code={kind.number}",
        }
        return self._answer(refused.target, members)

    def _answer(self, target: Target, members: dict[str, str]) -> Response:
        if target.state is not None:
            members = members | {"state": target.state}
        if target.response_mode == "form_post":
            return self._pages.posted_answer(target.application.name, target.redirect_uri, members)
        separator = "&" if urlsplit(target.redirect_uri).query else "?"
        return _redirect(f"{target.redirect_uri}{separator}{urlencode(members)}")

    def _error_page(self, error: EntraError) -> Response:
        LOGGER.info("refused: %s", error.message)
        return self._pages.error(error, new_reference(self._clock))


def _redirect(url: str) -> Response:
    return Response("", 302, {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _plain(error: HTTPException) -> Response:
    return Response(f"{error.name}\n", error.code, content_type="text/plain")


def _target_pairs(asked: AuthorizationRequest) -> list[tuple[str, str]]:
    members: dict[str, Any] = asked.as_json()
    names = ("client_id", "redirect_uri", "state", "response_mode")
    return [(name, members[name]) for name in names if members[name] is not None]


def _browser_cookie() -> str | None:
    value = request.cookies.get(BROWSER_COOKIE, "")
    return value if len(value) == len(secrets.token_urlsafe(32)) else None


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
