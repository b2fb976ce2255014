"""The vault: Entra's refresh tokens, encrypted, one for each session that can be refreshed.

Filled when somebody comes back from Entra (``put``), kept when their session begins (``keep``), opened and
renewed by ``oauth.upstream_check``; the store empties it when the session ends. Must never hand out a token
to anything else, nor keep one for longer than its session.
"""

from dataclasses import dataclass, field
from typing import Final

from authserver.cipher import Cipher, SealBroken
from authserver.model import Clock, Session
from authserver.store.protocols import VAULT, RecordStore

# While Entra is away, sessions are refreshed without it, and live longer than was known here.
_MARGIN_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Kept:
    """What the vault holds for a session; ``sealed`` is how the store has it."""

    refresh_token: str = field(repr=False)
    sealed: str = field(repr=False)


class Vault:
    """Args: records: store; cipher: seals; clock; pending_seconds: how long a session may take to begin."""

    def __init__(self, records: RecordStore, cipher: Cipher, clock: Clock, pending_seconds: int) -> None:
        self._records = records
        self._sealer = cipher.sealer(VAULT)
        self._clock = clock
        self._pending_seconds = pending_seconds

    def put(self, sid: str, refresh_token: str | None) -> None:
        """Hold what Entra gave for a session that has not begun; nothing where it gave nothing."""
        if refresh_token is not None:
            expires_at = int(self._clock()) + self._pending_seconds
            self._records.put_record(VAULT, sid, self._sealer.seal(refresh_token.encode()), expires_at)

    def keep(self, session: Session) -> None:
        """Hold it for as long as the session, which begins now."""
        sealed = self._records.get_record(VAULT, session.sid)
        if sealed is not None:
            self._records.swap_record(VAULT, session.sid, sealed, sealed, self._expiry_seconds(session))

    def forget(self, sid: str) -> None:
        """Hold it no longer."""
        self._records.remove_record(VAULT, sid)

    def open(self, sid: str) -> Kept | None:
        """Return what is held; None when nothing is, or its master secret is gone."""
        sealed = self._records.get_record(VAULT, sid)
        if sealed is None:
            return None
        try:
            return Kept(self._sealer.unseal(sealed).decode(), sealed)
        except SealBroken:
            return None

    def renew(self, session: Session, seen: Kept, refresh_token: str | None) -> None:
        """Atomic: hold the successor, if what was opened is still held: a session that was ended meanwhile
        holds nothing.
        """
        while True:
            sealed = seen.sealed if refresh_token is None else self._sealer.seal(refresh_token.encode())
            expires_at = self._expiry_seconds(session)
            if self._records.swap_record(VAULT, session.sid, seen.sealed, sealed, expires_at):
                return
            held = self.open(session.sid)
            if held is None or held.refresh_token != seen.refresh_token:
                return
            seen = held  # the same, sealed again under another master secret

    def is_current(self, sid: str) -> bool | None:
        """Say whether what is held is sealed under the current master secret; None when nothing is."""
        sealed = self._records.get_record(VAULT, sid)
        return None if sealed is None else self._sealer.is_current(sealed)

    def reseal(self, session: Session) -> bool:
        """Atomic: hold the same under the current master secret; False when there was nothing to do or it
        changed meanwhile.

        Raises:
            SealBroken: its master secret is gone.
        """
        sealed = self._records.get_record(VAULT, session.sid)
        if sealed is None or self._sealer.is_current(sealed):
            return False
        resealed = self._sealer.reseal(sealed)
        return self._records.swap_record(VAULT, session.sid, sealed, resealed, self._expiry_seconds(session))

    def _expiry_seconds(self, session: Session) -> int:
        idle_expiry_seconds = int(self._clock()) + session.idle_lifetime_seconds
        return min(idle_expiry_seconds, session.absolute_expiry_seconds) + _MARGIN_SECONDS
