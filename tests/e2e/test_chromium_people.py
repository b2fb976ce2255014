"""The pages for people in a real browser; ``test-results/chromium`` has a picture of each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.login import complete_login
from tests.e2e.operator_commands import command
from tests.e2e.programs import python
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack

_PICTURES = Path(__file__).parents[2] / "test-results" / "chromium"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SIGN_IN = "sign in at Microsoft"


@pytest.fixture
def client(stack: Stack) -> Iterator[RawClient]:
    """A client that has registered itself."""
    client = RawClient(stack.mcp_url)
    client.discover()
    client.register(client_name="Notebook")
    yield client
    client.session.close()


def _give_access(client: RawClient, username: str) -> None:
    code = client.receive(complete_login(client.authorize_url(), username))
    assert client.redeem(code).status_code == 200


def _go(name: str, url: str, press: list[str], **order: object) -> dict[str, Any]:
    folder = _PICTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    steps = {"url": url, "press": press, "screenshots": str(folder)}
    report = python("chromium_people.py", json.dumps({**steps, **order}))
    # A policy that keeps the browser from a page, a style or a form is said here.
    assert report["problems"] == []
    return report


@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_a_person_connects_a_device(stack: Stack, client: RawClient, look: str) -> None:
    grants = ("--grant", "device_code")
    added = command(stack, "clients", "add", "--name", "Television", "--method", "none", *grants)
    base = f"{stack.issuer}/oauth"
    asked = client.session.post(
        f"{base}/device_authorization", data={"client_id": added["client_id"]}, timeout=20
    ).json()
    kind = {"phone": True, "colours": "dark"} if look == "phone" else {}
    press = ["Continue", "Allow", _SIGN_IN]
    report = _go(f"device-{look}", asked["verification_uri_complete"], press, **kind)
    assert "A device with Television wants access" in report["pages"][1]
    assert "Did you start this?" in report["pages"][1]
    assert "Your device is signed in" in report["pages"][-1]
    assert look != "phone" or max(report["widths"]) == 390
    assert report["cookies"] == []
    tokens = client.session.post(
        f"{base}/token",
        data={
            "client_id": added["client_id"],
            "grant_type": _DEVICE_GRANT,
            "device_code": asked["device_code"],
        },
        timeout=20,
    )
    assert tokens.status_code == 200, tokens.text


@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_a_person_takes_access_away_and_signs_out(stack: Stack, client: RawClient, look: str) -> None:
    _give_access(client, "bob@contoso.example")
    kind = {"phone": True, "colours": "dark"} if look == "phone" else {}
    press = ["Sign in with Microsoft", _SIGN_IN, "Revoke", "Sign out", "open"]
    order = {"username": "bob@contoso.example", **kind}
    report = _go(f"account-{look}", f"{stack.issuer}/oauth/account", press, **order)
    assert "Notebook Unverified" in report["pages"][2]
    assert "Notebook" not in report["pages"][3]
    assert "You are signed out" in report["pages"][4]
    assert "Sign in with Microsoft" in report["pages"][5]
    assert look != "phone" or max(report["widths"]) == 390
    assert [name for name in report["cookies"] if name in ("account", "admin")] == []
    assert client.refresh().json()["error"] == "invalid_grant"


def test_an_administrator_looks_around(stack: Stack, client: RawClient) -> None:
    _give_access(client, "alice@contoso.example")
    press = ["Sign in with Microsoft", _SIGN_IN, "Applications", "Audit", "People", "Sign out"]
    report = _go("admin", f"{stack.issuer}/oauth/admin", press)
    assert "alice@contoso.example" in report["pages"][2]
    assert client.client_id in report["pages"][3]
    assert "login.succeeded" in report["pages"][4]
    assert "You are signed out" in report["pages"][-1]
