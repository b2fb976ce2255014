"""POST /consent: the person's decision. Deny goes back to the client; Allow stores the login and goes to
Entra.

The state cookie is set here, immediately before the redirect to Entra, and nowhere else: a callback without
it comes from a browser in which nobody approved anything.
"""

import secrets
from typing import Final

from authserver.cipher import digest
from authserver.errors import PageError, RedirectableError
from authserver.model import AuthorizationRequest, Clock, Login, SignInHints
from authserver.oauth.authorization_response import proven
from authserver.oauth.clients import ClientDirectory
from authserver.oauth.consent_form import ConsentForms
from authserver.oauth.parameters import MalformedParameters, Parameters, parse_parameters
from authserver.store.protocols import LoginStore
from authserver.upstream.broker import SignInBroker
from authserver.web.cookies import Cookies
from authserver.web.http import HttpRequest, Reply
from authserver.web.responses import redirect
from telemetry.audit import audit

# A sealed request is longer than the longest parameters in it.
_MAX_SEALED_CHARACTERS: Final = 32_768


class ConsentEndpoint:
    """Args: forms: opens the sealed request; broker: Entra; logins: store; lifetime_seconds: of a login."""

    name = "consent"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = False
    cross_origin = False

    def __init__(
        self,
        *,
        forms: ConsentForms,
        clients: ClientDirectory,
        broker: SignInBroker,
        logins: LoginStore,
        cookies: Cookies,
        clock: Clock,
        lifetime_seconds: int,
    ) -> None:
        self._forms = forms
        self._clients = clients
        self._broker = broker
        self._logins = logins
        self._cookies = cookies
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds

    def handle(self, request: HttpRequest, /) -> Reply:
        """Check that the form is ours and this browser's, then follow the decision."""
        _check_site(request)
        sent = _parse(request)
        opened = self._forms.unseal(sent.one("request"))
        cookie_name = self._cookies.form_name(opened.form_id)
        opened.check_browser(request.cookies.get(cookie_name), sent.one("csrf_token"))
        granted = opened.request
        if self._clients.get(granted.client_id) is None:
            raise PageError("invalid_client", "this application is not registered here any more")
        decision = sent.one("decision")
        if decision == "allow":
            return self._depart(granted).with_headers(self._cookies.clear(cookie_name))
        if decision == "deny":
            audit("consent.denied", client_id=granted.client_id)
            raise RedirectableError(proven(granted), "access_denied", "the person denied the request")
        raise PageError("invalid_request", "no decision was made")

    def _depart(self, granted: AuthorizationRequest) -> Reply:
        hints = SignInHints(granted.login_hint, granted.domain_hint, granted.max_age_seconds, granted.prompt)
        departure = self._broker.start(hints)
        binding = secrets.token_urlsafe(32)
        login = Login(granted, departure.flow, digest(binding), int(self._clock()))
        self._logins.put_login(digest(departure.state), login, self._lifetime_seconds)
        audit("consent.given", client_id=granted.client_id, scopes=granted.scopes, resource=granted.resource)
        cookie = self._cookies.set(self._cookies.login_name(departure.state), binding, self._lifetime_seconds)
        return redirect(departure.url).with_headers(cookie)


def _check_site(request: HttpRequest) -> None:
    # The cookie of a form can be planted from another port or a subdomain (where there is no __Host-
    # prefix), and with it a form that nobody read. Origin says nothing: our pages send no referrer.
    if request.fetch_site not in (None, "same-origin", "none"):
        raise PageError("access_denied", "this form was sent by another site")


def _parse(request: HttpRequest) -> Parameters:
    try:
        sent = parse_parameters(request.form(), max_value_characters=_MAX_SEALED_CHARACTERS)
    except MalformedParameters as error:
        raise PageError("invalid_request", str(error)) from None
    if sent.doubled:
        raise PageError("invalid_request", "the form has a field twice")
    return sent
