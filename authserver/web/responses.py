"""Every refusal becomes a reply here: OAuth JSON, a redirect to the client, or a page, each with one
function.

Called by ``web.edge`` alone. A private detail goes to the log beside the correlation id, never into the
reply.
"""

import logging
from http import HTTPStatus
from typing import Final

from authserver.errors import NotAdmitted, RedirectableError, RequestError, UnavailableError
from authserver.oauth.authorization_response import error_url
from authserver.web.http import Headers, HttpRefusal, HttpRequest, Reply, json_reply
from authserver.web.pages import Pages
from telemetry import correlation

_log = logging.getLogger(__name__)

_STATUSES: Final = {"invalid_client": HTTPStatus.UNAUTHORIZED}
_PAGE_STATUSES: Final = {"access_denied": HTTPStatus.FORBIDDEN}
_GO_BACK: Final = "Close this page, go back to the application you came from and start signing in again."
_TRY_LATER: Final = "Wait a moment, then reload this page."
_ASK_SUPPORT: Final = "If it keeps happening, send the reference below to whoever runs this service."
_HTTP_PAGES: Final[dict[int, tuple[str, str]]] = {
    HTTPStatus.NOT_FOUND: ("There is no such page", _GO_BACK),
    HTTPStatus.TOO_MANY_REQUESTS: ("Too many requests", _TRY_LATER),
}


def redirect(url: str) -> Reply:
    """Return a redirect that leaves no trace of this page behind."""
    return Reply(
        HTTPStatus.FOUND,
        (("Location", url), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")),
    )


class ErrorResponses:
    """Args: pages: for people; issuer: for RFC 9207; support_contact: whom people may ask for access."""

    def __init__(self, pages: Pages, issuer: str, support_contact: str = "") -> None:
        self._pages = pages
        self._issuer = issuer
        self._support_contact = support_contact

    def render(
        self, error: Exception, endpoint: str, request: HttpRequest | None, *, speaks_json: bool
    ) -> Reply:
        """Return the reply to what was raised, and log it.

        Args:
            error: anything.
            endpoint: its name, for the log.
            request: None when not even that could be read.
            speaks_json: what the endpoint's callers understand.
        """
        if isinstance(error, RedirectableError):
            _log_refusal(endpoint, error.code, error.description, error.private_detail)
            return redirect(error_url(error, self._issuer))
        if isinstance(error, NotAdmitted):
            _log_refusal(endpoint, error.code, error.description, error.private_detail)
            return self._not_admitted(error)
        if isinstance(error, RequestError):
            _log_refusal(endpoint, error.code, error.description, error.private_detail)
            return self._json(error, request) if speaks_json else self._page(error)
        if isinstance(error, HttpRefusal):
            _log_refusal(endpoint, error.code, error.description, None)
            return self._http(error, speaks_json)
        if isinstance(error, UnavailableError):
            _log.error("%s: %s", endpoint, error.private_detail)
            return self._unavailable(error, speaks_json)
        _log.error("%s: unexpected %s", endpoint, type(error).__name__, exc_info=error)
        return self._unexpected(speaks_json)

    def _json(self, error: RequestError, request: HttpRequest | None) -> Reply:
        status = _STATUSES.get(error.code, HTTPStatus.BAD_REQUEST)
        headers: Headers = ()
        if status == HTTPStatus.UNAUTHORIZED and request is not None and request.authorization is not None:
            # RFC 6749 5.2: the scheme that the client used.
            headers = (("WWW-Authenticate", 'Basic realm="token endpoint", error="invalid_client"'),)
        return _json_error(status, error.code, error.description, headers)

    def _page(self, error: RequestError) -> Reply:
        status = _PAGE_STATUSES.get(error.code, HTTPStatus.BAD_REQUEST)
        title = "This request was refused" if status == HTTPStatus.FORBIDDEN else "Sign-in cannot continue"
        return self._pages.error(
            status, title, _sentence(error.description), advice=_GO_BACK, reference=correlation.current()
        )

    def _not_admitted(self, error: NotAdmitted) -> Reply:
        way_back = None
        if error.target is not None:
            # Not a redirect: the application would show an error, and the person not learn whom to ask.
            refusal = RedirectableError(error.target, error.code, error.description)
            way_back = error_url(refusal, self._issuer)
        return self._pages.show(
            "not_admitted.html",
            HTTPStatus.FORBIDDEN,
            message=_sentence(error.description),
            support_contact=self._support_contact,
            tid=error.tid,
            way_back=way_back,
            reference=correlation.current(),
        )

    def _http(self, error: HttpRefusal, speaks_json: bool) -> Reply:
        if speaks_json:
            return _json_error(error.status, error.code, error.description, error.headers)
        title, advice = _HTTP_PAGES.get(error.status, ("This request was refused", _GO_BACK))
        message = _sentence(error.description)
        return self._pages.error(
            error.status,
            title,
            message,
            advice=advice,
            reference=correlation.current(),
            headers=error.headers,
        )

    def _unavailable(self, error: UnavailableError, speaks_json: bool) -> Reply:
        headers: Headers = (("Retry-After", str(error.retry_after_seconds)),)
        status = HTTPStatus.SERVICE_UNAVAILABLE
        if speaks_json:
            return _json_error(status, "temporarily_unavailable", "try again in a few seconds", headers)
        title, message = "Not available right now", "Something that sign-in depends on does not answer."
        return self._pages.error(
            status, title, message, advice=_TRY_LATER, reference=correlation.current(), headers=headers
        )

    def _unexpected(self, speaks_json: bool) -> Reply:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        if speaks_json:
            return _json_error(status, "server_error", "something unexpected happened")
        message = "Something unexpected happened on our side."
        return self._pages.error(
            status, "Something went wrong", message, advice=_ASK_SUPPORT, reference=correlation.current()
        )


def _json_error(status: int, code: str, description: str, headers: Headers = ()) -> Reply:
    return json_reply({"error": code, "error_description": description}, status, headers)


def _log_refusal(endpoint: str, code: str, description: str, private_detail: str | None) -> None:
    _log.info("%s refused: %s (%s)", endpoint, code, private_detail or description)


def _sentence(description: str) -> str:
    return description[:1].upper() + description[1:] + "."
