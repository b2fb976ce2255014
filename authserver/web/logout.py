"""GET and POST /logout: the ``end_session_endpoint`` (OpenID Connect RP-Initiated Logout 1.0 2).

Whoever leads a browser here, the person is asked first. No client registers where to go afterwards, so what a
request names is ignored, as the specification demands of what is not registered.
"""

from authserver.oauth.browser_form import BrowserForms
from authserver.oauth.parameters import MalformedParameters, parse_parameters
from authserver.web.cookies import Cookies
from authserver.web.forms import read_form
from authserver.web.http import FORM, HttpRequest, Reply
from authserver.web.pages import Pages
from authserver.web.sign_out import SignOut

# Such a form decides about nothing but what it is.
SignOutForms = BrowserForms[None]


class LogoutEndpoint:
    """Args: forms; sign_out; cookies; pages."""

    name = "logout"
    methods: tuple[str, ...] = ("GET", "POST")
    speaks_json = False
    cross_origin = False

    def __init__(self, forms: SignOutForms, sign_out: SignOut, cookies: Cookies, pages: Pages) -> None:
        self._forms = forms
        self._sign_out = sign_out
        self._cookies = cookies
        self._pages = pages

    def handle(self, request: HttpRequest, /) -> Reply:
        """Ask, or sign out."""
        if not _is_ours(request):
            return self._ask(request)
        sent = read_form(request)
        opened = self._forms.unseal(sent.one("request"))
        name = self._cookies.form_name("sign-out", opened.form_id)
        opened.check_browser(request.cookies.get(name), sent.one("csrf_token"))
        return self._sign_out.leave(request).with_headers(self._cookies.clear(name))

    def _ask(self, request: HttpRequest) -> Reply:
        form = self._forms.seal(None)
        name = self._cookies.form_name("sign-out", form.form_id)
        return self._pages.show("sign_out.html", form=form).with_headers(
            self._cookies.set(name, form.csrf_token, self._forms.lifetime_seconds),
            *self._cookies.surplus_forms("sign-out", request.cookies),
        )


class SignedOutEndpoint:
    """GET /account/signed-out: where Entra sends the person afterwards.

    Args:
        pages: for people.
    """

    name = "signed_out"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = False
    cross_origin = False

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Say so."""
        return self._pages.message("You are signed out", "You can close this page.")


def _is_ours(request: HttpRequest) -> bool:
    # A client may send its own form (RP-Initiated Logout 2: GET and POST); ours has something sealed in it.
    if request.method != "POST" or request.content_type != FORM:
        return False
    try:
        sent = parse_parameters(request.form(), max_value_characters=len(request.body))
    except MalformedParameters:
        return False
    return sent.one("request") is not None
