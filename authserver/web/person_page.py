"""What the pages have in common at which a person is signed in: who is not is asked to, and every form is one
of this very session.

``web.account`` and the administration pages derive from ``PersonPage``. Must not decide what a page shows or
does.
"""

from authserver.errors import PageError
from authserver.oauth.parameters import Parameters
from authserver.web.browser_session import BrowserSession, BrowserSessions
from authserver.web.forms import read_form, read_query
from authserver.web.http import HttpRequest, Reply
from authserver.web.pages import Pages
from authserver.web.responses import redirect
from authserver.web.sign_in_gate import SignInGate
from authserver.web.sign_out import SignOut


class PersonPage:
    """Args: sessions: who is signed in at this page; gate: asks who is not; sign_out: ends it; pages; url:
    this page's own, public.
    """

    name = "page"
    methods: tuple[str, ...] = ("GET", "POST")
    speaks_json = False
    cross_origin = False

    def __init__(
        self, sessions: BrowserSessions, gate: SignInGate, sign_out: SignOut, pages: Pages, url: str
    ) -> None:
        self._sessions = sessions
        self._gate = gate
        self._sign_out = sign_out
        self._pages = pages
        self._url = url

    def handle(self, request: HttpRequest, /) -> Reply:
        """Show the page, or do what a button of it says."""
        current = self._sessions.current(request)
        if request.method != "POST":
            asked = read_query(request)
            return self._gate.ask(request) if current is None else self.show(current, asked)
        sent = read_form(request)
        decision = sent.one("decision")
        if decision == "sign-in":
            return self._gate.depart(request, sent)
        if current is None:
            # The page stood open for longer than the sign-in lasts: nothing is done for whoever sits there.
            return self._gate.ask(request)
        current.check_form(sent.one("csrf_token"))
        if decision is None:
            raise PageError("invalid_request", "no decision was made")
        if decision == "sign-out":
            return self._sign_out.leave(request)
        self.act(current, decision, sent)
        # Reloading the page that follows sends nothing again.
        return redirect(self._url)

    def show(self, current: BrowserSession, asked: Parameters) -> Reply:
        """Return the page for who is signed in."""
        raise NotImplementedError

    def act(self, current: BrowserSession, decision: str, sent: Parameters) -> None:
        """Do what a button says.

        Raises:
            PageError: there is no such button.
        """
        raise NotImplementedError
