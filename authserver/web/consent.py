"""POST /consent: the person's decision. Deny goes back to the client; Allow stores the login and goes to
Entra.
"""

from authserver.errors import PageError, RedirectableError
from authserver.model import AuthorizationRequest, SignInHints
from authserver.oauth.authorization_response import proven
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.consent_form import ConsentForms
from authserver.web.cookies import Cookies
from authserver.web.departure import Departures
from authserver.web.forms import read_form
from authserver.web.http import HttpRequest, Reply
from telemetry import tracing
from telemetry.audit import audit


class ConsentEndpoint:
    """Args: forms: opens the sealed request; clients; departures: the way to Entra; cookies."""

    name = "consent"
    methods: tuple[str, ...] = ("POST",)
    speaks_json = False
    cross_origin = False

    def __init__(
        self, forms: ConsentForms, clients: ClientDirectory, departures: Departures, cookies: Cookies
    ) -> None:
        self._forms = forms
        self._clients = clients
        self._departures = departures
        self._cookies = cookies

    def handle(self, request: HttpRequest, /) -> Reply:
        """Check that the form is ours and this browser's, then follow the decision."""
        sent = read_form(request)
        opened = self._forms.unseal(sent.one("request"))
        cookie_name = self._cookies.form_name("consent", opened.form_id)
        opened.check_browser(request.cookies.get(cookie_name), sent.one("csrf_token"))
        granted = opened.contents
        tracing.continue_from(granted.trace, rather=True)
        if self._clients.find(granted.client_id, granted.client) is None:
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
        reply = self._departures.depart("authorize", hints, request=granted)
        audit("consent.given", client_id=granted.client_id, scopes=granted.scopes, resource=granted.resource)
        return reply
