"""What the server remembers: one set of protocols, a SQLite backend (default) and a Redis backend (outgrown).

Made once per process by ``open_store`` and handed to whoever needs it. Must not know OAuth's wire or the
web. Secrets, codes and tokens are stored by digest; msal's flows and signing keys encrypted; expiry is the
store's own work.
"""

from authserver.cipher import Cipher
from authserver.model import Clock
from authserver.settings import Settings
from authserver.store.family import Graced, Reused, Rotated, RotateOutcome, Rotation, Unknown
from authserver.store.protocols import (
    ClientStore,
    CodeReplay,
    CodeStore,
    KeyStore,
    LoginStore,
    OnceStore,
    RecordStore,
    SessionStore,
    Store,
)
from authserver.store.redis import RedisStore
from authserver.store.sqlite import SqliteStore
from serving.redis_identity import EntraCredentials, entra_credentials

__all__ = [
    "ClientStore",
    "CodeReplay",
    "CodeStore",
    "Graced",
    "KeyStore",
    "LoginStore",
    "OnceStore",
    "RecordStore",
    "RedisStore",
    "Reused",
    "RotateOutcome",
    "Rotated",
    "Rotation",
    "SessionStore",
    "SqliteStore",
    "Store",
    "Unknown",
    "open_store",
    "redis_credentials",
]


def open_store(settings: Settings, clock: Clock, cipher: Cipher) -> Store:
    """Return the store the settings name: Redis where REDIS_URL is set, else the SQLite file.

    Nothing is connected before it is used.
    """
    deadline_seconds = settings.store_deadline_seconds
    if settings.redis_url is None:
        return SqliteStore(settings.state_file, clock, cipher, deadline_seconds=deadline_seconds)
    return RedisStore(
        settings.redis_url.get_secret_value(),
        clock,
        cipher,
        cluster=settings.redis_cluster,
        allow_unsafe=settings.redis_allow_unsafe,
        deadline_seconds=deadline_seconds,
        credentials=redis_credentials(settings),
    )


def redis_credentials(settings: Settings) -> EntraCredentials | None:
    """Return how to sign in to Redis; None where REDIS_URL says it."""
    return entra_credentials(
        settings.redis_client_id, settings.azure_tenant_id, settings.azure_federated_token_file
    )
