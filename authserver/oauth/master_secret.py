"""Changing the master secret: what is still under a former one, and bringing it under the current one.

Called by ``cli.secrets``. What lives long under a master secret are the signing keys, the vault, and the tags
of refresh tokens. The first two are sealed again here, each with a compare-and-swap, so that running servers
lose no write. A tag is in the client's hands: it is replaced when the token is used next, and the store
knows only when a session's token was made. Everything else that is sealed lives an hour at most.

The moment from which tags are the current secret's is the first ``reseal`` under it: run it when every
server has the new secret first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import orjson

from authserver.cipher import Cipher, SealBroken
from authserver.keys import SEAL_PURPOSE
from authserver.model import Clock, Session, SigningKeyRecord
from authserver.oauth.vault import Vault
from authserver.store import Store
from authserver.store.lifetimes import NEVER_SECONDS

SHORT_LIVED_SECONDS: Final = 3600
"""The longest life of what is not sealed again: forms, sign-ins under way, cookies, device codes."""

_KIND: Final = "master-secret"
_NAME: Final = "current"
_EVERYTHING: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a run did: how much it sealed again, and how much no configured secret opens."""

    signing_keys: int
    vault_records: int
    lost: int


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """What still needs a former master secret.

    Attributes:
        since_seconds: when ``reseal`` first ran under the current secret; None: it did not.
        signing_keys: sealed under a former secret.
        vault_records: sealed under a former secret.
        sessions: whose refresh token was made before ``since_seconds``; each leaves when it is used.
        oldest_seconds: when the oldest of those tokens was made.
        sessions_until_seconds: when the last of them will have ended, if it is never used.
        short_lived_until_seconds: until when something sealed for an hour may be under way.
        may_be_removed: whether the former secrets are needed no more.
    """

    since_seconds: int | None
    signing_keys: int
    vault_records: int
    sessions: int
    oldest_seconds: int | None
    sessions_until_seconds: int | None
    short_lived_until_seconds: int | None
    may_be_removed: bool


class MasterSecret:
    """Args: store: what is sealed; vault: seals Entra's tokens; cipher: the secrets; clock."""

    def __init__(self, store: Store, vault: Vault, cipher: Cipher, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._fingerprint = cipher.fingerprint()
        self._key_sealer = cipher.sealer(SEAL_PURPOSE)
        self._clock = clock

    def reseal(self) -> Resealed:
        """Bring everything that lives long under the current secret; running it again does no harm."""
        if self._since() is None:
            known = {"fingerprint": self._fingerprint, "since": int(self._clock())}
            self._store.put_record(_KIND, _NAME, orjson.dumps(known).decode(), NEVER_SECONDS)
        keys = records = lost = 0
        for key in self._old_keys():
            try:
                resealed = self._key_sealer.reseal(key.sealed_private_jwk)
            except SealBroken:
                lost += 1
                continue
            keys += self._store.swap_key(key, replace(key, sealed_private_jwk=resealed))
        for session in self._sessions():
            try:
                records += self._vault.reseal(session)
            except SealBroken:
                lost += 1
        return Resealed(keys, records, lost)

    def status(self) -> SecretStatus:
        """Return what is still under a former secret. Reads every session: for operators."""
        since_seconds = self._since()
        sessions = list(self._sessions())
        keys = sum(1 for _ in self._old_keys())
        records = sum(self._vault.is_current(session.sid) is False for session in sessions)
        holders = [s for s in sessions if s.current_hash is not None]
        waiting = [s for s in holders if since_seconds is None or _made_at_seconds(s) <= since_seconds]
        short_lived = None if since_seconds is None else since_seconds + SHORT_LIVED_SECONDS
        return SecretStatus(
            since_seconds=since_seconds,
            signing_keys=keys,
            vault_records=records,
            sessions=len(waiting),
            oldest_seconds=min(map(_made_at_seconds, waiting), default=None),
            sessions_until_seconds=max((s.idle_expiry_seconds for s in waiting), default=None),
            short_lived_until_seconds=short_lived,
            may_be_removed=not (keys or records or waiting)
            and short_lived is not None
            and self._clock() >= short_lived,
        )

    def _since(self) -> int | None:
        text = self._store.get_record(_KIND, _NAME)
        known = {} if text is None else orjson.loads(text)
        # Another secret's time says nothing about this one.
        return known["since"] if known.get("fingerprint") == self._fingerprint else None

    def _old_keys(self) -> Iterator[SigningKeyRecord]:
        for key in self._store.list_keys():
            if not self._key_sealer.is_current(key.sealed_private_jwk):
                yield key

    def _sessions(self) -> Iterator[Session]:
        yield from self._store.list_sessions(limit=_EVERYTHING)


def _made_at_seconds(session: Session) -> int:
    return session.last_used_at_seconds or session.created_at_seconds
