"""What the blob backend adds to the contract: the container, outages, and signing in without a secret."""

import socket
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from mcpserver.snippets.blob import BlobStore, container_of_connection_string
from mcpserver.snippets.model import Owner, SnippetNotFound, SnippetStoreUnavailable
from tests.support import azurite

DEVELOPMENT_KEY = "a2V5LXRoYXQtbXVzdC1uZXZlci1iZS1zZWVu"


@pytest.fixture
def container(running_azurite: azurite.Azurite) -> ContainerClient:
    return container_of_connection_string(running_azurite.connection_string, f"test-{uuid4().hex}")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def store_at(port: int, call_seconds: float) -> BlobStore:
    string = (
        f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey={DEVELOPMENT_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/account;"
    )
    return BlobStore(container_of_connection_string(string, "snippets"), call_seconds=call_seconds)


def test_a_missing_container_is_made_by_the_first_save_and_means_no_snippets_before(
    container: ContainerClient, alice: Owner
) -> None:
    store = BlobStore(container)
    store.check()
    assert store.list(alice) == ()
    with pytest.raises(SnippetNotFound):
        store.get(alice, "example")
    assert not container.exists()
    store.save(alice, "example", "text")
    assert container.exists()


def test_a_snippet_is_a_json_blob_named_after_it_in_its_owners_folder(
    container: ContainerClient, alice: Owner
) -> None:
    BlobStore(container).save(alice, "example", "text")
    blob = container.get_blob_client(f"{alice.tenant_id}/{alice.object_id}/example.json")
    assert blob.download_blob().readall() == b'{"snippetname":"example","snippet":"text"}'
    assert blob.get_blob_properties().content_settings.content_type == "application/json"


def test_a_shared_snippet_lies_directly_in_the_container(container: ContainerClient, alice: Owner) -> None:
    BlobStore(container, shared=True).save(alice, "example", "text")
    assert container.get_blob_client("example.json").exists()


def test_more_snippets_than_one_page_of_a_listing_are_all_listed(
    container: ContainerClient, alice: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(container)
    for number in range(7):
        store.save(alice, f"example {number}", "text")
    walk = ContainerClient.walk_blobs
    monkeypatch.setattr(
        ContainerClient,
        "walk_blobs",
        lambda self, **options: walk(self, results_per_page=3, **options),
    )
    assert len(store.list(alice)) == 7


def test_an_account_that_never_answers_is_reported_within_the_deadline(
    silent_port: int, alice: Owner
) -> None:
    store = store_at(silent_port, call_seconds=0.2)
    for verb in (
        lambda: store.save(alice, "example", "text"),
        lambda: store.get(alice, "example"),
        lambda: store.list(alice),
        lambda: store.delete(alice, "example"),
        store.check,
    ):
        began = time.monotonic()
        with pytest.raises(SnippetStoreUnavailable) as caught:
            verb()
        assert time.monotonic() - began < 2
        assert caught.value.private_detail == "blob: no answer in time"


def test_what_is_said_of_an_outage_holds_no_address_and_no_key(alice: Owner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    store = store_at(port, call_seconds=6)
    with pytest.raises(SnippetStoreUnavailable) as caught:
        store.get(alice, "example")
    assert caught.value.private_detail == "blob: ServiceRequestError, status None, code None"
    assert caught.value.__cause__ is None
    assert "again" in str(caught.value)


def test_a_refused_key_is_an_outage_and_not_an_absent_snippet(
    running_azurite: azurite.Azurite, alice: Owner
) -> None:
    port = int(running_azurite.account_url.rpartition(":")[2].partition("/")[0])
    string = (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={DEVELOPMENT_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
    )
    store = BlobStore(container_of_connection_string(string, "snippets"))
    with pytest.raises(SnippetStoreUnavailable) as caught:
        store.get(alice, "example")
    assert "403" in (caught.value.private_detail or "")


def test_after_an_outage_the_same_store_serves_again_and_lost_nothing(alice: Owner) -> None:
    with azurite.running() as account:
        container = container_of_connection_string(account.connection_string, "snippets")
        store = BlobStore(container, call_seconds=5)
        store.save(alice, "example", "before")
        impatient = BlobStore(container, call_seconds=0.2)
        account.pause()
        with pytest.raises(SnippetStoreUnavailable):
            impatient.get(alice, "example")
        account.resume()
        assert store.get(alice, "example").text == "before"
