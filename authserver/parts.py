"""The parts of the authorization server: made once from the settings, for the endpoints and the commands.

Called by ``app`` in each worker and by ``cli``. Must not know HTTP, connect to anything or decide anything:
it only says which part is made of which.
"""

from dataclasses import dataclass

from authserver.cipher import Cipher
from authserver.keys import KeyRing
from authserver.model import Clock
from authserver.oauth.clients import ClientDirectory
from authserver.oauth.device_requests import DeviceRequests
from authserver.oauth.resource_directory import ResourceDirectory
from authserver.oauth.user_codes import UserCodes
from authserver.settings import Settings
from authserver.store import Store, open_store
from authserver.tokens import RefreshTokens
from authserver.upstream.broker import SignInBroker
from authserver.upstream.entra import ClientCredential, EntraBroker, EntraConfiguration, workload_identity
from authserver.upstream.tenants import TenantPolicy


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything an application is made of, each made once."""

    clock: Clock
    cipher: Cipher
    store: Store
    keyring: KeyRing
    clients: ClientDirectory
    resources: ResourceDirectory
    tenants: TenantPolicy
    broker: SignInBroker
    refresh_tokens: RefreshTokens
    device_requests: DeviceRequests


def make_parts(
    settings: Settings, clock: Clock, store: Store | None = None, broker: SignInBroker | None = None
) -> Parts:
    """Make the parts; nothing is connected yet.

    Args:
        settings: all of the configuration.
        clock: seconds since 1970.
        store: instead of the one that the settings name.
        broker: instead of Entra ID.
    """
    cipher = Cipher(settings.master_secrets)
    store = store or open_store(settings, clock, cipher)
    tenants = TenantPolicy(settings.azure_tenant_id, settings.allowed_tenants)
    return Parts(
        clock=clock,
        cipher=cipher,
        store=store,
        keyring=KeyRing(
            store,
            cipher,
            settings.signing_algorithm,
            clock,
            rotation_seconds=settings.signing_key_rotation_seconds,
            token_lifetime_seconds=settings.access_token_lifetime_seconds,
        ),
        clients=ClientDirectory(store, clock),
        resources=ResourceDirectory(settings.resources),
        tenants=tenants,
        broker=broker or EntraBroker(entra_configuration(settings), clock),
        refresh_tokens=RefreshTokens(cipher),
        device_requests=DeviceRequests(
            store, UserCodes(cipher), clock, settings.device_code_lifetime_seconds
        ),
    )


def entra_configuration(settings: Settings) -> EntraConfiguration:
    """Return the login application as the settings describe it."""
    tenants = TenantPolicy(settings.azure_tenant_id, settings.allowed_tenants)
    return EntraConfiguration(
        authority=settings.entra_authority,
        # Personal accounts would need "common"; they are not for this server.
        tenant="organizations" if tenants.is_multi_tenant else tenants.home,
        client_id=settings.azure_client_id,
        credential=_entra_credential(settings),
        callback_url=settings.endpoint("/callback"),
        ca_file=settings.entra_ca_file,
    )


def _entra_credential(settings: Settings) -> ClientCredential:
    if settings.azure_federated_token_file is not None:
        return workload_identity(settings.azure_federated_token_file)
    return settings.entra_client_secret.get_secret_value() if settings.entra_client_secret else ""
