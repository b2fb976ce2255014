"""Signing out: of the pages here, and at Entra (OpenID Connect RP-Initiated Logout 1.0, with us as the
client).

Called by the pages that have such a button, after its form was checked. What applications have access to
stays: that is ended on the account page, or by the application itself (RFC 7009).
"""

import logging
from collections.abc import Sequence

from authserver.errors import UpstreamUnavailable
from authserver.upstream.broker import SignInBroker
from authserver.web.browser_session import BrowserSessions
from authserver.web.http import HttpRequest, Reply
from authserver.web.pages import Pages
from authserver.web.responses import redirect
from telemetry.audit import audit

_log = logging.getLogger(__name__)


class SignOut:
    """Args: kinds: the sessions that end; broker: Entra; pages; url: where Entra sends the person
    afterwards, as registered there.
    """

    def __init__(
        self, kinds: Sequence[BrowserSessions], broker: SignInBroker, pages: Pages, url: str
    ) -> None:
        self._kinds = tuple(kinds)
        self._broker = broker
        self._pages = pages
        self._url = url

    def leave(self, request: HttpRequest) -> Reply:
        """End the sessions here, then send the browser to end the one at Entra."""
        headers = [kind.end(request) for kind in self._kinds]
        audit("browser_session.ended")
        try:
            return redirect(self._broker.sign_out_url(self._url)).with_headers(*headers)
        except UpstreamUnavailable as error:
            _log.error("sign-out: %s", error.private_detail)
            return self._pages.message(
                "You are signed out here",
                "Microsoft does not answer just now: you may still be signed in there. Close all windows of"
                " this browser to be sure.",
                is_good=False,
            ).with_headers(*headers)
