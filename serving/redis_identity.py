"""How a pod signs in to Redis without a password: with a token of Entra ID's for its workload identity.

Made where each server opens its connection to Redis (``entra_credentials``), asked by redis-py for each
connection. Redis closes a connection when the token it came with expires; whoever holds connections asks
``is_ending`` and opens others in time. Must not be asked on the hub: a token may have to be fetched.
"""

import base64
import binascii
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
import redis
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import WorkloadIdentityCredential

SCOPE: Final = "https://redis.azure.com/.default"
# azure-identity fetches another token when the one it has is good for less than five minutes.
_RENEW_BEFORE_SECONDS: Final = 240
_TRIES_EVERY_SECONDS: Final = 30
_ATTEMPTS: Final = {"retry_total": 1, "connection_timeout": 2, "read_timeout": 4}


class EntraCredentials(redis.CredentialProvider):
    """A ``redis.CredentialProvider``: the name is the identity's object id, the password a token.

    Args:
        credential: how the workload signs in; keeps its tokens until they are nearly over.
        clock: seconds since 1970.
    """

    def __init__(self, credential: TokenCredential, clock: Callable[[], float] = time.time) -> None:
        self._credential = credential
        self._clock = clock
        self._ends_at = float("inf")

    def get_credentials(self) -> tuple[str, str]:
        """Return name and password for a new connection.

        Raises:
            redis.AuthenticationError: Entra ID gives no token.
        """
        try:
            token = self._credential.get_token(SCOPE)
        except (AzureError, OSError, ValueError) as error:
            # Its message quotes Entra's answer.
            raise redis.AuthenticationError(f"no token from Entra ID: {type(error).__name__}") from None
        self._ends_at = float(token.expires_on)
        return _object_id(token), token.token

    def is_ending(self) -> bool:
        """Say whether connections should be opened anew; twice a minute at most, where Entra is away."""
        now = self._clock()
        if now < self._ends_at - _RENEW_BEFORE_SECONDS:
            return False
        self._ends_at = now + _RENEW_BEFORE_SECONDS + _TRIES_EVERY_SECONDS
        return True


def entra_credentials(
    client_id: str, tenant_id: str | None, token_file: Path | None
) -> EntraCredentials | None:
    """Return how to sign in to Redis; None where no identity is named: then REDIS_URL says how.

    Args:
        client_id: of the managed identity that Redis knows; empty: none.
        tenant_id: its tenant; None: AZURE_TENANT_ID.
        token_file: AZURE_FEDERATED_TOKEN_FILE.
    """
    if not client_id:
        return None
    return EntraCredentials(
        WorkloadIdentityCredential(
            client_id=client_id, tenant_id=tenant_id, token_file_path=str(token_file), **_ATTEMPTS
        )
    )


def _object_id(token: AccessToken) -> str:
    """Return ``oid``: read unverified, because it is our own token, for Redis to verify."""
    try:
        payload = token.token.split(".")[1]
        unverified = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(unverified["oid"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        raise redis.AuthenticationError("the token from Entra ID is no token of an identity") from None
