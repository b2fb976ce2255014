"""GET /{tenant}/v2.0/adminconsent: a tenant's administrator lets an application in, for everybody there.

Added to the login page's origin by ``login_app``. asked → administrator signs in (the same form as ever) →
confirms → consented, or refused to the application. Must not take anybody else's word for a tenant.
"""

from dataclasses import dataclass

from flask import Flask, Response, request

from devstack.entra import errors
from devstack.entra.answers import Answers
from devstack.entra.authority import Authority, parse_authority
from devstack.entra.authorization import RefusedError, Target, parse_target
from devstack.entra.directory import GRAPH_ID, GRAPH_URI, Directory, Person
from devstack.entra.errors import EntraError
from devstack.entra.faults import Faults
from devstack.entra.http import LOGGER
from devstack.entra.login_form import Links, LoginForm, remember_browser
from devstack.entra.pages import ConsentView, Pages
from devstack.entra.parameters import Parameters
from devstack.entra.scopes import DEFAULT, Scopes, parse_scopes, spelled_out

_PATH = "/v2.0/adminconsent"


@dataclass(frozen=True, slots=True)
class _Pending:
    """A consent that is asked for; ``pairs`` is how it is written into pages."""

    authority: Authority
    target: Target
    scopes: Scopes
    pairs: list[tuple[str, str]]


class AdminConsent:
    """Args: directory, faults, form, pages, answers: the emulator's."""

    def __init__(
        self, directory: Directory, faults: Faults, form: LoginForm, pages: Pages, answers: Answers
    ) -> None:
        self._directory = directory
        self._faults = faults
        self._form = form
        self._pages = pages
        self._answers = answers

    def add_to(self, app: Flask) -> None:
        """Serve the endpoint, and its pages' links."""
        rule = f"/<segment>{_PATH}"
        app.add_url_rule(rule, "adminconsent", self._handle, methods=["GET", "POST"])
        app.add_url_rule(f"{rule}/login", "adminconsent_choose", self._choose, methods=["GET"])
        app.add_url_rule(f"{rule}/cancel", "adminconsent_cancel", self._cancel, methods=["GET"])

    def _handle(self, segment: str) -> Response:
        if request.method == "POST":
            return self._decide(segment) if "decision" in request.form else self._login(segment)
        pending = self._parse(segment, list(request.args.items(multi=True)))
        sealed, browser = self._form.seal("admin-consent", {"pairs": pending.pairs, "segment": segment})
        username = request.args.get("login_hint", "")
        return remember_browser(self._show(segment, pending, sealed, username), browser)

    def _login(self, segment: str) -> Response:
        sealed, username = request.form.get("form_token", ""), request.form.get("username", "").strip()
        pending = self._open(segment, sealed)
        try:
            person = self._form.check(pending.authority, username, request.form.get("password", ""))
            if not person.tenant_admin:
                raise EntraError(errors.NOT_AN_ADMIN)
        except EntraError as error:
            return self._show(segment, pending, sealed, username, error)
        confirmed = {"pairs": pending.pairs, "segment": segment, "tid": person.tid, "oid": person.oid}
        form_token, _ = self._form.seal("confirmation", confirmed)
        tenant = self._directory.tenant(person.tid)
        return self._pages.consent(
            ConsentView(
                application=pending.target.application.name,
                tenant=tenant.name if tenant else person.tid,
                username=person.username,
                scopes=_granted(pending.scopes),
                form_token=form_token,
                action=request.path,
            )
        )

    def _decide(self, segment: str) -> Response:
        content = self._form.open("confirmation", request.form.get("form_token", ""))
        pending = self._reopened(segment, content["segment"], content["pairs"])
        person = self._directory.person_with(content["tid"], content["oid"])
        if person is None or not self._is_administrator(person):
            raise EntraError(errors.NOT_AN_ADMIN)
        denied = self._faults.take("consent_denied") is not None
        if request.form["decision"] != "allow" or denied:
            raise self._refused(pending)
        self._directory.consent(person.tid, pending.target.application.client_id)
        LOGGER.info("%s consented to %s", person.username, pending.target.application.name)
        members = {"admin_consent": "True", "tenant": person.tid, "scope": " ".join(_granted(pending.scopes))}
        return self._answers.to_application(pending.target, members)

    def _choose(self, segment: str) -> Response:
        sealed = request.args.get("form_token", "")
        return self._show(segment, self._open(segment, sealed), sealed, request.args.get("username", ""))

    def _cancel(self, segment: str) -> Response:
        raise self._refused(self._open(segment, request.args.get("form_token", "")))

    def _is_administrator(self, person: Person) -> bool:
        return person.tenant_admin and self._form.is_enabled(person)

    def _open(self, segment: str, sealed: str) -> _Pending:
        content = self._form.open("admin-consent", sealed)
        return self._reopened(segment, content["segment"], content["pairs"])

    def _reopened(self, segment: str, asked_segment: str, pairs: list[list[str]]) -> _Pending:
        if segment != asked_segment:
            raise EntraError(errors.PAGE_EXPIRED)
        return self._parse(segment, [(name, value) for name, value in pairs])

    def _parse(self, segment: str, pairs: list[tuple[str, str]]) -> _Pending:
        parameters = Parameters.of(pairs)
        authority = parse_authority(segment, self._directory)
        target = parse_target(parameters, authority, self._directory)
        try:
            parameters.get("state")
            scopes = parse_scopes(parameters.require("scope"), self._directory)
        except EntraError as error:
            raise RefusedError(target, error, {"admin_consent": "True"}) from None
        kept = [
            (name, value) for name, value in pairs if name in ("client_id", "redirect_uri", "state", "scope")
        ]
        # The answer is always in the query here.
        target = Target(target.application, target.redirect_uri, target.state, "query")
        return _Pending(authority, target, spelled_out(scopes, target.application), kept)

    def _refused(self, pending: _Pending) -> RefusedError:
        members = {"admin_consent": "True", "error_subcode": "cancel"}
        return RefusedError(pending.target, EntraError(errors.CANCELLED), members)

    def _show(
        self, segment: str, pending: _Pending, sealed: str, username: str, error: EntraError | None = None
    ) -> Response:
        links = Links.under(segment, _PATH, _PATH)
        return self._form.show(pending.target.application.name, links, sealed, username=username, error=error)


def _granted(scopes: Scopes) -> tuple[str, ...]:
    uri = GRAPH_URI if scopes.resource == GRAPH_ID else f"api://{scopes.resource}"
    return (*scopes.openid, *(f"{uri}/{name}" for name in scopes.names if name != DEFAULT))
