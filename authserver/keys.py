"""Signing keys: which one signs, which are published, and when the next one comes.

A key's life is a function of its times and of its successor's; nothing is switched by hand::

    ANNOUNCED  in the JWKS                  until signs_from
    ACTIVE     in the JWKS, signs           until a successor's signs_from
    RETIRING   in the JWKS, verifies only   until its last token has expired
    RETIRED    forgotten

A successor is announced PUBLISH_AHEAD_SECONDS before it signs, because gateways refresh the JWKS hourly;
the very first key and ``rotate_now`` skip the wait. All replicas agree because the store keeps one key per
generation: whoever adds it first wins, and the others use what was added. Used by ``tokens`` and by the
JWKS endpoint. Must not show private members, and must not parse a key twice: the request path finds a ready
object.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from joserfc.jwk import ECKey, RSAKey

from authserver.cipher import Cipher, SealBroken, Sealer
from authserver.errors import StoreUnavailable
from authserver.model import Clock, SigningAlgorithm, SigningKeyRecord
from authserver.store.protocols import KeyStore

PUBLISH_AHEAD_SECONDS: Final = 2 * 3600
# Clocks of replicas and gateways differ a little; a key stays published this much longer than its last
# token lives.
RETIRE_MARGIN_SECONDS: Final = 300
REFRESH_SECONDS: Final = 5
_RSA_BITS: Final = 2048

KeyState = Literal["announced", "active", "retiring", "retired"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key ready to sign: ``key`` holds the parsed private key; ``header`` is the JOSE header of its
    tokens.
    """

    kid: str
    algorithm: SigningAlgorithm
    key: RSAKey | ECKey
    header: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyLife:
    """A key's place in the state machine above."""

    record: SigningKeyRecord
    state: KeyState
    signs_until_seconds: int | None
    published_until_seconds: int | None


class KeyRing:
    """This process's view of the keys in the store, refreshed every few seconds.

    Args:
        store: where the keys are.
        cipher: seals their private parts.
        algorithm: what the next generation will be; a change of setting becomes the next rotation.
        clock: seconds since 1970.
        rotation_seconds: how long a key signs.
        token_lifetime_seconds: of access tokens; decides how long a key must verify after it has signed.
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
    ) -> None:
        self._store = store
        self._sealer: Sealer = cipher.sealer("signing-key")
        self._algorithm = algorithm
        self._clock = clock
        self._rotation_seconds = rotation_seconds
        self._token_lifetime_seconds = token_lifetime_seconds
        self._parsed: dict[str, SigningKey] = {}
        self._active: SigningKey | None = None
        self._jwks: dict[str, Any] = {"keys": []}
        self._fresh_until_seconds = 0.0

    def ensure_first(self) -> None:
        """Make the first key if there is none; it signs at once."""
        self._refresh(int(self._clock()))

    def signing_key(self) -> SigningKey:
        """Return the key that signs now.

        Raises:
            StoreUnavailable: when no key was ever read.
        """
        self._look()
        if self._active is None:
            raise StoreUnavailable("no signing key")
        return self._active

    def jwks(self) -> dict[str, Any]:
        """Return the public keys that may verify a token of now or of the next two hours (RFC 7517 §5)."""
        self._look()
        return self._jwks

    def lives(self) -> list[KeyLife]:
        """Return every stored key with its state, oldest first."""
        return _lives(self._store.list_keys(), int(self._clock()), self._token_lifetime_seconds)

    def rotate_now(self) -> str:
        """Add a generation that signs at once, in all replicas within REFRESH_SECONDS; return its kid.

        Gateways that have not fetched the JWKS since will refuse its tokens until they do.
        """
        now = int(self._clock())
        while True:
            records = self._store.list_keys()
            key = self._new_record(records, now, signs_from_seconds=now)
            if self._store.add_key_once(key):
                self._refresh(now)
                return key.kid

    def _look(self) -> None:
        now = self._clock()
        if now < self._fresh_until_seconds:
            return
        if self._active is not None:
            # Others go on with what is known while this one asks the store.
            self._fresh_until_seconds = now + REFRESH_SECONDS
        try:
            self._refresh(int(now))
        except StoreUnavailable:
            # What is known still signs and verifies; whoever needs the store itself will say that it is away.
            if self._active is None:
                raise

    def _refresh(self, now: int) -> None:
        lives = _lives(self._agreed_records(now), now, self._token_lifetime_seconds)
        for life in lives:
            if life.state == "retired":
                self._store.remove_key(life.record.generation)
        self._parsed = {
            life.record.kid: self._parse(life.record) for life in lives if life.state != "retired"
        }
        active = [self._parsed[life.record.kid] for life in lives if life.state == "active"]
        self._active = active[-1] if active else None
        self._jwks = {"keys": [_public(key) for key in self._parsed.values()]}
        self._fresh_until_seconds = now + REFRESH_SECONDS

    def _agreed_records(self, now: int) -> list[SigningKeyRecord]:
        """Return the stored keys after adding the generation that is due, if one is."""
        records = self._store.list_keys()
        signs_from_seconds = self._next_signs_from(records, now)
        if signs_from_seconds is None:
            return records
        self._store.add_key_once(self._new_record(records, now, signs_from_seconds))
        # Whether it was ours or another replica's: the store says which one it is.
        return self._store.list_keys()

    def _next_signs_from(self, records: list[SigningKeyRecord], now: int) -> int | None:
        if not records:
            return now
        newest = records[-1]
        if newest.signs_from_seconds > now:
            return None
        rotation_due = newest.signs_from_seconds + self._rotation_seconds
        if newest.algorithm != self._algorithm:
            rotation_due = now
        if now + PUBLISH_AHEAD_SECONDS < rotation_due:
            return None
        return max(now + PUBLISH_AHEAD_SECONDS, rotation_due)

    def _new_record(
        self, records: list[SigningKeyRecord], now: int, signs_from_seconds: int
    ) -> SigningKeyRecord:
        key = _generate(self._algorithm)
        return SigningKeyRecord(
            generation=records[-1].generation + 1 if records else 1,
            kid=key.thumbprint(),  # RFC 7638
            algorithm=self._algorithm,
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


def _lives(records: list[SigningKeyRecord], now: int, token_lifetime_seconds: int) -> list[KeyLife]:
    lives: list[KeyLife] = []
    for index, record in enumerate(records):
        # The earliest of its successors takes over: one that was hurried may overtake one that is still
        # announced.
        signs_until = min((later.signs_from_seconds for later in records[index + 1 :]), default=None)
        lifetime = max(record.token_lifetime_seconds, token_lifetime_seconds)
        published_until = None if signs_until is None else signs_until + lifetime + RETIRE_MARGIN_SECONDS
        state = _state(record, now, signs_until, published_until)
        lives.append(KeyLife(record, state, signs_until, published_until))
    return lives


def _state(
    record: SigningKeyRecord, now: int, signs_until: int | None, published_until: int | None
) -> KeyState:
    if published_until is not None and now >= published_until:
        return "retired"
    if signs_until is not None and now >= signs_until:
        return "retiring"
    return "active" if now >= record.signs_from_seconds else "announced"
