"""What the login page's origin sends a browser away with: to the application, or to an error page.

Made by ``emulator``, called by ``login_app``, ``admin_consent`` and ``logout``. Must redirect to registered
redirect URIs alone; a ``Target`` is the proof of one.
"""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from flask import Response

from devstack.entra.authorization import RefusedError, Target
from devstack.entra.errors import EntraError
from devstack.entra.http import LOGGER, new_reference
from devstack.entra.pages import Pages


class Answers:
    """Args: pages; authority_url: named in errors; clock: seconds since 1970."""

    def __init__(self, pages: Pages, authority_url: str, clock: Callable[[], float]) -> None:
        self._pages = pages
        self._authority_url = authority_url
        self._clock = clock

    def to_application(self, target: Target, members: dict[str, str]) -> Response:
        """Send ``members`` to the application, as it wanted its answer."""
        if target.state is not None:
            members = members | {"state": target.state}
        if target.response_mode == "form_post":
            return self._pages.posted_answer(target.application.name, target.redirect_uri, members)
        separator = "&" if urlsplit(target.redirect_uri).query else "?"
        return redirect(f"{target.redirect_uri}{separator}{urlencode(members)}")

    def refusal(self, refused: RefusedError) -> Response:
        """Tell the application what it does not get."""
        LOGGER.info("refused to %s: %s", refused.target.application.name, refused.error.message)
        kind = refused.error.kind
        members = {
            "error": kind.error,
            "error_description": new_reference(self._clock).describe(refused.error),
            "error_uri": f"{self._authority_url}/error?code={kind.number}",
            **refused.members,
        }
        return self.to_application(refused.target, members)

    def error_page(self, error: EntraError) -> Response:
        """Tell the person what is wrong with a request that nobody else can be told about."""
        LOGGER.info("refused: %s", error.message)
        return self._pages.error(error, new_reference(self._clock))


def redirect(url: str) -> Response:
    """Send the browser to ``url``."""
    return Response("", 302, {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
