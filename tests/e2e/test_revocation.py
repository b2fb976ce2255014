"""What is revoked is refused by the MCP server within ten seconds, and its open streams end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import requests

from tests.e2e.login import complete_login
from tests.e2e.operator_commands import command
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack, running
from tests.support.waiting import wait_until

WITHIN_SECONDS: Final = 10.0
_TIMEOUT_SECONDS: Final = 30
_LEGACY: Final = "2025-06-18"


def signed_in(url: str, username: str = "alice@contoso.example") -> RawClient:
    client = RawClient(url)
    client.discover()
    client.register()
    answer = client.redeem(client.receive(complete_login(client.authorize_url(), username)))
    assert answer.status_code == 200, answer.text
    return client


def refused(client: RawClient) -> bool:
    return client.send("server/discover").status_code == 401


@contextmanager
def open_streams(client: RawClient) -> Iterator[list[requests.Response]]:
    """Open a stream of each older kind, with a token that was used before."""
    headers = {
        "Authorization": f"Bearer {client.tokens['access_token']}",
        "Accept": "application/json, text/event-stream",
    }
    params = {"protocolVersion": _LEGACY, "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    opened = client.session.post(client.url, json=message, headers=headers, timeout=_TIMEOUT_SECONDS)
    own = {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"], "MCP-Protocol-Version": _LEGACY}
    streams = [
        client.session.get(url, headers=headers | more, stream=True, timeout=_TIMEOUT_SECONDS)
        for url, more in ((client.url, own), (f"{client.url}/sse", {}))
    ]
    try:
        assert [stream.status_code for stream in streams] == [200, 200]
        yield streams
    finally:
        for stream in streams:
            stream.close()


def read_to_the_end(streams: list[requests.Response]) -> None:
    for stream in streams:
        for _ in stream.iter_content(None):
            pass


@pytest.mark.parametrize("way", ["gateway", "around the gateway"])
def test_an_operators_command_ends_a_session_and_its_streams_within_ten_seconds(
    stack: Stack, way: str
) -> None:
    url = stack.mcp_url if way == "gateway" else stack.direct_mcp_url
    client, other = signed_in(url), signed_in(url, "bob@contoso.example")
    with open_streams(client) as streams, open_streams(other):
        sid = client.claims()["sid"]
        assert command(stack, "sessions", "revoke", sid) == {"ended": [sid]}
        revoked_at = time.monotonic()
        wait_until(lambda: refused(client), "the token is refused", deadline_seconds=WITHIN_SECONDS)
        read_to_the_end(streams)
        assert time.monotonic() - revoked_at < WITHIN_SECONDS
        assert not refused(other)
    assert client.refresh().status_code == 400


@pytest.mark.requirement("RFC7009-2.1-AT-ONCE")
def test_a_client_that_gives_its_token_back_is_refused_within_ten_seconds(bare_stack: Stack) -> None:
    client = signed_in(bare_stack.mcp_url)
    with open_streams(client) as streams:
        assert client.revoke().status_code == 200
        revoked_at = time.monotonic()
        wait_until(lambda: refused(client), "the token is refused", deadline_seconds=WITHIN_SECONDS)
        read_to_the_end(streams)
        assert time.monotonic() - revoked_at < WITHIN_SECONDS


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """One for this test alone: what it does ends every token."""
    yield from running(tmp_path, with_gateway=False)


def test_what_a_compromised_key_signed_is_refused_within_ten_seconds_and_refreshing_goes_on(
    own_stack: Stack,
) -> None:
    client = signed_in(own_stack.mcp_url)
    assert not refused(client)
    (bad,) = (key["kid"] for key in command(own_stack, "keys", "list"))
    command(own_stack, "keys", "retire", bad, "--compromised")
    withdrawn_at = time.monotonic()
    wait_until(lambda: refused(client), "the token is refused", deadline_seconds=WITHIN_SECONDS)
    assert client.refresh().status_code == 200
    wait_until(lambda: not refused(client), "a new key signs", deadline_seconds=WITHIN_SECONDS)
    assert time.monotonic() - withdrawn_at < WITHIN_SECONDS


def test_the_list_is_served_at_the_issuer_and_not_sent_again_unchanged(stack: Stack) -> None:
    url = f"{stack.oauth_url}/revoked"
    first = requests.get(url, timeout=_TIMEOUT_SECONDS)
    assert (first.status_code, first.headers["Content-Type"]) == (200, "application/jwt")

    def is_unchanged() -> bool:
        etag = requests.get(url, timeout=_TIMEOUT_SECONDS).headers["ETag"]
        again = requests.get(url, headers={"If-None-Match": etag}, timeout=_TIMEOUT_SECONDS)
        return (again.status_code, again.content) == (304, b"")

    wait_until(is_unchanged, "no session ended and no minute passed in between")
