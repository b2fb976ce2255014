"""Sealed text: what the emulator hands out and wants back unread and unchanged.

Used for the pending request in a form, the single sign-on cookie and refresh tokens (which, like
Entra's, hold everything themselves and so survive a restart). Must not be told to open text of another
purpose: a cookie is no refresh token.
"""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from devstack.entra import files

Purpose = Literal["login", "admin-consent", "confirmation", "sign-on", "refresh"]
_FILE_NAME: Final = "entra-seal.key"


class BrokenSealError(Exception):
    """The text is not ours, not of this purpose, or changed."""


class OldSealError(BrokenSealError):
    """The text is ours, and too old."""


class Seals:
    """Args: state_dir: where the key is kept; clock: seconds since 1970."""

    def __init__(self, state_dir: Path, clock: Callable[[], float]) -> None:
        self._key = files.read_or_make(state_dir / _FILE_NAME, Fernet.generate_key)
        self._clock = clock

    def seal(self, purpose: Purpose, content: Mapping[str, Any]) -> str:
        """Return ``content``, JSON-able, as URL-safe text."""
        data = json.dumps(content, separators=(",", ":")).encode()
        return self._cipher(purpose).encrypt_at_time(data, int(self._clock())).decode().rstrip("=")

    def open(self, purpose: Purpose, sealed: str, *, lifetime_seconds: int) -> dict[str, Any]:
        """Return what was sealed.

        Raises:
            BrokenSealError: see there; OldSealError among them.
        """
        padded = sealed + "=" * (-len(sealed) % 4)
        try:
            cipher = self._cipher(purpose)
            data = cipher.decrypt(padded.encode())
            age_seconds = self._clock() - cipher.extract_timestamp(padded.encode())
        except (InvalidToken, ValueError):
            raise BrokenSealError from None
        if age_seconds > lifetime_seconds:
            raise OldSealError
        content: dict[str, Any] = json.loads(data)
        return content

    def _cipher(self, purpose: Purpose) -> Fernet:
        key = HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self._key)
        return Fernet(base64.urlsafe_b64encode(key))
