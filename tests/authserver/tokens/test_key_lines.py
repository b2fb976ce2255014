"""Keys of several algorithms, keys that were withdrawn, and replicas that do all that at the same moment."""

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from cryptography.fernet import Fernet

from authserver.cipher import Cipher
from authserver.errors import RequestError, StoreUnavailable
from authserver.key_lives import PUBLISH_AHEAD_SECONDS, RETIRE_MARGIN_SECONDS
from authserver.keys import REFRESH_SECONDS, KeyRing
from authserver.model import SigningAlgorithm, SigningKeyRecord
from authserver.store import SqliteStore
from tests.authserver.store.backends import FakeClock

PERIOD_SECONDS = 30 * 86400
TOKEN_SECONDS = 3600
NEEDED_SECONDS = TOKEN_SECONDS + RETIRE_MARGIN_SECONDS
SECRET = Fernet.generate_key().decode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "state.db", clock, Cipher([SECRET]))
    yield opened
    opened.close()


def ring_of(
    store: SqliteStore,
    clock: FakeClock,
    default: SigningAlgorithm = "ES256",
    *asked_for: SigningAlgorithm,
) -> KeyRing:
    return KeyRing(
        store,
        Cipher([SECRET]),
        default,
        clock,
        rotation_seconds=PERIOD_SECONDS,
        token_lifetime_seconds=TOKEN_SECONDS,
        resource_algorithms=asked_for,
    )


def kids(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in ring.jwks()["keys"]]


def states(ring: KeyRing) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for life in ring.lives():
        found.setdefault(life.record.algorithm, []).append(life.state)
    return found


def test_a_resource_is_served_in_the_algorithm_it_asks_for_and_the_jwks_shows_all(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring = ring_of(store, clock, "ES256", "RS256")
    assert ring.signing_key().algorithm == "ES256"
    assert ring.signing_key("RS256").algorithm == "RS256"
    assert {key["alg"] for key in ring.jwks()["keys"]} == {"ES256", "RS256"}


def test_the_first_key_of_an_algorithm_that_a_resource_comes_to_ask_for_signs_at_once(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring_of(store, clock, "ES256").ensure_first()
    clock.advance(86400)
    ring = ring_of(store, clock, "ES256", "RS256")
    assert ring.signing_key("RS256").algorithm == "RS256"
    assert ring.signing_key().algorithm == "ES256"


def test_each_algorithm_rotates_by_itself(store: SqliteStore, clock: FakeClock) -> None:
    ring_of(store, clock, "ES256").ensure_first()
    clock.advance(PERIOD_SECONDS // 2)
    ring = ring_of(store, clock, "ES256", "RS256")
    first = {algorithm: ring.signing_key(algorithm).kid for algorithm in ("ES256", "RS256")}
    clock.advance(PERIOD_SECONDS // 2)
    assert ring.signing_key("RS256").kid == first["RS256"]
    assert ring.signing_key("ES256").kid == first["ES256"], "its successor is published first"
    clock.advance(PUBLISH_AHEAD_SECONDS)
    assert ring.signing_key("ES256").kid != first["ES256"]
    assert ring.signing_key("RS256").kid == first["RS256"]
    assert [record.generation for record in store.list_keys()] == [1, 2, 3]


def test_a_default_that_some_resource_asks_for_already_changes_at_once(
    store: SqliteStore, clock: FakeClock
) -> None:
    before = ring_of(store, clock, "ES256", "RS256")
    key = before.signing_key("RS256")
    assert ring_of(store, clock, "RS256", "RS256").signing_key().kid == key.kid


def test_a_default_that_is_new_signs_after_two_hours_of_publication(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring_of(store, clock, "ES256").ensure_first()
    changed = ring_of(store, clock, "RS256")
    assert changed.signing_key().algorithm == "ES256"
    clock.advance(PUBLISH_AHEAD_SECONDS - 1)
    assert changed.signing_key().algorithm == "ES256"
    clock.advance(REFRESH_SECONDS)
    assert changed.signing_key().algorithm == "RS256"


def test_keys_of_an_algorithm_that_nothing_uses_any_more_retire_with_the_next_key(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring_of(store, clock, "ES256", "RS256").ensure_first()
    ring = ring_of(store, clock, "ES256")
    assert states(ring) == {"ES256": ["active"], "RS256": ["active"]}
    ring.rotate(at_once=True)
    assert states(ring) == {"ES256": ["retiring", "active"], "RS256": ["retiring"]}
    clock.advance(NEEDED_SECONDS + REFRESH_SECONDS)
    assert {key["alg"] for key in ring.jwks()["keys"]} == {"ES256"}
    assert {record.algorithm for record in store.list_keys()} == {"ES256"}


def test_replicas_with_settings_of_before_and_after_a_change_serve_each_others_tokens(
    store: SqliteStore, clock: FakeClock
) -> None:
    before, after = ring_of(store, clock, "ES256"), ring_of(store, clock, "ES256", "RS256")
    before.ensure_first()
    kid = after.signing_key("RS256").kid
    clock.advance(REFRESH_SECONDS)
    assert kid in kids(before)
    assert kids(before) == kids(after)


def test_replicas_that_start_together_with_several_algorithms_agree_on_one_key_of_each(
    tmp_path: Path, clock: FakeClock
) -> None:
    class RacingStore(SqliteStore):
        """Lets every other replica look before any of them adds."""

        def list_keys(self) -> list[SigningKeyRecord]:
            found = super().list_keys()
            gevent.sleep(0)
            return found

    stores = [RacingStore(tmp_path / "race.db", clock, Cipher([SECRET])) for _ in range(4)]
    rings = [ring_of(each, clock, "ES256", "RS256") for each in stores]
    gevent.joinall([gevent.spawn(each.ensure_first) for each in rings], raise_error=True)
    assert [record.algorithm for record in stores[0].list_keys()] == ["ES256", "RS256"]
    assert len({each.signing_key("RS256").kid for each in rings}) == 1
    assert len({each.signing_key("ES256").kid for each in rings}) == 1
    for each in stores:
        each.close()


def test_a_withdrawn_key_leaves_every_replica_within_seconds_and_another_signs_at_once(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring, other = ring_of(store, clock), ring_of(store, clock)
    bad = ring.signing_key().kid
    assert other.signing_key().kid == bad
    ring.withdraw(bad)
    assert ring.signing_key().kid != bad
    assert bad not in kids(ring)
    clock.advance(REFRESH_SECONDS)
    assert other.signing_key().kid == ring.signing_key().kid
    assert bad not in kids(other)
    assert ring.withdrawn() == other.withdrawn() == (bad,)


def test_a_replica_that_is_asked_what_was_withdrawn_signs_with_none_of_it_from_then_on(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring, other = ring_of(store, clock), ring_of(store, clock)
    bad = other.signing_key().kid
    ring.withdraw(bad)
    assert other.withdrawn() == (bad,)
    assert other.signing_key().kid != bad


def test_a_withdrawn_key_is_listed_until_its_last_token_has_expired_and_then_forgotten(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring = ring_of(store, clock)
    bad = ring.signing_key().kid
    ring.withdraw(bad)
    clock.advance(NEEDED_SECONDS - 1)
    assert ring.withdrawn() == (bad,)
    clock.advance(1)
    assert ring.withdrawn() == ()
    assert bad not in [record.kid for record in store.list_keys()]


def test_when_the_signing_key_is_withdrawn_the_announced_one_signs_because_gateways_know_it(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring = ring_of(store, clock, "ES256", "RS256")
    bad = ring.signing_key().kid
    announced, _ = ring.rotate(at_once=False)
    ring.withdraw(bad)
    assert ring.signing_key().kid == announced
    clock.advance(NEEDED_SECONDS + REFRESH_SECONDS)
    assert ring.signing_key().kid == announced, "and goes on when the other is forgotten"


def test_an_announced_key_that_is_withdrawn_never_signs_and_is_replaced(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring = ring_of(store, clock)
    first = ring.signing_key().kid
    (announced,) = ring.rotate(at_once=False)
    ring.withdraw(announced)
    clock.advance(PUBLISH_AHEAD_SECONDS)
    assert ring.signing_key().kid == first
    assert announced not in kids(ring)


def test_a_withdrawn_key_signs_no_more_though_its_successor_cannot_be_stored(
    store: SqliteStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_key: SigningKeyRecord) -> bool:
        raise StoreUnavailable("the disk is full")

    ring, other = ring_of(store, clock), ring_of(store, clock)
    bad = other.signing_key().kid
    with monkeypatch.context() as patch:
        patch.setattr(store, "add_key_once", full)
        with pytest.raises(StoreUnavailable):
            ring.withdraw(bad)
        clock.advance(REFRESH_SECONDS)
        with pytest.raises(StoreUnavailable):
            other.signing_key()
    assert other.signing_key().kid != bad


def test_withdrawing_twice_changes_nothing(store: SqliteStore, clock: FakeClock) -> None:
    ring = ring_of(store, clock)
    bad = ring.signing_key().kid
    ring.withdraw(bad)
    after = store.list_keys()
    ring.withdraw(bad)
    assert store.list_keys() == after


def test_a_withdrawal_is_not_lost_to_whoever_changes_the_record_at_the_same_moment(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring = ring_of(store, clock)
    bad = ring.signing_key().kid
    (seen,) = store.list_keys()
    ring.withdraw(bad)
    assert not store.swap_key(seen, seen)
    assert bad in ring.withdrawn()


@pytest.mark.parametrize("verb", ["withdraw", "retire"])
def test_a_key_that_is_not_there_is_named_as_such(store: SqliteStore, clock: FakeClock, verb: str) -> None:
    with pytest.raises(RequestError, match="unknown_key"):
        getattr(ring_of(store, clock), verb)("nothing")


def test_a_key_that_signs_is_not_retired(store: SqliteStore, clock: FakeClock) -> None:
    ring = ring_of(store, clock)
    with pytest.raises(RequestError, match="key_in_use"):
        ring.retire(ring.signing_key().kid)


def test_a_key_that_signs_no_more_can_be_forgotten_early(store: SqliteStore, clock: FakeClock) -> None:
    ring = ring_of(store, clock)
    first = ring.signing_key().kid
    ring.rotate(at_once=True)
    ring.retire(first)
    assert first not in kids(ring)
    assert ring.withdrawn() == ()


def test_an_announced_key_can_be_given_up_and_a_withdrawn_one_not(
    store: SqliteStore, clock: FakeClock
) -> None:
    ring = ring_of(store, clock)
    (announced,) = ring.rotate(at_once=False)
    ring.retire(announced)
    assert announced not in kids(ring)
    with pytest.raises(RequestError, match="key_withdrawn"):
        ring.retire(announced)


def test_announcing_twice_announces_one_key(store: SqliteStore, clock: FakeClock) -> None:
    ring = ring_of(store, clock)
    ring.ensure_first()
    assert ring.rotate(at_once=False) == ring.rotate(at_once=False)
    assert states(ring) == {"ES256": ["active", "announced"]}


def test_every_replica_of_a_year_with_withdrawals_publishes_what_every_other_signs_with(
    store: SqliteStore, clock: FakeClock
) -> None:
    rings = [ring_of(store, clock, "ES256"), ring_of(store, clock, "ES256")]
    for day in range(365):
        signer, verifier = rings[day % 2], rings[(day + 1) % 2]
        if day % 50 == 49:
            verifier.withdraw(verifier.signing_key().kid)
            clock.advance(REFRESH_SECONDS)
        assert signer.signing_key().kid in kids(verifier)
        assert sum(life.state == "active" for life in signer.lives()) == 1
        clock.advance(86400)
