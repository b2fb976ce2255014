"""Makes the snippet store that the settings ask for. Called once, where the server is wired; opens no
connection.

Blob Storage when an account or a connection string is named, else a folder. Nothing here decides who may do
what.
"""

from pathlib import Path

from azure.core.credentials import TokenCredential
from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential

from mcpserver.snippets import blob
from mcpserver.snippets.blob import BlobStore
from mcpserver.snippets.folder import FolderStore
from mcpserver.snippets.protocol import SnippetStore


def open_store(
    *,
    folder: Path,
    connection_string: str | None = None,
    account_url: str | None = None,
    container: str = "snippets",
    federated_token_file: Path | None = None,
    shared: bool = False,
) -> SnippetStore:
    """Return the store.

    Args:
        folder: where snippets go when no storage account is named.
        connection_string: AZURE_STORAGE_CONNECTION_STRING; wins over the account's URL.
        account_url: AZURE_STORAGE_ACCOUNT_URL.
        container: the blob container's name.
        federated_token_file: AZURE_FEDERATED_TOKEN_FILE: the workload signs in with it, without any secret.
        shared: one set of snippets for everybody instead of one for each owner.

    Raises:
        ValueError: the connection string or the workload identity's environment is incomplete.
    """
    if connection_string:
        return BlobStore(blob.container_of_connection_string(connection_string, container), shared=shared)
    if account_url:
        credential = _credential(federated_token_file)
        return BlobStore(blob.container_of_account(account_url, container, credential), shared=shared)
    return FolderStore(folder, shared=shared)


def _credential(federated_token_file: Path | None) -> TokenCredential:
    if federated_token_file is not None:
        # Tenant and client come from AZURE_TENANT_ID and AZURE_CLIENT_ID, as the cluster's webhook sets them.
        return WorkloadIdentityCredential(token_file_path=str(federated_token_file))
    # A developer's own sign-in, or the machine's managed identity.
    return DefaultAzureCredential(exclude_interactive_browser_credential=True)
