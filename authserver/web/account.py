"""GET and POST /account: a person sees which applications have access, and takes it away.

Signed in through Entra with a cookie of its own, for a few minutes. What somebody sees and ends are the
sessions of their own (tid, oid); a sid of anybody else's is as if it did not exist.
"""

from typing import Any

from authserver.errors import PageError
from authserver.model import Clock, Login, Session, SignedIn
from authserver.oauth.parameters import Parameters
from authserver.store.protocols import SessionStore
from authserver.web.access_list import AccessList, end_session
from authserver.web.browser_session import BrowserSession, BrowserSessions
from authserver.web.display import clean_name
from authserver.web.http import Reply
from authserver.web.person_page import PersonPage
from authserver.web.responses import redirect
from telemetry.audit import audit

_REASON = "revoked_by_person"


class AccountEndpoint(PersonPage):
    """Args: store: what has access; listed: how it is shown; and those of ``PersonPage``."""

    name = "account"

    def __init__(self, store: SessionStore, listed: AccessList, **page: Any) -> None:
        super().__init__(**page)
        self._store = store
        self._listed = listed

    def show(self, current: BrowserSession, _asked: Parameters) -> Reply:
        """Return what has access."""
        return self._pages.show(
            "account.html",
            person=clean_name(current.identity.username, current.identity.oid),
            csrf_token=current.csrf_token,
            entries=self._listed.of(self._own(current)),
        )

    def act(self, current: BrowserSession, decision: str, sent: Parameters) -> None:
        """Take one application's access away, or all."""
        own = self._own(current)
        if decision == "revoke":
            self._end([session for session in own if session.sid == sent.one("sid")])
        elif decision == "revoke-all":
            self._end(own)
        else:
            raise PageError("invalid_request", "no decision was made")

    def _own(self, current: BrowserSession) -> list[Session]:
        return self._store.sessions_of(current.identity.tid, current.identity.oid)

    def _end(self, sessions: list[Session]) -> None:
        for session in sessions:
            end_session(self._store, session, reason=_REASON)


class AccountArrival:
    """Back from Entra: signed in at the account page.

    Args:
        sessions: begins the session.
        url: of the page.
        clock: seconds since 1970.
    """

    def __init__(self, sessions: BrowserSessions, url: str, clock: Clock) -> None:
        self._sessions = sessions
        self._url = url
        self._clock = clock

    def arrive(self, _login: Login, signed_in: SignedIn) -> Reply:
        """Sign in at the page and go there."""
        identity = signed_in.identity
        audit("login.succeeded", purpose="account", tid=identity.tid, oid=identity.oid)
        return redirect(self._url).with_headers(self._sessions.begin(identity, int(self._clock())))
