"""A whole authorization server in one process with a clock that stands still, and the parties that use it.

Used by every test of endpoints. Entra is a stub here that vouches for whom the test names; the real MSAL
against the Entra emulator has tests of its own.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from authserver.app import create_app
from authserver.cipher import Cipher
from authserver.model import Identity, SignedIn, SignInHints
from authserver.settings import Settings
from authserver.store import Store, open_store
from authserver.upstream.broker import Departure
from authserver.upstream.errors import LoginDenied, LoginUnproven
from authserver.wiring.machines import Connect

HOME_TENANT = "11111111-1111-4111-8111-111111111111"
ALLOWED_TENANT = "22222222-2222-4222-8222-222222222222"
EVIL_TENANT = "99999999-9999-4999-8999-999999999999"
ISSUER = "http://localhost:8080"
RESOURCE = f"{ISSUER}/mcp"
REDIRECT = "http://127.0.0.1:6274/oauth/callback"
WEB_REDIRECT = "https://claude.ai/api/mcp/auth_callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ALICE = Identity(HOME_TENANT, "a" * 8 + "-0000-4000-8000-000000000001", "alice@contoso.example", "Alice", 0)
MALLORY = Identity(
    EVIL_TENANT, "b" * 8 + "-0000-4000-8000-000000000002", "mallory@evil.example", "Mallory", 0
)


class Clock:
    """Seconds since 1970, moved by the test."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class StubBroker:
    """Vouches for ``person``; what it was asked is remembered."""

    def __init__(self, person: Identity = ALICE) -> None:
        self.person = person
        self.failure: Exception | None = None
        self.reachable = True
        self.started: list[SignInHints] = []
        # What a renewal is asked with, and answers: as at the sign-in unless the test changed the person.
        self.known: dict[str, Identity] = {}
        self.asked: list[str] = []
        self.changes: dict[str, Identity] = {}
        self.renewal_failure: Exception | None = None

    def start(self, hints: SignInHints) -> Departure:
        if self.failure is not None:
            raise self.failure
        self.started.append(hints)
        state = secrets.token_urlsafe(16)
        url = "https://entra.test/authorize?" + urlencode({"state": state, "prompt": "select_account"})
        return Departure(url, {"state": state, "code_verifier": "upstream-verifier-secret"})

    def finish(self, flow: Mapping[str, Any], answer: Mapping[str, str]) -> SignedIn:
        if self.failure is not None:
            raise self.failure
        if "error" in answer:
            raise LoginDenied("access_denied", answer["error"])
        if answer.get("state") != flow["state"] or answer.get("code") != "good":
            raise LoginUnproven("stub")
        token = f"entra-refresh-token-{len(self.known)}"
        self.known[token] = self.person
        return SignedIn(self.person, token)

    def renew(self, tid: str, refresh_token: str) -> SignedIn:
        self.asked.append(refresh_token)
        if self.renewal_failure is not None:
            raise self.renewal_failure
        person = self.known[refresh_token]
        assert person.tid == tid
        successor = f"{refresh_token}+"
        self.known[successor] = person
        return SignedIn(self.changes.get(person.subject, person), successor)

    def admin_consent_url(self, state: str) -> str:
        if self.failure is not None:
            raise self.failure
        return "https://entra.test/adminconsent?" + urlencode({"state": state})

    def sign_out_url(self, return_to: str) -> str:
        if self.failure is not None:
            raise self.failure
        return "https://entra.test/logout?" + urlencode({"post_logout_redirect_uri": return_to})

    def is_reachable(self) -> bool:
        return self.reachable


@dataclass(frozen=True)
class Page:
    """A page's form: hidden fields, buttons, and the text a person reads."""

    response: TestResponse
    fields: dict[str, str]
    buttons: dict[str, str]
    text: str


@dataclass
class World:
    """The server and whoever talks to it."""

    app: Flask
    settings: Settings
    store: Store
    clock: Clock
    broker: StubBroker
    _machine: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self._machine = self.app.test_client(use_cookies=False)

    def browser(self) -> FlaskClient:
        """Return a browser with an empty cookie jar."""
        return self.app.test_client()

    def post(self, path: str, form: Any = None, **kwargs: Any) -> TestResponse:
        """Call an endpoint as a client's own code does, without cookies."""
        return self._machine.post(path, data=form, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Read a document."""
        return self._machine.get(path, **kwargs)

    def register(self, **metadata: Any) -> dict[str, Any]:
        """Register a client (public, with refresh tokens, unless told otherwise); return the answer."""
        response = self._machine.post("/register", json=registration(**metadata))
        assert response.status_code == 201, response.text
        return dict(response.get_json())

    def authorize(self, browser: FlaskClient, client_id: str, **changes: Any) -> TestResponse:
        """Load /authorize; a value of None leaves a parameter out, a list sends it several times."""
        return browser.get("/authorize?" + query(client_id, **changes))

    def allow(self, browser: FlaskClient, client_id: str, **changes: Any) -> str:
        """Go through consent with Allow and return the state Entra is given."""
        page = read_page(self.authorize(browser, client_id, **changes))
        response = browser.post("/consent", data={**page.fields, "decision": "allow"})
        assert response.status_code == 302, response.text
        return parse_qs(urlsplit(response.location).query)["state"][0]

    def sign_in(self, client_id: str, **changes: Any) -> dict[str, str]:
        """Go all the way and return the parameters that the client's redirect URI receives."""
        browser = self.browser()
        state = self.allow(browser, client_id, **changes)
        response = browser.get("/callback?" + urlencode({"state": state, "code": "good"}))
        assert response.status_code == 302, response.text
        return answer_of(response)

    def redeem(self, client: Mapping[str, Any], code: str, **changes: Any) -> TestResponse:
        """Present a code at /token."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "client_id": client["client_id"],
            "client_secret": client.get("client_secret"),
            **changes,
        }
        return self.post("/token", {k: v for k, v in form.items() if v is not None})

    def tokens(self, client: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Sign in, redeem, and return the token response."""
        response = self.redeem(client, self.sign_in(client["client_id"], **changes)["code"])
        assert response.status_code == 200, response.text
        return dict(response.get_json())

    def refresh(self, client: Mapping[str, Any], refresh_token: str, **changes: Any) -> TestResponse:
        """Present a refresh token at /token."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": client["client_id"],
            "client_secret": client.get("client_secret"),
            **changes,
        }
        return self.post("/token", {k: v for k, v in form.items() if v is not None})

    def claims(self, access_token: str) -> dict[str, Any]:
        """Return the claims of an access token whose signature the JWKS verifies."""
        keys = KeySet.import_key_set(self.get("/jwks").get_json())
        return dict(jwt.decode(access_token, keys, algorithms=["RS256", "ES256"]).claims)


def make_world(folder: Path, *, connect: Connect | None = None, **settings: Any) -> World:
    """Return a fresh server whose state lives in ``folder``; ``connect``: instead of HTTP to issuers."""
    configured = make_settings(folder, **settings)
    clock, broker = Clock(), StubBroker()
    store = open_store(configured, clock, Cipher(configured.master_secrets))
    app = create_app(configured, clock=clock, store=store, broker=broker, connect=connect)
    return World(app, configured, store, clock, broker)


def make_settings(folder: Path, **changes: Any) -> Settings:
    """Return settings for a test; ES256 because its keys are made in no time."""
    values: dict[str, Any] = {
        "state_file": folder / "authserver.db",
        "master_secret": Fernet.generate_key().decode(),
        "signing_algorithm": "ES256",
        "azure_client_id": "aaaaaaaa-0000-4000-8000-000000000001",
        "azure_tenant_id": HOME_TENANT,
        "entra_client_secret": "an-upstream-client-secret",
        "allowed_tenants": {
            ALLOWED_TENANT: {"name": "Fabrikam", "ceiling": ["mcp:tools", "snippets:read", "snippets:write"]}
        },
        "registrations_per_minute": 10_000,
        **changes,
    }
    return Settings(_env_file=None, **values)


def registration(**changes: Any) -> dict[str, Any]:
    """Return client metadata; a value of None leaves a member out."""
    metadata = {
        "redirect_uris": [REDIRECT],
        "client_name": "A test client",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        **changes,
    }
    return {k: v for k, v in metadata.items() if v is not None}


def query(client_id: str, **changes: Any) -> str:
    """Return the query of an authorization request."""
    params: dict[str, Any] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT,
        "state": "the-state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return urlencode({k: v for k, v in params.items() if v is not None}, doseq=True)


def answer_of(response: TestResponse) -> dict[str, str]:
    """Return the parameters of a redirect to the client, each of which stands there once."""
    values = parse_qs(urlsplit(response.location).query, keep_blank_values=True)
    assert all(len(each) == 1 for each in values.values()), values
    return {name: each[0] for name, each in values.items()}


def read_page(response: TestResponse) -> Page:
    """Read an HTML page."""
    assert response.mimetype == "text/html"
    reader = _Reader()
    reader.feed(response.text)
    return Page(response, reader.fields, reader.buttons, " ".join(" ".join(reader.words).split()))


def is_page(response: TestResponse, status: int) -> bool:
    """Tell whether this is an error page: HTML, with a reference, redirecting nowhere."""
    return (
        response.status_code == status
        and response.mimetype == "text/html"
        and "Location" not in response.headers
        and response.headers["X-Correlation-Id"] in response.text
    )


def is_json_error(response: TestResponse, status: int, code: str) -> bool:
    """Tell whether this is an OAuth error in JSON that nobody caches (RFC 6749 5.2)."""
    body = json.loads(response.data)
    return (
        response.status_code == status
        and response.mimetype == "application/json"
        and response.headers["Cache-Control"] == "no-store"
        and body["error"] == code
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: dict[str, str] = {}
        self.words: list[str] = []
        self._button: str | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "input":
            assert values["type"] in ("hidden", "text")
            self.fields[values["name"]] = values["value"]
        if tag == "button":
            self._button = f"{values['name']}={values['value']}"
        self._hidden += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script")
        if tag == "button":
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.words.append(data)
        if self._button is not None:
            self.buttons[self._button] = data.strip()
