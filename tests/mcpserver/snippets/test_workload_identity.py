"""Signing in to Blob Storage as a workload: no key and no secret, only the cluster's token file."""

import base64
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trustme
from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential
from gevent.pywsgi import WSGIServer

from mcpserver.snippets.blob import BlobStore, container_of_account
from mcpserver.snippets.folder import FolderStore
from mcpserver.snippets.model import Owner, SnippetStoreUnavailable
from mcpserver.snippets.opening import open_store
from tests.support import azurite

TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "aaaaaaaa-0000-4000-8000-000000000009"


class Authority:
    """The part of a login service that a workload needs: it changes an assertion for a storage token."""

    def __init__(self) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.refuses = False
        self.url = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            return self._answer(start_response, "200 OK", self._discovery())
        if path != f"/{TENANT}/oauth2/v2.0/token":
            return self._answer(start_response, "404 Not Found", {})
        self.forms.append(parse_qs(environ["wsgi.input"].read().decode()))
        if self.refuses:
            error = {"error": "invalid_client", "error_description": "AADSTS700213: no matching credential"}
            return self._answer(start_response, "401 Unauthorized", error)
        token = {"token_type": "Bearer", "expires_in": 3600, "access_token": storage_token()}
        return self._answer(start_response, "200 OK", token)

    def _discovery(self) -> dict[str, object]:
        base = f"{self.url}/{TENANT}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }

    @staticmethod
    def _answer(start_response: Any, status: str, body: dict[str, object]) -> list[bytes]:
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]


def storage_token() -> str:
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "oid": CLIENT,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, {})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in server.cert_chain_pems:
        blob.write_to_path(str(folder / "cert.pem"), append=True)
    return folder


@pytest.fixture
def authority(certificates: Path) -> Iterator[Authority]:
    application = Authority()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    server = WSGIServer(("127.0.0.1", 0), application, log=None, error_log=None, ssl_context=context)
    server.start()
    application.url = f"https://localhost:{server.server_port}"
    yield application
    server.stop()


@pytest.fixture(scope="module")
def account(certificates: Path) -> Iterator[azurite.Azurite]:
    cert, key = str(certificates / "cert.pem"), str(certificates / "key.pem")
    with azurite.running("--oauth", "basic", "--cert", cert, "--key", key) as started:
        yield started


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("the-clusters-assertion")
    return tmp_path / "token"


@pytest.fixture
def store(account: azurite.Azurite, authority: Authority, certificates: Path, token_file: Path) -> BlobStore:
    ca = str(certificates / "ca.pem")
    credential = WorkloadIdentityCredential(
        tenant_id=TENANT,
        client_id=CLIENT,
        token_file_path=str(token_file),
        authority=authority.url,
        disable_instance_discovery=True,
        connection_verify=ca,
    )
    return BlobStore(container_of_account(account.account_url, "snippets", credential, connection_verify=ca))


def test_a_workload_signs_in_with_the_clusters_token_and_keeps_snippets(
    store: BlobStore, authority: Authority, alice: Owner
) -> None:
    store.save(alice, "example", "text")
    assert store.get(alice, "example").text == "text"
    assert [form["client_assertion"] for form in authority.forms] == [["the-clusters-assertion"]]
    assert authority.forms[0]["client_id"] == [CLIENT]
    assert "client_secret" not in authority.forms[0]


def test_a_workload_that_may_not_sign_in_is_told_that_the_store_is_away(
    store: BlobStore, authority: Authority, alice: Owner
) -> None:
    authority.refuses = True
    with pytest.raises(SnippetStoreUnavailable) as caught:
        store.save(alice, "example", "text")
    assert "the-clusters-assertion" not in str(caught.value.private_detail)


def test_a_missing_token_file_is_told_that_the_store_is_away(
    store: BlobStore, token_file: Path, alice: Owner
) -> None:
    token_file.unlink()
    with pytest.raises(SnippetStoreUnavailable):
        store.save(alice, "example", "text")


def test_the_settings_choose_the_backend(
    tmp_path: Path, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    url = "https://account.blob.core.windows.net"
    assert isinstance(open_store(folder=tmp_path), FolderStore)
    for store in (
        open_store(folder=tmp_path, connection_string=f"AccountName=a;AccountKey=a2V5;BlobEndpoint={url}"),
        open_store(folder=tmp_path, account_url=url, federated_token_file=token_file),
        open_store(folder=tmp_path, account_url=url),
    ):
        assert isinstance(store, BlobStore)


def test_an_account_without_a_token_file_is_reached_by_the_machines_own_identity(tmp_path: Path) -> None:
    store = open_store(folder=tmp_path, account_url="https://account.blob.core.windows.net")
    assert isinstance(store, BlobStore)
    assert isinstance(store._container.credential, DefaultAzureCredential)
