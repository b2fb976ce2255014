"""Snippets as blobs in one container of Azure Blob Storage: the backend of a cluster.

Made by ``opening``. Blob Storage writes a blob whole or not at all and knows conditions on its ETag, so this
module adds little: the paths, the container made when it is missing, and a bound on time. The SDK's own
retries are few and short, and a deadline stands over all of them, so that a call answers within seconds while
Azure is away. What the SDK says about a failure may hold URLs with signatures: only its type, status and code
are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import gevent
from azure.core import MatchConditions
from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobProperties, ContainerClient, ContentSettings, LinearRetry

from mcpserver.snippets import names, record
from mcpserver.snippets.model import (
    Expected,
    Owner,
    Snippet,
    SnippetConflict,
    SnippetInfo,
    SnippetNotFound,
    SnippetStoreUnavailable,
)
from telemetry import tracing

API_VERSION: Final = "2025-05-05"
"""The service version spoken: pinned, so that a newer SDK changes nothing on the wire and Azurite understands
it."""
CALL_SECONDS: Final = 8.0
"""How long one verb may take altogether, retries and sign-in included."""

_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 4
_RETRIES: Final = 2
_CONTAINER_MISSING: Final = "ContainerNotFound"


def container_of_account(
    account_url: str, container: str, credential: TokenCredential, **transport: Any
) -> ContainerClient:
    """Return a client that signs in as the workload.

    Args:
        account_url: ``https://<account>.blob.core.windows.net``.
        container: the container's name.
        credential: how the workload signs in.
        **transport: more options of the SDK's HTTP transport.
    """
    return ContainerClient(account_url, container, credential=credential, **_options(), **transport)


def container_of_connection_string(connection_string: str, container: str) -> ContainerClient:
    """Return a client that uses the key or signature in a connection string."""
    return ContainerClient.from_connection_string(connection_string, container, **_options())


def _options() -> dict[str, Any]:
    return {
        "api_version": API_VERSION,
        "retry_policy": LinearRetry(backoff=1, retry_total=_RETRIES, random_jitter_range=1),
        "connection_timeout": _CONNECT_SECONDS,
        "read_timeout": _READ_SECONDS,
        "raw_request_hook": _tell_trace,
    }


def _tell_trace(request: Any) -> None:
    """Send the call's traceparent along (the storage account's own logs keep it)."""
    request.http_request.headers.update(tracing.outgoing())


class BlobStore:
    """A ``SnippetStore`` in one container.

    Args:
        container: a client of the container, which is made when missing.
        shared: one set of snippets for everybody instead of one for each owner.
        call_seconds: see ``CALL_SECONDS``.
    """

    def __init__(
        self, container: ContainerClient, *, shared: bool = False, call_seconds: float = CALL_SECONDS
    ) -> None:
        self._container = container
        self._shared = shared
        self._attributes: dict[str, tracing.Value] = {
            "peer.service": "blob",  # Application Insights draws its map by it
            "server.address": container.primary_hostname or "",
        }
        self._call_seconds = call_seconds

    def save(self, owner: Owner, name: str, text: str, expected: Expected | None = None) -> str:
        """See ``SnippetStore.save``."""
        path, data = self._path(owner, name), record.encode(name, text)
        with self._bounded():
            try:
                return self._upload(path, data, expected)
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) != _CONTAINER_MISSING:
                    raise
            self._make_container()
            return self._upload(path, data, expected)

    def get(self, owner: Owner, name: str) -> Snippet:
        """See ``SnippetStore.get``."""
        path = self._path(owner, name)
        with self._bounded():
            try:
                download = self._container.download_blob(path)
            except ResourceNotFoundError:
                raise _not_found() from None
            if download.size > record.MAX_RECORD_BYTES:
                raise SnippetStoreUnavailable("a stored snippet is too large")
            data, properties = download.readall(), download.properties
        return Snippet(
            name, record.decode(data), properties.last_modified.timestamp(), _etag(properties.etag)
        )

    def list(self, owner: Owner) -> tuple[SnippetInfo, ...]:
        """See ``SnippetStore.list``."""
        folder = self._folder(owner)
        with self._bounded():
            try:
                blobs = [
                    blob
                    for blob in self._container.walk_blobs(name_starts_with=folder, delimiter="/")
                    if isinstance(blob, BlobProperties)
                ]
            except ResourceNotFoundError:
                return ()
        infos = (_info(names.name_of(blob.name.removeprefix(folder)), blob) for blob in blobs)
        return tuple(sorted((info for info in infos if info is not None), key=lambda info: info.name))

    def delete(self, owner: Owner, name: str, expected_etag: str | None = None) -> None:
        """See ``SnippetStore.delete``."""
        path = self._path(owner, name)
        conditions = {} if expected_etag is None else _only_if(expected_etag)
        with self._bounded():
            try:
                self._container.delete_blob(path, **conditions)
            except ResourceModifiedError:
                raise _conflict() from None
            except ResourceNotFoundError:
                raise (_not_found() if expected_etag is None else _conflict()) from None

    def check(self) -> None:
        """See ``SnippetStore.check``: the account answers; a container still missing is no fault."""
        with self._bounded():
            self._container.exists()

    def _folder(self, owner: Owner) -> str:
        return names.folder_of(None if self._shared else owner)

    def _path(self, owner: Owner, name: str) -> str:
        return self._folder(owner) + names.file_of(name)

    def _upload(self, path: str, data: bytes, expected: Expected | None) -> str:
        conditions: dict[str, Any] = {}
        if expected is not None:
            missing = {"match_condition": MatchConditions.IfMissing}
            conditions = missing if expected.etag is None else _only_if(expected.etag)
        settings = ContentSettings(content_type=record.CONTENT_TYPE)
        try:
            answer = self._container.get_blob_client(path).upload_blob(
                data, overwrite=True, content_settings=settings, **conditions
            )
        except (ResourceModifiedError, ResourceExistsError):
            raise _conflict() from None
        return _etag(answer["etag"])

    def _make_container(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError:
            return  # another worker made it at the same moment

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        deadline = gevent.Timeout(self._call_seconds)
        try:
            with deadline, tracing.span("blob", "client", self._attributes):
                yield
        except gevent.Timeout as caught:
            if caught is not deadline:
                raise
            raise SnippetStoreUnavailable("blob: no answer in time") from None
        except (AzureError, OSError) as error:
            raise SnippetStoreUnavailable(_what_went_wrong(error)) from None


def _info(name: str | None, blob: BlobProperties) -> SnippetInfo | None:
    return None if name is None else SnippetInfo(name, blob.last_modified.timestamp(), _etag(blob.etag))


def _only_if(etag: str) -> dict[str, Any]:
    return {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}


def _etag(header: str) -> str:
    # A listing shows it without the quotes that a header has.
    return str(header).strip('"')


def _what_went_wrong(error: Exception) -> str:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return f"blob: {type(error).__name__}, status {status}, code {getattr(error, 'error_code', None)}"


def _not_found() -> SnippetNotFound:
    return SnippetNotFound("There is no snippet of that name")


def _conflict() -> SnippetConflict:
    return SnippetConflict("The snippet was changed in the meantime")
