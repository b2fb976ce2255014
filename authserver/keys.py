"""Signing keys: which one signs what, which are published, and who makes the next one.

How a key lives: ``key_lives``. All replicas agree because the store keeps one key per generation, counted
over all algorithms: whoever adds it first wins, and the others use what was added. A successor is announced
PUBLISH_AHEAD_SECONDS before it signs, because gateways refresh the JWKS hourly; the very first key, the first
of an algorithm that a resource asks for, ``rotate`` when told so, and the successor of a key that was
withdrawn skip the wait. Used by ``tokens``, the JWKS endpoint, the revocation list and the commands. Must not
show private members, and must not parse a key twice: the request path finds a ready object.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

import orjson
from joserfc.jwk import ECKey, RSAKey

from authserver import key_lives
from authserver.cipher import Cipher, SealBroken, Sealer
from authserver.errors import RequestError, StoreUnavailable
from authserver.key_lives import PUBLISH_AHEAD_SECONDS, Hurry, KeyLife
from authserver.model import Clock, SigningAlgorithm, SigningKeyRecord
from authserver.store.protocols import KeyStore
from telemetry.audit import audit

REFRESH_SECONDS: Final = 5
SEAL_PURPOSE: Final = "signing-key"

_RSA_BITS: Final = 2048
# Each lost race is another replica's step, and there are few steps: this many in a row is a fault.
_ATTEMPTS: Final = 100


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key ready to sign: ``key`` holds the parsed private key; ``header`` is the JOSE header of its access
    tokens.
    """

    kid: str
    algorithm: SigningAlgorithm
    key: RSAKey | ECKey
    header: Mapping[str, str]


class KeyRing:
    """This process's view of the keys in the store, refreshed every few seconds.

    Args:
        store: where the keys are.
        cipher: seals their private parts.
        algorithm: of tokens whose resource asks for none; a change becomes effective by publishing first.
        clock: seconds since 1970.
        rotation_seconds: how long a key signs.
        token_lifetime_seconds: the longest of any access token; decides how long a key must verify after it
            has signed.
        resource_algorithms: those that resources ask for.
    """

    def __init__(
        self,
        store: KeyStore,
        cipher: Cipher,
        algorithm: SigningAlgorithm,
        clock: Clock,
        *,
        rotation_seconds: int,
        token_lifetime_seconds: int,
        resource_algorithms: Collection[SigningAlgorithm] = (),
    ) -> None:
        self._store = store
        self._sealer: Sealer = cipher.sealer(SEAL_PURPOSE)
        self._default = algorithm
        self._demanded = frozenset(resource_algorithms)
        # The default first; in the order in which keys are made.
        self._used = tuple(dict.fromkeys((algorithm, *sorted(self._demanded))))
        self._clock = clock
        self._rotation_seconds = rotation_seconds
        self._token_lifetime_seconds = token_lifetime_seconds
        self._refreshing = Lock()
        self._parsed: dict[str, SigningKey] = {}
        self._active: dict[SigningAlgorithm, SigningKey] = {}
        self._active_since: dict[SigningAlgorithm, int] = {}
        self._fallback: SigningKey | None = None
        self._withdrawn: tuple[str, ...] = ()
        self._jwks: dict[str, Any] = {"keys": []}
        self._looked_at_seconds = float("-inf")

    def ensure_first(self) -> None:
        """Make the first keys if there are none; they sign at once."""
        self.refresh()

    def signing_key(self, algorithm: SigningAlgorithm | None = None) -> SigningKey:
        """Return the key that signs now.

        Args:
            algorithm: that a resource asks for; None: the default, or the one before it until the default's
                first key was published long enough.

        Raises:
            StoreUnavailable: when no key was ever read.
        """
        self._look()
        key = self._active.get(algorithm or self._default) or self._fallback
        if key is None:
            raise StoreUnavailable("no signing key")
        return key

    def active_since(self) -> Mapping[SigningAlgorithm, int]:
        """Return since when the key of each algorithm signs, in seconds since 1970, as last known here."""
        return self._active_since

    def jwks(self) -> dict[str, Any]:
        """Return the public keys that may verify a token of now or of the next two hours (RFC 7517 §5)."""
        self._look()
        return self._jwks

    def withdrawn(self) -> tuple[str, ...]:
        """Return the kids of the withdrawn keys whose tokens could still be accepted somewhere, as the store
        says at this moment; from here on this process signs with none of them.
        """
        self.refresh()
        return self._withdrawn

    def lives(self) -> list[KeyLife]:
        """Return every stored key with its state, oldest first."""
        return self._lives(self._store.list_keys(), int(self._clock()))

    def rotate(self, *, at_once: bool) -> list[str]:
        """Announce the next key of each algorithm in use, and return the kids.

        Args:
            at_once: sign with it at once, in all replicas within REFRESH_SECONDS. Gateways that have not
                fetched the JWKS since will refuse its tokens until they do.
        """
        self.refresh()
        kids = []
        for algorithm in self._used:
            announced = [] if at_once else self._in_state("announced", algorithm)
            kids += [announced[-1].kid if announced else self._add(algorithm, at_once=at_once)]
        self.refresh()
        return kids

    def withdraw(self, kid: str) -> None:
        """Trust a compromised key no more: nothing that it signed is accepted anywhere within 10 seconds.

        It leaves the JWKS of every replica, and stands on the revocation list until its last token has
        expired. Where it signed, its successor signs at once.

        Raises:
            RequestError: there is no such key.
        """
        for _ in range(_ATTEMPTS):
            record = self._life(kid).record
            withdrawn = replace(record, withdrawn_at_seconds=int(self._clock()))
            if record.withdrawn_at_seconds is not None or self._store.swap_key(record, withdrawn):
                self.refresh()
                return
        raise _too_fast()

    def retire(self, kid: str) -> None:
        """Forget a key before its time: one that signs no more, or one that never did.

        Raises:
            RequestError: there is no such key, it signs, or it was withdrawn.
        """
        life = self._life(kid)
        if life.state == "active":
            raise RequestError("key_in_use", "this key signs: rotate first, or withdraw it as compromised")
        if life.state == "withdrawn":
            raise RequestError("key_withdrawn", "this key is withdrawn: it is forgotten when that is safe")
        if life.state == "announced":
            # The newest generation is never removed, so that its number is never given again.
            self.withdraw(kid)
            return
        self._store.remove_key(life.record.generation)
        self.refresh()

    def refresh(self) -> None:
        """Read the keys, after making those that are due."""
        with self._refreshing:
            self._refresh(int(self._clock()))

    def _look(self) -> None:
        now = self._clock()
        # A clock that was ahead and is put right must not stop the looking.
        if self._fallback is not None and 0 <= now - self._looked_at_seconds < REFRESH_SECONDS:
            return
        if self._fallback is not None:
            # Others go on with what is known while this one asks the store.
            self._looked_at_seconds = now
        try:
            self.refresh()
        except StoreUnavailable:
            # What is known still signs and verifies; whoever needs the store itself will say that it is away.
            if self._fallback is None:
                raise

    def _refresh(self, now: int) -> None:
        """Take over what the store says after every step that is due, whoever of the replicas has done it."""
        for _ in range(_ATTEMPTS):
            lives = self._lives(self._store.list_keys(), now)
            # Before the steps: a withdrawn key signs no more, even where its successor cannot be stored.
            self._take_over(lives)
            if not any(self._took_step(lives, algorithm, now) for algorithm in self._used):
                break
        else:
            raise _too_fast()
        for life in lives:
            if life.state == "retired":
                self._store.remove_key(life.record.generation)
        self._looked_at_seconds = now

    def _take_over(self, lives: list[KeyLife]) -> None:
        self._parsed = {life.record.kid: self._parse(life.record) for life in lives if life.is_published}
        active = [self._parsed[life.record.kid] for life in lives if life.state == "active"]
        self._active = {key.algorithm: key for key in active}
        self._active_since = {
            life.record.algorithm: life.record.signs_from_seconds for life in lives if life.state == "active"
        }
        self._fallback = self._active.get(self._default) or (active[-1] if active else None)
        self._withdrawn = tuple(life.record.kid for life in lives if life.state == "withdrawn")
        self._jwks = {"keys": [_public(key) for key in self._parsed.values()]}

    def _took_step(self, lives: list[KeyLife], algorithm: SigningAlgorithm, now: int) -> bool:
        step = key_lives.next_step(
            lives,
            algorithm,
            waits=algorithm not in self._demanded,
            rotation_seconds=self._rotation_seconds,
            now_seconds=now,
        )
        if step is None:
            return False
        # Whether this replica did it or another: the store says what was done.
        if isinstance(step, Hurry):
            self._store.swap_key(step.record, replace(step.record, signs_from_seconds=now))
        else:
            records = [life.record for life in lives]
            self._add_once(self._new_record(records, algorithm, now, step.signs_from_seconds))
        return True

    def _add(self, algorithm: SigningAlgorithm, *, at_once: bool) -> str:
        for _ in range(_ATTEMPTS):
            now = int(self._clock())
            signs_from_seconds = now if at_once else now + PUBLISH_AHEAD_SECONDS
            key = self._new_record(self._store.list_keys(), algorithm, now, signs_from_seconds)
            if self._add_once(key):
                return key.kid
        raise _too_fast()

    def _add_once(self, key: SigningKeyRecord) -> bool:
        added = self._store.add_key_once(key)
        if added:
            audit(
                "key.created",
                kid=key.kid,
                generation=key.generation,
                algorithm=key.algorithm,
                signs_from_seconds=key.signs_from_seconds,
            )
        return added

    def _lives(self, records: list[SigningKeyRecord], now: int) -> list[KeyLife]:
        return key_lives.lives(records, self._used, self._token_lifetime_seconds, now)

    def _life(self, kid: str) -> KeyLife:
        for life in self.lives():
            if life.record.kid == kid:
                return life
        raise RequestError("unknown_key", "there is no key of that id")

    def _in_state(self, state: str, algorithm: SigningAlgorithm) -> list[SigningKeyRecord]:
        return [
            life.record for life in self.lives() if life.state == state and life.record.algorithm == algorithm
        ]

    def _new_record(
        self, records: list[SigningKeyRecord], algorithm: SigningAlgorithm, now: int, signs_from_seconds: int
    ) -> SigningKeyRecord:
        key = _generate(algorithm)
        return SigningKeyRecord(
            generation=records[-1].generation + 1 if records else 1,
            kid=key.thumbprint(),  # RFC 7638
            algorithm=algorithm,
            announced_at_seconds=now,
            signs_from_seconds=signs_from_seconds,
            token_lifetime_seconds=self._token_lifetime_seconds,
            sealed_private_jwk=self._sealer.seal(orjson.dumps(key.as_dict(private=True))),
        )

    def _parse(self, record: SigningKeyRecord) -> SigningKey:
        known = self._parsed.get(record.kid)
        if known is not None:
            return known
        try:
            jwk = orjson.loads(self._sealer.unseal(record.sealed_private_jwk))
        except SealBroken as error:
            raise StoreUnavailable(
                "a signing key was sealed with a secret that AUTHSERVER_MASTER_SECRET does not hold"
            ) from error
        members = {**jwk, "kid": record.kid, "use": "sig", "alg": record.algorithm}
        key = RSAKey.import_key(members) if record.algorithm == "RS256" else ECKey.import_key(members)
        # RFC 9068 §2.1: typ says that this is an access token, so that no other kind of JWT passes for one.
        header = {"alg": record.algorithm, "kid": record.kid, "typ": "at+jwt"}
        return SigningKey(record.kid, record.algorithm, key, header)


def _generate(algorithm: SigningAlgorithm) -> RSAKey | ECKey:
    return RSAKey.generate_key(_RSA_BITS) if algorithm == "RS256" else ECKey.generate_key("P-256")


def _public(key: SigningKey) -> dict[str, Any]:
    return dict(key.key.as_dict(private=False))


def _too_fast() -> StoreUnavailable:
    return StoreUnavailable("the signing keys changed faster than they could be read")
