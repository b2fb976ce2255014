"""A person signs in with a real browser; ``test-results/chromium`` has a picture of each page."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.programs import HELLO, python
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack

_PICTURES = Path(__file__).parents[2] / "test-results" / "chromium"
_PRIVATE = "com.example.app:/callback"


class _Client(BaseHTTPRequestHandler):
    """What an application on this computer shows when the browser has brought it the answer."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>Client</title><link rel=icon href=data:,><p>You may close this window."
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _listening_client() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Client)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/callback"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["an application that listens", "an application with links of its own"])
def redirect_uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the two kinds of applications on a computer take their answer."""
    if request.param == "an application with links of its own":
        yield _PRIVATE
        return
    with _listening_client() as uri:
        yield uri


def _client(stack: Stack, redirect_uri: str) -> RawClient:
    client = RawClient(stack.mcp_url, redirect_uri)
    client.discover()
    client.register(client_name="Notebook")
    return client


def _go(client: RawClient, name: str, *, complaints: int = 0, **order: object) -> dict[str, Any]:
    folder = _PICTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    where = {"authorize_url": client.authorize_url(), "redirect_uri": client.redirect_uri}
    report = python("chromium.py", json.dumps({**where, "screenshots": str(folder), **order}))
    # A policy that keeps the browser from the next page is said here.
    assert len(report["problems"]) == complaints, report["problems"]
    return report


def _kind(client: RawClient) -> str:
    return "private-scheme" if client.redirect_uri == _PRIVATE else "loopback"


def test_allow_leads_to_entra_and_back_to_the_application_which_gets_tokens(
    stack: Stack, redirect_uri: str
) -> None:
    client = _client(stack, redirect_uri)
    # The first time the account is typed in, the second time Entra asks nothing: one form leads through
    # three sites to the application without a stop.
    report = _go(client, f"allow-{_kind(client)}", times=2)
    assert [title.partition(" ")[0] for title in report["titles"][:2]] == ["Allow", "Sign"]
    assert len(report["answers"]) == 2
    for answer in report["answers"]:
        assert client.redeem(client.receive(answer)).status_code == 200
        assert client.call("hello_mcp")["content"][0]["text"] == HELLO
    # The cookies that bound the sign-in to this browser are gone with it.
    ours = [cookie for cookie in report["cookies"] if cookie["domain"] == "localhost"]
    assert ours == []
    client.session.close()


def test_deny_goes_back_to_the_application_at_once(stack: Stack, redirect_uri: str) -> None:
    client = _client(stack, redirect_uri)
    report = _go(client, f"deny-{_kind(client)}", decision="Deny")
    (answer,) = report["answers"]
    parameters = parse_qs(urlsplit(answer).query)
    assert (parameters["error"], parameters["state"]) == (["access_denied"], [client.state])
    assert parameters["iss"] == [stack.issuer]
    assert not any(title.startswith("Sign in") for title in report["titles"])
    client.session.close()


def test_a_tenant_that_is_not_allowed_gets_a_page_that_leads_back_with_an_error(
    stack: Stack, redirect_uri: str
) -> None:
    client = _client(stack, redirect_uri)
    name = f"not-allowed-{_kind(client)}"
    # The status is an error's, and Chromium notes that of every page.
    report = _go(client, name, username="mallory@evil.example", refused=True, complaints=1)
    parameters = parse_qs(urlsplit(report["answers"][0]).query)
    assert (parameters["error"], parameters["state"]) == (["access_denied"], [client.state])
    assert parameters["iss"] == [stack.issuer]
    client.session.close()


def test_it_fits_a_phone_in_the_dark(stack: Stack) -> None:
    client = _client(stack, _PRIVATE)
    report = _go(client, "phone-dark", phone=True, colours="dark")
    assert report["widths"] == [390, 390]
    client.session.close()


def test_a_request_that_cannot_be_answered_stays_on_a_page_with_a_reference(stack: Stack) -> None:
    client = _client(stack, _PRIVATE)
    url = client.authorize_url(client_id="nobody")
    # The status is an error's, and Chromium notes that of every page.
    report = _go(client, "error", authorize_url=url, decision="Leave", complaints=1)
    assert report["answers"] == []
    client.session.close()
