"""Everything derived from the master secret: sealing and keys, each for one purpose; and plain digests.

Used by the store (logins), ``keys`` (signing keys), ``tokens`` (refresh tags and successors) and the web
layer (the consent form, cookies). Must not know what it seals. Each purpose has its own key (HKDF-SHA256,
RFC 5869, the purpose as info), so that a thing sealed for one place can never be opened in another.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authserver.errors import AuthServerError

_KEY_BYTES: Final = 32


class SealBroken(AuthServerError):
    """Not sealed by this server for this purpose, sealed with a secret since removed, altered, or too old."""


def digest(value: str) -> str:
    """Return SHA-256 of a secret of at least 128 random bits, base64url: how such secrets are stored and
    looked up.
    """
    return (
        base64.urlsafe_b64encode(hashlib.sha256(value.encode(errors="surrogatepass")).digest())
        .rstrip(b"=")
        .decode()
    )


class Sealer:
    """Encrypts and authenticates small data for one purpose (Fernet); made by ``Cipher.sealer``."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        fernets = [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
        self._fernet = MultiFernet(fernets)
        self._current = fernets[0]

    def seal(self, data: bytes) -> str:
        """Return printable, URL-safe text under the current master secret."""
        return self._fernet.encrypt(data).decode()

    def unseal(self, sealed: str, *, max_age_seconds: int | None = None) -> bytes:
        """Return what was sealed, under any of the master secrets.

        Args:
            sealed: what ``seal`` returned, or anything at all.
            max_age_seconds: refuse what was sealed longer ago than this.

        Raises:
            SealBroken: for everything that ``seal`` of this purpose did not make recently enough.
        """
        try:
            return self._fernet.decrypt(sealed.encode(), ttl=max_age_seconds)
        except (InvalidToken, ValueError, TypeError) as error:
            raise SealBroken("seal broken") from error

    def is_current(self, sealed: str) -> bool:
        """Say whether the current master secret alone opens it."""
        try:
            self._current.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def reseal(self, sealed: str) -> str:
        """Return the same under the current master secret, as old as it was.

        Raises:
            SealBroken: see ``unseal``.
        """
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken as error:
            raise SealBroken("seal broken") from error


class Cipher:
    """The master secrets, the first of them current, the others still good for opening.

    Args:
        master_secrets: Fernet keys (32 bytes, base64url), at least one.
    """

    def __init__(self, master_secrets: Sequence[str]) -> None:
        self._secrets = tuple(base64.urlsafe_b64decode(secret) for secret in master_secrets)
        if not self._secrets or any(len(secret) != _KEY_BYTES for secret in self._secrets):
            raise ValueError("master secrets are Fernet keys: 32 bytes in base64url")

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Return one 32-byte key for this purpose from each master secret, the current one first."""
        return tuple(
            HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)
            for secret in self._secrets
        )

    def fingerprint(self) -> str:
        """Return a name of the current master secret that tells nothing about it."""
        return digest(self.derive("fingerprint")[0].hex())

    def sealer(self, purpose: str) -> Sealer:
        """Return the sealer of this purpose; cheap to use, worth keeping."""
        return Sealer(self.derive(purpose))
