"""A person at the pages where one signs in: all the forms of a page, and pressing a button of one."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authserver.model import Identity
from tests.authserver.world import ISSUER, World


@dataclass
class Form:
    """One form: where it goes, what is in it, which buttons it has."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values["action"]))
        elif tag == "input":
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif tag == "button":
            self.forms[-1].buttons.append(values.get("value", ""))


def forms(response: TestResponse) -> list[Form]:
    """Return the forms of a page."""
    assert response.mimetype == "text/html", response.mimetype
    reader = _Reader()
    reader.feed(response.text)
    return reader.forms


def form_with(response: TestResponse, button: str, **fields: str) -> Form:
    """Return the first form with this button and these fields."""
    for form in forms(response):
        if button in form.buttons and fields.items() <= form.fields.items():
            return form
    raise AssertionError(f"no button {button}: {response.text}")


def press(
    browser: FlaskClient, response: TestResponse, button: str, *, fields: Any = None, **kwargs: Any
) -> TestResponse:
    """Press a button of a page that was loaded; ``fields`` says in which form, where there are several."""
    form = form_with(response, button, **(fields or {}))
    path = urljoin(response.request.path, form.action)
    return browser.post(path, data={**form.fields, "decision": button}, **kwargs)


def come_back(browser: FlaskClient, departed: TestResponse, **answer: str) -> TestResponse:
    """Return from Entra."""
    assert departed.status_code == 302, departed.text
    state = parse_qs(urlsplit(departed.location).query)["state"][0]
    return browser.get("/callback?" + urlencode({"state": state, **(answer or {"code": "good"})}))


def sign_in(world: World, browser: FlaskClient, path: str, person: Identity) -> TestResponse:
    """Sign in at a page and return the page."""
    world.broker.person = person
    arrived = come_back(browser, press(browser, browser.get(path), "sign-in"))
    assert arrived.status_code == 302, arrived.text
    assert arrived.location == f"{ISSUER}/oauth{path}"
    return browser.get(path)
