"""The emulator's signing keys: kept in the state folder, two published at any time, as Entra does.

Called by ``tokens`` (to sign), ``back_channel_app`` (to publish) and tests (``rotate``). The first key
signs, the second waits its turn, so that a rotation surprises nobody who reads the published keys. Must not
sign anything itself.
"""

import json
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from devstack.entra import files
from devstack.errors import StackError

KEY_BITS: Final = 2048
_FILE_NAME: Final = "entra-signing-keys.json"
_PUBLISHED: Final = 2


class SigningKeys:
    """Args: state_dir: where the keys are kept, readable by their owner alone."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / _FILE_NAME
        content = files.read_or_make(
            self._file, lambda: _dump([_members(new_key()) for _ in range(_PUBLISHED)])
        )
        self._members = parse(self._file, content)
        self._current: RSAKey | None = None

    @property
    def current(self) -> RSAKey:
        """The key that signs; loaded when it is needed, which is slow."""
        if self._current is None:
            self._current = RSAKey.import_key(self._members[0])
        return self._current

    def published(self) -> list[dict[str, Any]]:
        """Return the public keys, in Entra's manner: no ``alg``."""
        return [
            {"kty": "RSA", "use": "sig", "kid": key["kid"], "n": key["n"], "e": key["e"]}
            for key in self._members
        ]

    def rotate(self, *, announced: bool = True) -> None:
        """Sign with another key.

        Args:
            announced: the one that was published already; otherwise both are new, as after an incident.
        """
        kept = self._members[1:] if announced else []
        self._members = kept + [_members(new_key()) for _ in range(_PUBLISHED - len(kept))]
        self._current = None
        with files.locked(self._file.parent):
            files.write(self._file, _dump(self._members))


def new_key() -> RSAKey:
    """Return a key that nobody knows yet, with its thumbprint (RFC 7638) as ``kid``."""
    return RSAKey.generate_key(KEY_BITS, auto_kid=True)


def parse(file: Path, content: bytes) -> list[dict[str, Any]]:
    """Return the private keys that a file holds: one, or several as ``keys``.

    Raises:
        StackError: in one line, with what to do.
    """
    try:
        members = json.loads(content)
        found: list[dict[str, Any]] = members.get("keys", [members])
        for key in found:
            RSAKey.validate_dict_key(key)
        is_whole = bool(found) and all("d" in key for key in found)
    except (JoseError, ValueError, AttributeError, TypeError):
        is_whole = False
    if not is_whole:
        raise StackError(f"{file} is damaged: delete it, and new keys are made")
    return found


def _members(key: RSAKey) -> dict[str, Any]:
    return {**key.as_dict(private=True), "kid": key.kid}


def _dump(keys: list[dict[str, Any]]) -> bytes:
    return json.dumps({"keys": keys}).encode()
