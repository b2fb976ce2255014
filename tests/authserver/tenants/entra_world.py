"""People who sign in through the emulator's own pages, and what their client then holds."""

import re
from dataclasses import dataclass, field
from typing import Any

import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authserver.store import Store
from devstack.entra.emulator import EntraEmulator
from tests.authserver.world import (
    ISSUER,
    REDIRECT,
    VERIFIER,
    Clock,
    answer_of,
    query,
    read_page,
    registration,
)

CALLBACK = f"{ISSUER}/oauth/callback"
ALICE, BOB = "alice@contoso.example", "bob@contoso.example"
CAROL, DANA = "carol@fabrikam.example", "dana@fabrikam.example"
MALLORY, PAT = "mallory@evil.example", "pat@personal.example"


@dataclass
class EntraWorld:
    """The server, the emulator, and a client that is registered."""

    app: Flask
    store: Store
    clock: Clock
    entra: EntraEmulator
    client_id: str = field(init=False)

    def __post_init__(self) -> None:
        response = self.app.test_client().post("/register", json=registration())
        self.client_id = response.get_json()["client_id"]

    def arrive(self, username: str, **request: Any) -> TestResponse:
        """Sign in as this person; return the answer of /callback."""
        browser = self.app.test_client()
        page = read_page(browser.get("/authorize?" + query(self.client_id, **request)))
        leaving = browser.post("/consent", data={**page.fields, "decision": "allow"})
        assert leaving.status_code == 302, leaving.text
        return come_back(browser, signed_in(leaving.location, username))

    def tokens(self, username: str, **request: Any) -> dict[str, Any]:
        """Sign in and redeem the code."""
        answer = answer_of(self.arrive(username, **request))
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": REDIRECT}
        response = self.token({**form, "code_verifier": VERIFIER})
        assert response.status_code == 200, response.text
        return dict(response.get_json())

    def refresh(self, refresh_token: str) -> TestResponse:
        """Present a refresh token."""
        return self.token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def token(self, form: dict[str, str]) -> TestResponse:
        """Call /token as the client."""
        return self.app.test_client().post("/token", data={**form, "client_id": self.client_id})


def come_back(browser: FlaskClient, callback: str) -> TestResponse:
    """Follow the emulator's redirect to the server, which is not listening."""
    assert callback.startswith(CALLBACK + "?"), callback
    return browser.get("/callback?" + callback.partition("?")[2])


def signed_in(url: str, username: str) -> str:
    """Use Entra's login page as a person does, and consent where it asks; return where that leads."""
    with requests.Session() as browser:
        browser.trust_env = False
        response = browser.get(url, timeout=10, allow_redirects=False)
        for fields in ({"username": username, "password": "anything"}, {"decision": "allow"}):
            if response.status_code != 200:
                break
            token = re.search(r'name="form_token" value="([^"]+)"', response.text)
            assert token is not None, response.text
            response = browser.post(
                url, data={**fields, "form_token": token[1]}, timeout=10, allow_redirects=False
            )
    assert response.status_code == 302, response.text
    return str(response.headers["Location"])
