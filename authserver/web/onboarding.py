"""/onboarding: the administrator of another organization accepts an invitation.

The way: the page (GET) → its form (POST) → Entra's consent page for administrators → /callback → sign-in at
Entra → /callback → the tenant of the signed id_token is added. Each step is bound to the browser that opened
the page. Must not believe the tenant that comes back from the consent page: it is compared, never used.
"""

import re
from typing import Final

from authserver.cipher import digest
from authserver.errors import PageError
from authserver.model import Login, SignedIn, SignInHints, TenantEntry
from authserver.oauth.browser_form import BrowserForms
from authserver.oauth.onboarding import Invitations, OnboardingRefused
from authserver.oauth.parameters import Parameters
from authserver.oauth.resource_directory import ResourceDirectory
from authserver.web.cookies import Cookies
from authserver.web.departure import Departures
from authserver.web.display import clean_name
from authserver.web.forms import read_form, read_query
from authserver.web.http import HttpRequest, Reply
from authserver.web.pages import Pages
from telemetry.audit import audit

# The digest of the invitation that a form accepts.
OnboardingForms = BrowserForms[str]
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class OnboardingEndpoint:
    """Args: invitations; forms: seal the invitation; resources: words for scopes; departures: the way to
    Entra; cookies; pages.
    """

    name = "onboarding"
    methods: tuple[str, ...] = ("GET", "POST")
    speaks_json = False
    cross_origin = False

    def __init__(
        self,
        *,
        invitations: Invitations,
        forms: OnboardingForms,
        resources: ResourceDirectory,
        departures: Departures,
        cookies: Cookies,
        pages: Pages,
    ) -> None:
        self._invitations = invitations
        self._forms = forms
        self._resources = resources
        self._departures = departures
        self._cookies = cookies
        self._pages = pages

    def handle(self, request: HttpRequest, /) -> Reply:
        """Show what is promised; then send the administrator to Entra."""
        if request.method != "POST":
            return self._page(request, read_query(request).one("invitation"))
        sent = read_form(request)
        opened = self._forms.unseal(sent.one("request"))
        cookie_name = self._cookies.form_name("onboarding", opened.form_id)
        opened.check_browser(request.cookies.get(cookie_name), sent.one("csrf_token"))
        if sent.one("decision") != "allow":
            raise PageError("invalid_request", "no decision was made")
        try:
            self._invitations.find(opened.contents)
        except OnboardingRefused as error:
            raise refused(error) from None
        return self._departures.seek_consent(opened.contents).with_headers(self._cookies.clear(cookie_name))

    def _page(self, request: HttpRequest, invitation: str | None) -> Reply:
        invitation_hash = digest(invitation or "")
        try:
            promised = self._invitations.find(invitation_hash)
        except OnboardingRefused as error:
            # Not audited: anybody may try an address.
            raise PageError("invalid_request", error.description) from None
        form = self._forms.seal(invitation_hash)
        name = self._cookies.form_name("onboarding", form.form_id)
        return self._pages.show(
            "onboarding.html",
            form=form,
            name=clean_name(promised.name, "your organization"),
            permissions=self._in_words(promised),
            is_by_role=bool(promised.roles or promised.groups or promised.required_roles),
        ).with_headers(
            self._cookies.set(name, form.csrf_token, self._forms.lifetime_seconds),
            *self._cookies.surplus_forms("onboarding", request.cookies),
        )

    def _in_words(self, promised: TenantEntry) -> list[str]:
        return [self._resources.words(scope) for scope in promised.ceiling]


class ConsentReturn:
    """Back from the consent page: on to the sign-in that proves the tenant.

    Args:
        departures: the way to Entra.
    """

    def __init__(self, departures: Departures) -> None:
        self._departures = departures

    def arrive(self, login: Login, answer: Parameters) -> Reply:
        """Send the administrator to sign in."""
        tid = answer.one("tenant")
        if answer.one("error") is not None or (answer.one("admin_consent") or "").lower() != "true":
            raise refused(OnboardingRefused("consent_denied", "nobody consented for the organization"))
        if tid is None or not _GUID.fullmatch(tid):
            raise refused(
                OnboardingRefused("consent_malformed", "the answer of the consent page is malformed")
            )
        hints = SignInHints(any_organization=True)
        return self._departures.depart(
            "onboarding", hints, invitation_hash=login.invitation_hash, unverified_tid=tid.lower()
        )


class OnboardingArrival:
    """Back from the sign-in: the tenant of whoever signed in is added.

    Args:
        invitations.
        pages: for the last word.
    """

    def __init__(self, invitations: Invitations, pages: Pages) -> None:
        self._invitations = invitations
        self._pages = pages

    def arrive(self, login: Login, signed_in: SignedIn) -> Reply:
        """Accept the invitation, and say so."""
        administrator = signed_in.identity
        try:
            entry = self._invitations.accept(login.invitation_hash or "", administrator, login.unverified_tid)
        except OnboardingRefused as error:
            raise refused(error, tid=administrator.tid, oid=administrator.oid) from None
        audit(
            "tenant.onboarded",
            tenant_name=entry.name,
            tid=entry.tid,
            oid=administrator.oid,
            ceiling=entry.ceiling,
        )
        return self._pages.message(
            "Your organization has access now",
            f"Its people can sign in; it is known here as {clean_name(entry.name, entry.tid)}."
            " You can close this page.",
        )


def refused(error: OnboardingRefused, **fields: str) -> PageError:
    """Return the page that says why a tenant is not added; it is audited."""
    audit("tenant.onboarding_refused", reason=error.reason, **fields)
    return PageError("access_denied", error.description, private_detail=str(error))
