"""A device without a browser and the person in front of it, for the tests of the device flow."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authserver.cipher import digest
from authserver.model import Client
from tests.authserver.world import World, read_page

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SECRET = "a-secret-of-the-television"


def operators_client(world: World, client_id: str = "television", **changes: Any) -> dict[str, Any]:
    """Register a client as the operator does and return what its owner knows."""
    values: dict[str, Any] = {
        "client_id": client_id,
        "token_endpoint_auth_method": "none",
        "redirect_uris": (),
        "grant_types": (GRANT, "refresh_token"),
        "response_types": (),
        "issued_at_seconds": 0,
        "source": "operator",
        "client_name": "Living room",
        **changes,
    }
    if values["token_endpoint_auth_method"] != "none":
        values["secret_hash"] = digest(SECRET)
    world.store.add_client(Client(**values))
    return {"client_id": client_id, **({"client_secret": SECRET} if "secret_hash" in values else {})}


@dataclass
class Device:
    """A device that has asked for codes."""

    world: World
    client: dict[str, Any]
    answer: dict[str, Any]

    def poll(self, **changes: Any) -> TestResponse:
        """Ask once for the tokens."""
        form = {**self.client, "grant_type": GRANT, "device_code": self.answer["device_code"], **changes}
        return self.world.post("/token", {k: v for k, v in form.items() if v is not None})

    def error(self, **changes: Any) -> str:
        """Ask once and return the error."""
        response = self.poll(**changes)
        assert response.status_code == 400, response.text
        return str(response.get_json()["error"])


def ask(world: World, client: dict[str, Any], **parameters: Any) -> Device:
    """Start the flow as a device does."""
    form = {**client, **parameters}
    response = world.post("/device_authorization", {k: v for k, v in form.items() if v is not None})
    assert response.status_code == 200, response.text
    return Device(world, client, response.get_json())


def enter(browser: FlaskClient, user_code: str, **kwargs: Any) -> TestResponse:
    """Open the page, type the code, and return the page that follows."""
    page = read_page(browser.get("/device"))
    form = {**page.fields, "user_code": user_code, "decision": "continue"}
    return browser.post("/device", data=form, **kwargs)


def decide(browser: FlaskClient, user_code: str, decision: str) -> TestResponse:
    """Type the code and press a button of the page that follows."""
    page = read_page(enter(browser, user_code))
    return browser.post("/device", data={**page.fields, "decision": decision})


def come_back(browser: FlaskClient, departed: TestResponse, **answer: str) -> TestResponse:
    """Return from Entra."""
    assert departed.status_code == 302, departed.text
    state = parse_qs(urlsplit(departed.location).query)["state"][0]
    return browser.get("/callback?" + urlencode({"state": state, **(answer or {"code": "good"})}))


def approve(world: World, device: Device) -> TestResponse:
    """Go all the way in a browser of one's own."""
    browser = world.browser()
    return come_back(browser, decide(browser, device.answer["user_code"], "allow"))
