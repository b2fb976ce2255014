"""The official Python client with a client_id that is a URL: it registers nowhere, and everything works."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authserver.clients.document_host import DocumentHost, document_host
from tests.e2e.programs import HELLO, SCOPES, TOOLS, python
from tests.e2e.stack import Stack, running

_PATH = "/mcp-client.json"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentHost]:
    with document_host(tmp_path_factory.mktemp("documents")) as host:
        metadata = {
            "client_id": host.url(_PATH),
            "client_name": "Python SDK, published",
            # The client listens on another port each time (RFC 8252 7.3).
            "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        host.publish(_PATH, metadata, Cache_Control="max-age=3600")
        yield host


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, host: DocumentHost) -> Iterator[Stack]:
    """A stack that may fetch documents from this machine."""
    yield from running(
        tmp_path_factory.mktemp("documents-stack"),
        with_gateway=True,
        environment=lambda _options: {
            "AUTHSERVER_CLIENT_DOCUMENT_LOOPBACK": "true",
            "AUTHSERVER_CLIENT_DOCUMENT_CA_FILE": str(host.ca_file),
            "AUTHSERVER_REGISTRATION_POLICY": "off",
        },
    )


def test_it_signs_in_calls_tools_refreshes_and_steps_up_without_registering(
    stack: Stack, host: DocumentHost, browser: Path
) -> None:
    report = python("python_sdk.py", stack.mcp_url, browser, "--client-metadata-url", host.url(_PATH))
    assert report["tools"] == TOOLS
    assert report["hello"] == HELLO
    assert report["scope"] == SCOPES
    assert report["refreshed"] is True
    assert report["stepped_up"] == SCOPES
    assert host.paths() == [_PATH]
    assert "client.registered" not in stack.logs()
