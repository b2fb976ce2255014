"""User codes (RFC 8628 6.1): what a person reads on one screen and types on another.

Made by ``oauth.device.authorization``, read by ``web.device``. A code is short, so its digest alone would not
hide it from who reads the store: it is looked up by an HMAC under a key derived from the master secret.
"""

import hmac
import secrets
from typing import Final

from authserver.cipher import Cipher

# RFC 8628 6.1: no vowels (no words), no digits (nothing to mistake for a letter): 20^8, about 34 bits.
_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
_CHARACTERS: Final = 8
_PURPOSE: Final = "user-code"


class UserCodes:
    """Args: cipher: the current master secret's key hashes, each one's finds."""

    def __init__(self, cipher: Cipher) -> None:
        self._keys = cipher.derive(_PURPOSE)

    def new(self) -> str:
        """Return a new code, without its dash."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))

    def hashes(self, code: str) -> tuple[str, ...]:
        """Return under which names a code may be kept; the first is the one for new codes."""
        return tuple(hmac.new(key, code.encode(), "sha256").hexdigest() for key in self._keys)


def shown(code: str) -> str:
    """Return the code as a person reads it: WDJB-MJHT."""
    return f"{code[: _CHARACTERS // 2]}-{code[_CHARACTERS // 2 :]}"


def typed(text: str) -> str | None:
    """Return the code that somebody typed, whatever case, dashes and spaces; None when it cannot be one."""
    letters = "".join(character for character in text.upper() if character.isalnum())
    well_formed = len(letters) == _CHARACTERS and all(letter in _ALPHABET for letter in letters)
    return letters if well_formed else None
