"""The emulator's signing keys: kept in the state folder, two published at any time, as Entra does.

Called by ``tokens`` (to sign), ``back_channel_app`` (to publish) and tests (``rotate``). The first key
signs, the second waits its turn, so that a rotation surprises nobody who reads the published keys. Must not
sign anything itself.
"""

import json
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import RSAKey

from devstack.entra import files

KEY_BITS: Final = 2048
_FILE_NAME: Final = "entra-signing-keys.json"
_PUBLISHED: Final = 2


class SigningKeys:
    """Args: state_dir: where the keys are kept, readable by their owner alone."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / _FILE_NAME
        content = files.read_or_make(self._file, lambda: _dump([new_key() for _ in range(_PUBLISHED)]))
        self._keys = [RSAKey.import_key(key) for key in json.loads(content)["keys"]]

    @property
    def current(self) -> RSAKey:
        """The key that signs."""
        return self._keys[0]

    def published(self) -> list[dict[str, Any]]:
        """Return the public keys, in Entra's manner: no ``alg``."""
        return [
            {
                "kty": "RSA",
                "use": "sig",
                "kid": key.kid,
                "n": key.as_dict(private=False)["n"],
                "e": key.as_dict(private=False)["e"],
            }
            for key in self._keys
        ]

    def rotate(self, *, announced: bool = True) -> None:
        """Sign with another key.

        Args:
            announced: the one that was published already; otherwise both are new, as after an incident.
        """
        kept = self._keys[1:] if announced else []
        self._keys = kept + [new_key() for _ in range(_PUBLISHED - len(kept))]
        with files.locked(self._file.parent):
            files.write(self._file, _dump(self._keys))


def new_key() -> RSAKey:
    """Return a key that nobody knows yet, with its thumbprint (RFC 7638) as ``kid``."""
    return RSAKey.generate_key(KEY_BITS, auto_kid=True)


def _dump(keys: list[RSAKey]) -> bytes:
    return json.dumps({"keys": [{**key.as_dict(private=True), "kid": key.kid} for key in keys]}).encode()
