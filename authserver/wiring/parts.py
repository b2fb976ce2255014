"""The parts of the authorization server: made once from the settings, for the endpoints and the commands.

Called by ``app`` in each worker and by ``cli``. Must not know HTTP, connect to anything or decide anything:
it only says which part is made of which.
"""

from dataclasses import dataclass

from authserver.cipher import Cipher
from authserver.keys import KeyRing
from authserver.model import Clock
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.device.requests import DeviceRequests
from authserver.oauth.device.user_codes import UserCodes
from authserver.oauth.grants.grant import Assertions
from authserver.oauth.onboarding import Invitations
from authserver.oauth.resource_directory import ResourceDirectory
from authserver.oauth.vault import Vault
from authserver.settings import Settings
from authserver.store import Store, open_store
from authserver.tokens import RefreshTokens
from authserver.upstream.authority import EntraConfiguration
from authserver.upstream.broker import SignInBroker
from authserver.upstream.credentials import (
    CredentialSource,
    certificate,
    client_secret,
    workload_identity,
)
from authserver.upstream.entra import EntraBroker
from authserver.upstream.graph import SCOPES as GRAPH_SCOPES
from authserver.upstream.graph import GroupLookup
from authserver.upstream.http import EntraSession
from authserver.upstream.tenant_entries import TenantEntries
from authserver.upstream.tenants import TenantPolicy
from authserver.wiring.clients import ClientParts, make_client_parts
from authserver.wiring.machines import Connect, make_assertions


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything an application is made of, each made once."""

    clock: Clock
    cipher: Cipher
    store: Store
    keyring: KeyRing
    clients: ClientDirectory
    client_parts: ClientParts
    resources: ResourceDirectory
    tenant_entries: TenantEntries
    tenants: TenantPolicy
    broker: SignInBroker
    refresh_tokens: RefreshTokens
    device_requests: DeviceRequests
    assertions: Assertions
    vault: Vault
    invitations: Invitations


def make_parts(
    settings: Settings,
    clock: Clock,
    store: Store | None = None,
    broker: SignInBroker | None = None,
    connect: Connect | None = None,
) -> Parts:
    """Make the parts; nothing is connected yet.

    Args:
        settings: all of the configuration.
        clock: seconds since 1970.
        store: instead of the one that the settings name.
        broker: instead of Entra ID.
        connect: instead of HTTP to those whose assertions are accepted.
    """
    cipher = Cipher(settings.master_secrets)
    store = store or open_store(settings, clock, cipher)
    client_parts = make_client_parts(settings, store, clock)
    configured = {**settings.allowed_tenants, settings.home_tenant.tid: settings.home_tenant}
    tenant_entries = TenantEntries(configured, store, clock)
    tenants = TenantPolicy(
        settings.home_tenant.tid, tenant_entries, personal_accounts=settings.personal_accounts
    )
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
            token_lifetime_seconds=settings.longest_access_token_lifetime_seconds,
            resource_algorithms=[
                each.signing_algorithm for each in settings.resources if each.signing_algorithm
            ],
        ),
        clients=client_parts.directory,
        client_parts=client_parts,
        resources=ResourceDirectory(settings.resources),
        tenant_entries=tenant_entries,
        tenants=tenants,
        broker=broker or _entra(settings, tenants, clock),
        refresh_tokens=RefreshTokens(cipher),
        device_requests=DeviceRequests(
            store, UserCodes(cipher), clock, settings.device_code_lifetime_seconds
        ),
        assertions=make_assertions(settings, store, clock, connect),
        invitations=Invitations(store, tenant_entries, clock),
        vault=Vault(
            store,
            cipher,
            clock,
            pending_seconds=max(settings.code_lifetime_seconds, settings.device_code_lifetime_seconds) + 60,
        ),
    )


def entra_configuration(settings: Settings) -> EntraConfiguration:
    """Return the login application as the settings describe it."""
    return EntraConfiguration(
        authority=settings.entra_authority,
        client_id=settings.azure_client_id,
        credential=_entra_credential(settings),
        callback_url=settings.endpoint("/callback"),
        ca_file=settings.entra_ca_file,
        scopes=GRAPH_SCOPES if settings.group_overage == "graph" else (),
    )


def _entra(settings: Settings, tenants: TenantPolicy, clock: Clock) -> EntraBroker:
    groups = None
    if settings.group_overage == "graph":
        session = EntraSession(settings.graph_url, settings.entra_ca_file)
        groups = GroupLookup(settings.graph_url, session, tenants.maps_groups)
    return EntraBroker(entra_configuration(settings), tenants.authority, clock, groups=groups)


def _entra_credential(settings: Settings) -> CredentialSource:
    # What nobody can copy out of a configuration is preferred.
    if settings.azure_federated_token_file is not None:
        return workload_identity(settings.azure_federated_token_file)
    if settings.entra_certificate_file is not None:
        return certificate(settings.entra_certificate_file)
    secret = settings.entra_client_secret
    return client_secret(secret.get_secret_value() if secret else "")
