"""A person's browser at the emulator's login page, and an application at its back channel.

Used by the tests of this folder. Must know no more than a browser and an application do: pages, redirects,
endpoints from the discovery document.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit
from uuid import UUID

import requests
from joserfc import jws

from devstack.entra import EntraEmulator
from devstack.entra.directory import ALICE, LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET

REDIRECT_URI = "http://localhost:8080/oauth/callback"
OTHER_REDIRECT_URI = "http://localhost:8080/oauth/callback?from=entra"
PASSWORD = "correct horse"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
_TIMEOUT_SECONDS = 20


class Page(HTMLParser):
    """What a page offers: its form's action and fields, its submit buttons, its links and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self.submit_buttons = 0
        self.links: list[str] = []
        self.text = ""
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "form":
            self.action = attributes["action"]
        elif tag == "input":
            self.fields[attributes["name"]] = attributes.get("value", "")
            self.types[attributes["name"]] = attributes["type"]
        elif tag == "button":
            self.submit_buttons += attributes.get("type", "submit") == "submit"
        elif tag == "a":
            self.links.append(attributes["href"])

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.text += data


@dataclass
class Browser:
    """One browser; its cookies live as long as it does."""

    emulator: EntraEmulator
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def open(self, url: str, **options: Any) -> requests.Response:
        """Load a page; redirects are not followed, because an application would be at their end."""
        return self.session.get(url, allow_redirects=False, timeout=_TIMEOUT_SECONDS, **options)

    def submit(self, response: requests.Response, **fields: str) -> requests.Response:
        """Fill in the form of a page and press its button."""
        page = Page(response.text)
        return self.session.post(
            urljoin(response.url, page.action),
            data={**page.fields, **fields},
            allow_redirects=False,
            timeout=_TIMEOUT_SECONDS,
        )

    def authorize(self, segment: str = "organizations", **changes: Any) -> requests.Response:
        """Load the authorize endpoint with the parameters of ``authorization_url``."""
        return self.open(authorization_url(self.emulator, segment, **changes))

    def sign_in(self, username: str = ALICE, password: str = PASSWORD, **changes: Any) -> requests.Response:
        """Load the login page and submit it."""
        return self.submit(self.authorize(**changes), username=username, password=password)

    def code(self, username: str = ALICE, **changes: Any) -> str:
        """Sign in and return the code that the application gets."""
        return answer(self.sign_in(username, **changes))["code"]


def authorization_url(emulator: EntraEmulator, segment: str = "organizations", **changes: Any) -> str:
    """Return a good authorization URL; a change to None leaves a parameter out, a list sends it twice."""
    parameters = {
        "client_id": LOGIN_CLIENT_ID,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile offline_access",
        "state": "the-state",
        "nonce": "the-nonce",
        "prompt": "select_account",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    present = {name: value for name, value in parameters.items() if value is not None}
    return f"{emulator.login_url}/{segment}/oauth2/v2.0/authorize?{urlencode(present, doseq=True)}"


def answer(response: requests.Response) -> dict[str, str]:
    """Return the parameters that a redirect carries to the application."""
    assert response.status_code == 302, Page(response.text).text
    location = response.headers["Location"]
    assert location.startswith(REDIRECT_URI), location
    return dict(parse_qsl(urlsplit(location).query))


def query_of(url: str) -> dict[str, list[str]]:
    """Return a URL's query."""
    return parse_qs(urlsplit(url).query)


@dataclass
class Application:
    """The login application's own side: https, and only what the emulator's CA signed."""

    emulator: EntraEmulator
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.verify = str(self.emulator.ca_file)

    def get(self, path: str) -> requests.Response:
        """Read a document of the back channel."""
        return self.session.get(f"{self.emulator.authority}{path}", timeout=_TIMEOUT_SECONDS)

    def token(self, segment: str = "organizations", **changes: Any) -> requests.Response:
        """Call the token endpoint; authenticated with the secret unless changed."""
        form = {"client_id": LOGIN_CLIENT_ID, "client_secret": LOGIN_CLIENT_SECRET, **changes}
        present = {name: value for name, value in form.items() if value is not None}
        url = f"{self.emulator.authority}/{segment}/oauth2/v2.0/token"
        return self.session.post(url, data=present, timeout=_TIMEOUT_SECONDS)

    def redeem(self, issued_code: str, segment: str = "organizations", **changes: Any) -> requests.Response:
        """Redeem a code."""
        defaults = {"redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return self.token(
            segment, **{"grant_type": "authorization_code", "code": issued_code, **defaults, **changes}
        )

    def refresh(
        self, refresh_token: str, segment: str = "organizations", **changes: Any
    ) -> requests.Response:
        """Use a refresh token."""
        return self.token(
            segment, **{"grant_type": "refresh_token", "refresh_token": refresh_token, **changes}
        )


def assert_refused(response: requests.Response, number: int, error: str, status: int = 400) -> None:
    """Make sure that a JSON answer is Entra's refusal of this number, in full."""
    body = response.json()
    assert (response.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert body["error_description"].endswith(
        f"Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']} "
        f"Timestamp: {body['timestamp']}"
    )
    assert body["error_uri"].endswith(f"/error?code={number}")
    assert str(UUID(body["trace_id"])) == body["trace_id"] == response.headers["x-ms-request-id"]
    assert str(UUID(body["correlation_id"])) == body["correlation_id"]
    assert datetime.strptime(body["timestamp"], "%Y-%m-%d %H:%M:%S%z")
    assert body.keys() - {"suberror"} == {
        *("error", "error_description", "error_codes", "timestamp"),
        *("trace_id", "correlation_id", "error_uri"),
    }
    assert response.headers["Cache-Control"] == "no-store"


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says, unverified."""
    payload: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return payload
