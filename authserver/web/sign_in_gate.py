"""The door of a page for people: who is not signed in there is asked to, and goes to Entra by pressing a
button.

Called by the account and administration pages. The button is a form of this browser's own: nobody else can
make a browser sign in, and nothing is stored before it is pressed.
"""

from authserver.errors import PageError
from authserver.model import LoginPurpose, SignInHints
from authserver.oauth.browser_form import BrowserForms
from authserver.oauth.parameters import Parameters
from authserver.web.cookies import Cookies
from authserver.web.departure import Departures
from authserver.web.http import HttpRequest, Reply
from authserver.web.pages import Pages

# Which page a form signs in at.
SignInForms = BrowserForms[str]


class SignInGate:
    """Args: purpose: of the page behind; title: what it is for; hints: what Entra is told; forms; departures:
    the way to Entra; cookies; pages.
    """

    def __init__(
        self,
        purpose: LoginPurpose,
        title: str,
        hints: SignInHints,
        *,
        forms: SignInForms,
        departures: Departures,
        cookies: Cookies,
        pages: Pages,
    ) -> None:
        self._purpose: LoginPurpose = purpose
        self._title = title
        self._hints = hints
        self._forms = forms
        self._departures = departures
        self._cookies = cookies
        self._pages = pages

    def ask(self, request: HttpRequest) -> Reply:
        """Return the page with the button."""
        form = self._forms.seal(self._purpose)
        name = self._cookies.form_name("sign-in", form.form_id)
        # Relative to this very page: the public address has a prefix that is not known here.
        action = request.path.rpartition("/")[2]
        return self._pages.show("sign_in.html", form=form, title=self._title, action=action).with_headers(
            self._cookies.set(name, form.csrf_token, self._forms.lifetime_seconds),
            *self._cookies.surplus_forms("sign-in", request.cookies),
        )

    def depart(self, request: HttpRequest, sent: Parameters) -> Reply:
        """Send the person to Entra.

        Raises:
            PageError: the button was not pressed on a page of this browser.
        """
        opened = self._forms.unseal(sent.one("request"))
        name = self._cookies.form_name("sign-in", opened.form_id)
        opened.check_browser(request.cookies.get(name), sent.one("csrf_token"))
        if opened.contents != self._purpose:
            raise PageError("access_denied", "this form belongs to another page")
        return self._departures.depart(self._purpose, self._hints).with_headers(self._cookies.clear(name))
