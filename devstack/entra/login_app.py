"""The login page's origin, and its main endpoint: authorize, sign in, cancel.

Made by ``emulator``. Who is signed in already is let through silently unless the application or the person's
tenant wants otherwise. Must not redirect to anything but registered redirect URIs.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from devstack.entra import errors
from devstack.entra.admin_consent import AdminConsent
from devstack.entra.answers import Answers
from devstack.entra.authority import Authority, parse_authority
from devstack.entra.authorization import (
    AuthorizationRequest,
    RefusedError,
    Target,
    parse_request,
    parse_target,
)
from devstack.entra.codes import Codes
from devstack.entra.directory import PERSONAL, Directory, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.http import LOGGER, make_app
from devstack.entra.login_form import Links, LoginForm, remember_browser
from devstack.entra.logout import Logout
from devstack.entra.parameters import Parameters
from devstack.entra.sign_on import SignedOn, SignOn
from devstack.entra.tokens import client_info


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request that waits for somebody to sign in; ``sealed`` is how it is written into pages."""

    authority: Authority
    request: AuthorizationRequest
    target: Target
    sealed: str


class LoginSite:
    """Args: directory, codes, faults, form, sign_on, answers: the emulator's; clock: seconds since 1970."""

    def __init__(
        self,
        *,
        directory: Directory,
        codes: Codes,
        faults: Faults,
        form: LoginForm,
        sign_on: SignOn,
        answers: Answers,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._codes = codes
        self._faults = faults
        self._form = form
        self._sign_on = sign_on
        self._answers = answers
        self._clock = clock

    def app(self, admin_consent: AdminConsent, logout: Logout) -> Flask:
        """Return the WSGI application of the whole origin."""
        app = make_app("devstack.entra.login", self._faults)
        authorize = "/<segment>/oauth2/v2.0/authorize"
        app.add_url_rule(authorize, "authorize", self._authorize, methods=["GET", "POST"])
        app.add_url_rule("/<segment>/login", "choose", self._choose, methods=["GET"])
        app.add_url_rule("/<segment>/cancel", "cancel", self._cancel, methods=["GET"])
        admin_consent.add_to(app)
        logout.add_to(app)
        app.register_error_handler(EntraError, self._answers.error_page)
        app.register_error_handler(RefusedError, self._answers.refusal)
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
        asked = parse_request(parameters, authority, target, self._directory)
        signed_on = self._signed_on(authority, asked) if asked.prompt in (None, "none") else None
        refusal = None if signed_on is None else self._refusal(target, signed_on.person)
        if signed_on is not None and refusal is None:
            return self._finish(asked, target, signed_on)
        if asked.prompt == "none":
            kind = errors.NOT_SIGNED_IN if signed_on is None else errors.SILENT_CONSENT
            raise RefusedError(target, EntraError(kind))
        sealed, browser = self._form.seal("login", {"request": asked.as_json()})
        username = signed_on.person.username if signed_on is not None else asked.login_hint or ""
        pending = _Pending(authority, asked, target, sealed)
        return remember_browser(self._show(pending, username=username, error=refusal), browser)

    def _login(self, segment: str) -> Response:
        pending = self._open(segment, request.form["form_token"])
        username = request.form.get("username", "").strip()
        try:
            person = self._form.check(pending.authority, username, request.form.get("password", ""))
        except EntraError as error:
            return self._show(pending, username=username, error=error)
        refusal = self._refusal(pending.target, person)
        if refusal is not None:
            return self._show(pending, username=username, error=refusal)
        signed_on = SignedOn(person, int(self._clock()))
        response = self._finish(pending.request, pending.target, signed_on)
        self._sign_on.begin(response, signed_on)
        return response

    def _choose(self, segment: str) -> Response:
        pending = self._open(segment, request.args.get("form_token", ""))
        return self._show(pending, username=request.args.get("username", ""))

    def _cancel(self, segment: str) -> Response:
        pending = self._open(segment, request.args.get("form_token", ""))
        raise RefusedError(pending.target, EntraError(errors.CANCELLED))

    def _refusal(self, target: Target, person: Person) -> EntraError | None:
        # Entra says so on its own page; the application hears of it when the person gives up.
        if self._directory.has_consented(person.tid, target.application):
            return None
        return EntraError(errors.NEEDS_ADMIN_CONSENT)

    def _finish(self, asked: AuthorizationRequest, target: Target, signed_on: SignedOn) -> Response:
        for fault, kind in (("consent_denied", errors.CANCELLED), ("access_denied", errors.NOT_ASSIGNED)):
            if self._faults.take(fault) is not None:
                raise RefusedError(target, EntraError(kind))
        person = signed_on.person
        LOGGER.info("%s signed in to %s", person.username, target.application.name)
        members = {"code": self._codes.issue(asked, person, signed_on.authenticated_at_seconds)}
        if asked.client_info:
            members["client_info"] = client_info(person)
        return self._answers.to_application(target, members | {"session_state": secrets.token_hex(16)})

    def _signed_on(self, authority: Authority, asked: AuthorizationRequest) -> SignedOn | None:
        signed_on = self._sign_on.current()
        if signed_on is None or not authority.admits(signed_on.person):
            return None
        person = signed_on.person
        if asked.login_hint and asked.login_hint.lower() not in (person.username, person.login_hint.lower()):
            return None
        if asked.domain_hint and not self._is_of_domain(person, asked.domain_hint.lower()):
            return None
        age_seconds, max_age_seconds = (
            self._clock() - signed_on.authenticated_at_seconds,
            asked.max_age_seconds,
        )
        # OpenID Connect Core section 3.1.2.1: 0 means now, as prompt=login does.
        if max_age_seconds is not None and (max_age_seconds == 0 or age_seconds > max_age_seconds):
            return None
        return signed_on if self._form.is_enabled(person) else None

    def _is_of_domain(self, person: Person, domain_hint: str) -> bool:
        if domain_hint in ("organizations", "consumers"):
            return (person.tid == PERSONAL) == (domain_hint == "consumers")
        tenant = self._directory.tenant(domain_hint)
        return tenant is not None and tenant.tid == person.tid

    def _open(self, segment: str, sealed: str) -> _Pending:
        content = self._form.open("login", sealed)
        asked = AuthorizationRequest.from_json(content["request"])
        authority = parse_authority(segment, self._directory)
        # The application may have been changed since; what was proved then is proved again.
        target = parse_target(Parameters.of(_target_pairs(asked)), authority, self._directory)
        if asked.segment != segment:
            raise EntraError(errors.PAGE_EXPIRED)
        return _Pending(authority, asked, target, sealed)

    def _show(self, pending: _Pending, *, username: str, error: EntraError | None = None) -> Response:
        links = Links.under(pending.request.segment, "/oauth2/v2.0/authorize")
        name = pending.target.application.name
        return self._form.show(name, links, pending.sealed, username=username, error=error)


def _plain(error: HTTPException) -> Response:
    return Response(f"{error.name}\n", error.code, content_type="text/plain")


def _target_pairs(asked: AuthorizationRequest) -> list[tuple[str, str]]:
    members: dict[str, Any] = asked.as_json()
    names = ("client_id", "redirect_uri", "state", "response_mode")
    return [(name, members[name]) for name in names if members[name] is not None]
