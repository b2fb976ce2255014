"""The HTTP session to Entra: its own certificate authority where one is set, a timeout on everything, no
surprises.

Made by ``upstream.entra`` and handed to MSAL as well. Must not trust the environment (REQUESTS_CA_BUNDLE
would replace the authority's own CA, .netrc would add credentials); proxies alone are taken over,
deliberately, once.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies

from authserver.errors import UpstreamUnavailable
from telemetry import tracing

TIMEOUT_SECONDS = 10.0
# MSAL repeats the last errors in it, also the one that a browser brought to the callback: whatever stands
# there would go into everybody's next request, and what is no Latin-1 would let none of them be sent.
_REPEATED_ERRORS: Final = "x-client-last-telemetry"
# Application Insights draws its map by it.
_ATTRIBUTES: Final[dict[str, tracing.Value]] = {"peer.service": "entra"}


class EntraSession(requests.Session):
    """Args: authority: for which proxies are looked up; ca_file: PEM to trust instead of the system's;
    timeout_seconds.
    """

    def __init__(
        self, authority: str, ca_file: Path | None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.proxies.update(get_environ_proxies(authority))
        self.max_redirects = 0
        if ca_file is not None:
            self.verify = str(ca_file)
        self._timeout_seconds = timeout_seconds

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; MSAL gives no timeout of its own, and tells Entra too much."""
        kwargs.setdefault("timeout", self._timeout_seconds)
        headers = kwargs.get("headers") or {}
        kwargs["headers"] = {name: headers[name] for name in headers if name.lower() != _REPEATED_ERRORS}
        with tracing.span("entra", "client", _ATTRIBUTES) as span:
            response = super().request(*args, **kwargs)
            if tracing.is_on():
                _describe(span, response)
            return response


def _describe(span: tracing.Span, response: requests.Response) -> None:
    # Not the path: it may name a person.
    host = urlsplit(response.request.url or "").hostname
    span.set({"server.address": host or "", "http.response.status_code": response.status_code})
    if response.status_code >= 400:
        span.fail(str(response.status_code))


def get_json(session: requests.Session, url: str) -> dict[str, Any]:
    """Return the JSON object at a URL that is configured, or that a configured document names.

    Raises:
        UpstreamUnavailable: it cannot be fetched, or is none.
    """
    try:
        response = session.get(url)
        response.raise_for_status()
        document = response.json()
    except (OSError, ValueError) as error:
        raise UpstreamUnavailable(f"{urlsplit(url).hostname}: {type(error).__name__}") from None
    if not isinstance(document, dict):
        raise UpstreamUnavailable(f"{urlsplit(url).hostname}: not a JSON object")
    return document
