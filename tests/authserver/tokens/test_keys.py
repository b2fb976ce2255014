"""Signing keys: published before they sign, agreed on by all replicas, forgotten when nothing needs them."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from cryptography.fernet import Fernet
from joserfc import jwt
from joserfc.jwk import KeySet

from authserver import keys
from authserver.cipher import Cipher
from authserver.errors import StoreUnavailable
from authserver.key_lives import PUBLISH_AHEAD_SECONDS, RETIRE_MARGIN_SECONDS
from authserver.keys import REFRESH_SECONDS, KeyRing
from authserver.model import SigningAlgorithm, SigningKeyRecord
from authserver.store import SqliteStore
from tests.authserver.store.backends import FakeClock

DAY_SECONDS = 86400
PERIOD_SECONDS = 30 * DAY_SECONDS
TOKEN_SECONDS = 3600


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def secret() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock, secret: str) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "state.db", clock, Cipher([secret]))
    yield opened
    opened.close()


def make_ring(
    store: SqliteStore, secret: str, clock: FakeClock, algorithm: SigningAlgorithm = "ES256"
) -> KeyRing:
    return KeyRing(
        store,
        Cipher(secret.split(",")),
        algorithm,
        clock,
        rotation_seconds=PERIOD_SECONDS,
        token_lifetime_seconds=TOKEN_SECONDS,
    )


@pytest.fixture
def ring(store: SqliteStore, secret: str, clock: FakeClock) -> KeyRing:
    made = make_ring(store, secret, clock)
    made.ensure_first()
    return made


def kids(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in ring.jwks()["keys"]]


def states(ring: KeyRing) -> list[str]:
    return [life.state for life in ring.lives()]


@pytest.mark.requirement("RFC9068-2.1-signed", "RFC9068-4-jwks")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_first_key_signs_at_once_and_what_it_signs_verifies_with_the_jwks(
    store: SqliteStore, secret: str, clock: FakeClock, algorithm: SigningAlgorithm
) -> None:
    ring = make_ring(store, secret, clock, algorithm)
    key = ring.signing_key()
    assert key.algorithm == algorithm
    assert kids(ring) == [key.kid]
    token = jwt.encode(dict(key.header), {"x": 1}, key.key, algorithms=[algorithm])
    assert jwt.decode(token, KeySet.import_key_set(ring.jwks()), algorithms=[algorithm]).claims == {"x": 1}


def test_an_rsa_key_has_2048_bits(store: SqliteStore, secret: str, clock: FakeClock) -> None:
    (key,) = make_ring(store, secret, clock, "RS256").jwks()["keys"]
    modulus = base64.urlsafe_b64decode(key["n"] + "==")
    assert len(modulus) * 8 == 2048


@pytest.mark.requirement("RFC9068-4-jwks")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_jwks_says_what_a_key_is_for_and_holds_nothing_private(
    store: SqliteStore, secret: str, clock: FakeClock, algorithm: SigningAlgorithm
) -> None:
    (key,) = make_ring(store, secret, clock, algorithm).jwks()["keys"]
    public = {"RS256": {"n", "e"}, "ES256": {"crv", "x", "y"}}[algorithm]
    assert set(key) == public | {"kty", "kid", "use", "alg"}
    assert (key["use"], key["alg"]) == ("sig", algorithm)


def test_private_keys_are_encrypted_in_the_store(ring: KeyRing, store: SqliteStore) -> None:
    (record,) = store.list_keys()
    private = json.dumps(ring.signing_key().key.as_dict(private=True)["d"])
    assert private not in record.sealed_private_jwk
    assert "sealed_private_jwk" not in repr(record)


def test_a_replica_uses_the_key_that_is_there(
    ring: KeyRing, store: SqliteStore, secret: str, clock: FakeClock
) -> None:
    other = make_ring(store, secret, clock)
    other.ensure_first()
    assert other.signing_key().kid == ring.signing_key().kid
    assert len(store.list_keys()) == 1


def test_replicas_that_start_at_the_same_moment_agree_on_one_key(
    tmp_path: Path, clock: FakeClock, secret: str
) -> None:
    class RacingStore(SqliteStore):
        """Lets every other replica look before any of them adds."""

        def list_keys(self) -> list[SigningKeyRecord]:
            found = super().list_keys()
            gevent.sleep(0)
            return found

    stores = [RacingStore(tmp_path / "state.db", clock, Cipher([secret])) for _ in range(5)]
    rings = [make_ring(store, secret, clock) for store in stores]
    gevent.joinall([gevent.spawn(ring.ensure_first) for ring in rings], raise_error=True)
    assert len({ring.signing_key().kid for ring in rings}) == 1
    assert len(stores[0].list_keys()) == 1
    for store in stores:
        store.close()


def test_a_successor_is_published_two_hours_before_it_signs(ring: KeyRing, clock: FakeClock) -> None:
    first = ring.signing_key().kid
    clock.advance(PERIOD_SECONDS - PUBLISH_AHEAD_SECONDS - REFRESH_SECONDS)
    assert kids(ring) == [first]
    clock.advance(REFRESH_SECONDS)
    assert len(kids(ring)) == 2
    assert states(ring) == ["active", "announced"]
    clock.advance(PUBLISH_AHEAD_SECONDS - REFRESH_SECONDS)
    assert ring.signing_key().kid == first
    clock.advance(REFRESH_SECONDS)
    assert ring.signing_key().kid == kids(ring)[1] != first
    assert states(ring) == ["retiring", "active"]


def test_a_server_that_was_down_when_rotation_was_due_still_publishes_two_hours_ahead(
    ring: KeyRing, clock: FakeClock
) -> None:
    first = ring.signing_key().kid
    clock.advance(2 * PERIOD_SECONDS)
    assert len(kids(ring)) == 2
    clock.advance(PUBLISH_AHEAD_SECONDS - REFRESH_SECONDS)
    assert ring.signing_key().kid == first
    clock.advance(REFRESH_SECONDS)
    assert ring.signing_key().kid != first


def test_a_key_stays_published_until_its_last_token_has_expired_and_is_then_destroyed(
    ring: KeyRing, store: SqliteStore, clock: FakeClock
) -> None:
    first = ring.signing_key().kid
    clock.advance(PERIOD_SECONDS - PUBLISH_AHEAD_SECONDS)
    ring.jwks()
    clock.advance(PUBLISH_AHEAD_SECONDS + TOKEN_SECONDS + RETIRE_MARGIN_SECONDS - 1)
    assert first in kids(ring)
    clock.advance(REFRESH_SECONDS)
    assert first not in kids(ring)
    assert first not in [record.kid for record in store.list_keys()]


def test_a_longer_token_lifetime_of_the_past_keeps_a_key_published(
    store: SqliteStore, secret: str, clock: FakeClock
) -> None:
    long = KeyRing(
        store,
        Cipher([secret]),
        "ES256",
        clock,
        rotation_seconds=PERIOD_SECONDS,
        token_lifetime_seconds=DAY_SECONDS,
    )
    first = long.signing_key().kid
    short = make_ring(store, secret, clock)
    short.rotate(at_once=True)
    clock.advance(DAY_SECONDS)
    assert first in kids(short)


def test_every_token_of_a_year_verifies_for_its_whole_life_with_a_jwks_an_hour_old(
    ring: KeyRing, store: SqliteStore, secret: str, clock: FakeClock
) -> None:
    # Two replicas take turns; a gateway refreshes once an hour.
    other = make_ring(store, secret, clock)
    published: list[set[str]] = []
    signed: list[tuple[int, str]] = []
    for hour in range(100 * 24):
        replica = (ring, other)[hour % 2]
        signed.append((hour, replica.signing_key().kid))
        published.append(set(kids((other, ring)[hour % 2])))
        clock.advance(3600)
    for hour, kid in signed[1:-1]:
        assert kid in published[hour - 1], "known to a gateway that has not refreshed for an hour"
        assert kid in published[hour + 1], "still known when the token expires"
    assert len({kid for _, kid in signed}) == 4


def test_a_hurried_rotation_signs_at_once_everywhere_within_seconds(
    ring: KeyRing, store: SqliteStore, secret: str, clock: FakeClock
) -> None:
    other = make_ring(store, secret, clock)
    first = other.signing_key().kid
    (second,) = ring.rotate(at_once=True)
    assert ring.signing_key().kid == second
    clock.advance(REFRESH_SECONDS)
    assert other.signing_key().kid == second
    assert kids(other) == [first, second]


def test_a_hurried_rotation_overtakes_an_announced_key(ring: KeyRing, clock: FakeClock) -> None:
    clock.advance(PERIOD_SECONDS - PUBLISH_AHEAD_SECONDS)
    assert len(kids(ring)) == 2
    (hurried,) = ring.rotate(at_once=True)
    assert states(ring) == ["retiring", "retiring", "active"]
    clock.advance(PUBLISH_AHEAD_SECONDS)
    assert ring.signing_key().kid == hurried


def test_a_new_algorithm_comes_by_rotation(
    ring: KeyRing, store: SqliteStore, secret: str, clock: FakeClock
) -> None:
    changed = make_ring(store, secret, clock, "RS256")
    assert changed.signing_key().algorithm == "ES256"
    assert [key["alg"] for key in changed.jwks()["keys"]] == ["ES256", "RS256"]
    clock.advance(PUBLISH_AHEAD_SECONDS)
    assert changed.signing_key().algorithm == "RS256"


def test_keys_are_not_parsed_again_while_they_stay(
    ring: KeyRing, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ring.signing_key()
    monkeypatch.setattr(keys, "ECKey", None)
    for _ in range(10):
        clock.advance(REFRESH_SECONDS)
        assert ring.signing_key() is key


def test_a_store_that_goes_away_leaves_the_known_keys_in_use(
    ring: KeyRing, store: SqliteStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> list[SigningKeyRecord]:
        raise StoreUnavailable("away")

    key, published = ring.signing_key(), kids(ring)
    monkeypatch.setattr(store, "list_keys", away)
    clock.advance(DAY_SECONDS)
    assert ring.signing_key() is key
    assert kids(ring) == published


def test_a_store_that_was_never_there_is_unavailability(
    store: SqliteStore, secret: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> list[SigningKeyRecord]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "list_keys", away)
    ring = make_ring(store, secret, clock)
    with pytest.raises(StoreUnavailable):
        ring.signing_key()
    with pytest.raises(StoreUnavailable):
        ring.jwks()


def test_a_new_master_secret_before_the_old_one_keeps_the_keys(
    ring: KeyRing, store: SqliteStore, secret: str, clock: FakeClock
) -> None:
    new = Fernet.generate_key().decode()
    both = make_ring(store, f"{new},{secret}", clock)
    assert both.signing_key().kid == ring.signing_key().kid
    (second,) = both.rotate(at_once=True)
    clock.advance(DAY_SECONDS)
    both.jwks()
    assert make_ring(store, new, clock).signing_key().kid == second


def test_a_lost_master_secret_is_named_as_the_cause(
    ring: KeyRing, store: SqliteStore, clock: FakeClock
) -> None:
    stranger = make_ring(store, Fernet.generate_key().decode(), clock)
    with pytest.raises(StoreUnavailable, match="AUTHSERVER_MASTER_SECRET"):
        stranger.signing_key()
