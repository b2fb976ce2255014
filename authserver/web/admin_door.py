"""Who may see the administration pages: an administrator of the home tenant who signed in just now.

Called by ``web.callback`` when somebody comes back from Entra for them. A role means something only beside
its tenant: the same role of another tenant, which that tenant's own people hand out, means nothing here.
"""

from typing import Final

from authserver.errors import PageError
from authserver.model import Login, SignedIn, SignInHints
from authserver.web.browser_session import BrowserSessions
from authserver.web.http import Reply
from authserver.web.responses import redirect
from telemetry.audit import audit

# Administration demands a sign-in no older than this, whatever the setting says.
MOST_SECONDS: Final = 900
# The password again, and proof of when it was given: an unattended browser that is still signed in is not
# enough.
HINTS: Final = SignInHints(prompt="login", max_age_seconds=MOST_SECONDS)


class AdminArrival:
    """Back from Entra: signed in at the administration pages, or turned away.

    Args:
        sessions: begins the session.
        home: GUID of the home tenant.
        role: the app role that makes an administrator.
        url: of the first page.
    """

    def __init__(self, sessions: BrowserSessions, home: str, role: str, url: str) -> None:
        self._sessions = sessions
        self._home = home.lower()
        self._role = role
        self._url = url

    def arrive(self, _login: Login, signed_in: SignedIn) -> Reply:
        """Sign in and go there.

        Raises:
            PageError: no administrator.
        """
        identity = signed_in.identity
        who = {"purpose": "admin", "tid": identity.tid, "oid": identity.oid}
        if identity.tid != self._home or self._role not in identity.roles:
            audit("login.refused", reason="role", **who)
            raise PageError("access_denied", "this account is not an administrator of this service")
        audit("login.succeeded", **who)
        return redirect(self._url).with_headers(self._sessions.begin(identity, identity.auth_time_seconds))
