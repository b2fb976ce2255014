"""Another MCP server, which knows nothing of this product, is protected by configuration alone."""

import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.login import complete_login
from tests.e2e.machines import SECRET, MachineStack
from tests.e2e.raw_client import RawClient
from tests.support import python_packages
from tests.support.python_packages import FASTMCP
from tests.support.waiting import wait_until

_START_SECONDS = 30.0
# The first test also installs the other server where that has not been done.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def notes_url(machine_stack: MachineStack) -> Iterator[str]:
    """The URL of a FastMCP server with FastMCP's own JWT verifier."""
    url = machine_stack.notes_url
    options = machine_stack.stack.options
    process = subprocess.Popen(
        (
            *(str(python_packages.python(FASTMCP)), str(FASTMCP / "server.py")),
            *(str(urlsplit(url).port), options.issuer, f"{options.issuer}/oauth/jwks", "ES256"),
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _answers(url), "the other server answers", deadline_seconds=_START_SECONDS)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.post(url, timeout=5).status_code == 401
    except OSError:
        return False


def _signed_in(url: str) -> RawClient:
    client = RawClient(url)
    client.discover()
    client.register()
    answer = client.redeem(client.receive(complete_login(client.authorize_url())))
    assert answer.status_code == 200, answer.text
    return client


def test_a_person_signs_in_to_it_and_its_tools_know_who_it_is(notes_url: str) -> None:
    client = _signed_in(notes_url)
    claims = client.claims()
    assert (claims["aud"], claims["scope"]) == (notes_url, "notes:read")
    assert claims["exp"] - claims["iat"] == 600
    said = client.call("whoami")["content"][0]["text"]
    assert said == f"{claims['sub']} through {client.client_id}"
    assert client.refresh().status_code == 200
    assert client.call("whoami")["content"][0]["text"] == said
    client.session.close()


def test_it_may_ask_about_its_own_tokens_alone(notes_url: str, machine_stack: MachineStack) -> None:
    theirs, ours = _signed_in(notes_url), _signed_in(machine_stack.stack.mcp_url)

    def said(name: str, client: RawClient) -> bool:
        answer = client.session.post(
            client.server_metadata["introspection_endpoint"],
            data={"token": client.tokens["access_token"]},
            auth=(name, SECRET),
            timeout=20,
        )
        return bool(answer.json()["active"])

    assert said("notes-guard", theirs)
    assert not said("notes-guard", ours)
    assert not said("guard", theirs)
    theirs.revoke()
    assert not said("notes-guard", theirs)
    for client in (ours, theirs):
        client.session.close()


def test_a_token_for_one_server_is_refused_at_the_other(notes_url: str, machine_stack: MachineStack) -> None:
    ours, theirs = _signed_in(machine_stack.stack.mcp_url), _signed_in(notes_url)
    assert ours.send("tools/list").status_code == 200
    ours.tokens, theirs.tokens = theirs.tokens, ours.tokens
    assert ours.send("tools/list").status_code == 401
    assert theirs.send("tools/list").status_code == 401
    for client in (ours, theirs):
        client.session.close()
