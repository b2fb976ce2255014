"""GET and POST /admin: an administrator finds what somebody gave access to, and takes it away."""

from typing import Any, Final

from authserver.errors import PageError
from authserver.model import Session
from authserver.oauth.parameters import Parameters
from authserver.store.protocols import SessionStore
from authserver.web.access_list import AccessList, end_session
from authserver.web.browser_session import BrowserSession
from authserver.web.display import clean_name
from authserver.web.http import Reply
from authserver.web.person_page import PersonPage

_REASON: Final = "revoked_by_administrator"
# Nobody reads further down; a person's own are looked for among all of them.
_SHOWN: Final = 100
_SEARCHED: Final = 10_000


class AdminPeopleEndpoint(PersonPage):
    """Args: store: the sessions; listed: how they are shown; and those of ``PersonPage``."""

    name = "admin_people"

    def __init__(self, store: SessionStore, listed: AccessList, **page: Any) -> None:
        super().__init__(**page)
        self._store = store
        self._listed = listed

    def show(self, current: BrowserSession, asked: Parameters) -> Reply:
        """Return the sessions of whoever was searched for, or the newest."""
        wanted = (asked.one("person") or "").strip().lower()
        found = [s for s in self._store.list_sessions(limit=_SEARCHED) if _is_of(s, wanted)]
        return self._pages.show(
            "admin_people.html",
            administrator=clean_name(current.identity.username, current.identity.oid),
            csrf_token=current.csrf_token,
            wanted=clean_name(wanted, ""),
            entries=self._listed.of(found[:_SHOWN]),
            count=len(found),
        )

    def act(self, current: BrowserSession, decision: str, sent: Parameters) -> None:
        """End one session, or all of one person's."""
        who = {"by_tid": current.identity.tid, "by_oid": current.identity.oid}
        for session in self._meant(decision, sent):
            end_session(self._store, session, reason=_REASON, **who)

    def _meant(self, decision: str, sent: Parameters) -> list[Session]:
        if decision == "revoke":
            session = self._store.get_session(sent.one("sid") or "")
            return [] if session is None else [session]
        if decision == "revoke-person":
            return self._store.sessions_of(sent.one("tid") or "", sent.one("oid") or "")
        raise PageError("invalid_request", "no decision was made")


def _is_of(session: Session, wanted: str) -> bool:
    # A name is for finding only; what is ended is named by its sid, or by tenant and object id.
    identity = session.identity
    return wanted in identity.username.lower() or wanted in (identity.oid, session.sid.lower())
