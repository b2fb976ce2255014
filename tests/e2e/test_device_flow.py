"""Devices without a browser: published clients poll while somebody signs in elsewhere."""

from pathlib import Path

import pytest

from tests.e2e.login import Person, browser_command
from tests.e2e.operator_commands import command
from tests.e2e.programs import javascript
from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def client_id(stack: Stack) -> str:
    """A client that the operator registered for devices."""
    grants = ("--grant", "device_code", "--grant", "refresh_token")
    added = command(stack, "clients", "add", "--name", "Television", "--method", "none", *grants)
    return str(added["client_id"])


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    return browser_command(tmp_path, device=True)


def test_oauth4webapi_waits_as_it_is_told_and_gets_tokens(
    stack: Stack, client_id: str, browser: Path
) -> None:
    report = javascript("device_oauth4webapi.mjs", stack.issuer, stack.mcp_url, client_id, browser)
    assert report == {
        "errors": ["authorization_pending", "slow_down"],
        "scope": "mcp:tools",
        "refresh_token": True,
        "client": client_id,
        "again": "invalid_grant",
    }


def test_openid_client_gets_tokens_and_finds_where_to_sign_out(
    stack: Stack, client_id: str, browser: Path
) -> None:
    report = javascript("device_openid_client.mjs", stack.issuer, stack.mcp_url, client_id, browser)
    assert report == {"code": True, "scope": "mcp:tools", "rotated": True, "sign_out": "/oauth/logout"}


def test_who_denies_it_sees_that_nothing_was_allowed(stack: Stack, client_id: str) -> None:
    person = Person(decision="deny")
    asked = person.session.post(
        f"{stack.issuer}/oauth/device_authorization", data={"client_id": client_id}, timeout=20
    ).json()
    assert "Nothing was allowed" in person.connect_device(asked["verification_uri_complete"])
    person.session.close()
