"""Programs of another tenant call without a browser of ours: Entra's token is exchanged for one of ours."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msal
import pytest
import requests

from devstack.entra import directory
from tests.e2e.login import complete_login
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# MSAL recommends a form that a browser sends; here the test reads the redirect.
pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post':UserWarning")
_SCOPES = "mcp:tools snippets:read snippets:write"


@pytest.fixture
def entra(stack: Stack) -> Iterator[requests.Session]:
    """The way to the emulator's back channel, as MSAL takes it."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(stack.ca_file)
        yield session


@pytest.fixture
def client(stack: Stack) -> Iterator[RawClient]:
    """Somebody who knows the MCP server's URL, and registers nowhere."""
    client = RawClient(stack.mcp_url)
    client.discover()
    yield client
    client.session.close()


def _authority(stack: Stack) -> dict[str, Any]:
    url = f"{stack.options.entra_back_channel_url}/{directory.FABRIKAM}"
    return {"authority": url, "instance_discovery": False}


def _daemons_token(
    stack: Stack, entra: requests.Session, scope: str = f"{directory.API_URI}/.default"
) -> str:
    application = msal.ConfidentialClientApplication(
        directory.DAEMON_CLIENT_ID,
        client_credential=directory.DAEMON_SECRET,
        http_client=entra,
        **_authority(stack),
    )
    return str(application.acquire_token_for_client([scope])["access_token"])


def _carols_tokens(stack: Stack, entra: requests.Session) -> dict[str, str]:
    application = msal.PublicClientApplication(
        directory.FABRIKAM_CLIENT_ID, http_client=entra, **_authority(stack)
    )
    scope = f"{directory.API_URI}/{directory.API_SCOPE}"
    flow = application.initiate_auth_code_flow(
        [scope], redirect_uri="http://localhost", response_mode="query"
    )
    final_url = complete_login(flow["auth_uri"], directory.CAROL)
    answer = {name: values[0] for name, values in parse_qs(urlsplit(final_url).query).items()}
    return dict(application.acquire_token_by_auth_code_flow(flow, answer))


def _exchange(client: RawClient, assertion: str, **parameters: str) -> requests.Response:
    answer = client.session.post(
        client.server_metadata["token_endpoint"],
        data={
            "grant_type": _GRANT,
            "assertion": assertion,
            "resource": client.resource_metadata["resource"],
            **parameters,
        },
        timeout=20,
    )
    if answer.status_code == 200:
        client.tokens = answer.json()
    return answer


def test_a_daemon_of_fabrikam_saves_a_snippet(
    stack: Stack, entra: requests.Session, client: RawClient
) -> None:
    assert _GRANT in client.server_metadata["grant_types_supported"]
    answer = _exchange(client, _daemons_token(stack, entra))
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == _SCOPES
    assert "refresh_token" not in answer.json()
    claims = client.claims()
    assert (claims["client_id"], claims["tid"]) == (directory.DAEMON_CLIENT_ID, directory.FABRIKAM)
    assert claims["sub"] == f"{claims['tid']}.{claims['oid']}"
    client.call("save_snippet", snippetname="nightly", snippet="from the daemon")
    assert "from the daemon" in client.call("get_snippet", snippetname="nightly")["content"][0]["text"]


def test_a_program_of_fabrikam_acts_for_carol(
    stack: Stack, entra: requests.Session, client: RawClient
) -> None:
    tokens = _carols_tokens(stack, entra)
    answer = _exchange(client, tokens["access_token"], scope="mcp:tools snippets:write")
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "mcp:tools snippets:write"
    assert client.claims()["client_id"] == directory.FABRIKAM_CLIENT_ID
    client.call("save_snippet", snippetname="carols", snippet="by her program")
    # The same person in a browser: her snippets are hers, whichever way she came.
    browser = RawClient(stack.mcp_url)
    browser.discover()
    browser.register()
    code = browser.receive(complete_login(browser.authorize_url(), directory.CAROL))
    assert browser.redeem(code).status_code == 200
    assert browser.claims()["sub"] == client.claims()["sub"]
    assert "by her program" in browser.call("get_snippet", snippetname="carols")["content"][0]["text"]
    browser.session.close()


def test_what_entra_gives_beside_or_for_something_else_is_worth_nothing(
    stack: Stack, entra: requests.Session, client: RawClient
) -> None:
    carols = _carols_tokens(stack, entra)
    graph = _daemons_token(stack, entra, f"{directory.GRAPH_URI}/.default")
    assert _exchange(client, _daemons_token(stack, entra)).status_code == 200
    for assertion in (carols["id_token"], graph, client.tokens["access_token"]):
        answer = _exchange(client, assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
