"""The store's contract: clients, logins, codes, keys and once-only things, on every backend."""

import base64

import pytest
from cryptography.fernet import Fernet

from authserver.cipher import Cipher, SealBroken
from authserver.model import SigningKeyRecord
from authserver.store import CodeReplay, Store
from authserver.store.lifetimes import DAY_SECONDS, TAKEN_CODE_SECONDS, UNUSED_CLIENT_SECONDS
from tests.authserver.store.backends import (
    START_SECONDS,
    Backend,
    FakeClock,
    a_client,
    a_code,
    a_login,
)


def a_key(generation: int, kid: str) -> SigningKeyRecord:
    return SigningKeyRecord(generation, kid, "RS256", 1, 2, 3600, "sealed")


def test_a_client_comes_back_as_it_was_added(store: Store) -> None:
    client = a_client(secret_hash="hash", software_version="1.0")
    store.add_client(client)
    assert store.get_client("client-1") == client


def test_adding_a_client_again_replaces_it(store: Store) -> None:
    store.add_client(a_client())
    store.add_client(a_client(client_name="Renamed"))
    found = store.get_client("client-1")
    assert found is not None
    assert found.client_name == "Renamed"


@pytest.mark.parametrize(
    "client_id", ["", "nobody", "client-1\x00", "{client-1}", "snöwman ☃", "\ud800", "x" * 9000]
)
def test_a_client_id_nobody_has_is_absent_whatever_it_looks_like(store: Store, client_id: str) -> None:
    store.add_client(a_client())
    assert store.get_client(client_id) is None


def test_a_removed_client_is_gone(store: Store) -> None:
    store.add_client(a_client())
    assert store.remove_client("client-1")
    assert store.get_client("client-1") is None
    assert not store.remove_client("client-1")


def test_an_update_replaces_a_client_that_is_there_and_adds_none(store: Store, clock: FakeClock) -> None:
    assert not store.update_client(a_client())
    assert store.get_client("client-1") is None
    store.add_client(a_client())
    assert store.update_client(a_client(client_name="Renamed"))
    assert store.get_client("client-1") == a_client(client_name="Renamed")
    clock.advance(UNUSED_CLIENT_SECONDS)
    assert not store.update_client(a_client())


def test_an_update_counts_as_a_use_and_takes_no_life_away(store: Store, clock: FakeClock) -> None:
    store.add_client(a_client())
    store.add_client(a_client("operated", source="operator"))
    clock.advance(UNUSED_CLIENT_SECONDS - 1)
    assert store.update_client(a_client())
    assert store.update_client(a_client("operated", source="operator"))
    clock.advance(UNUSED_CLIENT_SECONDS - 1)
    assert store.get_client("client-1") is not None
    clock.advance(100 * 365 * DAY_SECONDS)
    assert store.get_client("operated") is not None


def test_clients_are_listed_oldest_first_and_expired_ones_are_not(store: Store, clock: FakeClock) -> None:
    assert store.list_clients() == []
    store.add_client(a_client("dies"))
    clock.advance(UNUSED_CLIENT_SECONDS)
    for number in range(1100):
        store.add_client(a_client(f"client-{number}", issued_at_seconds=START_SECONDS - number))
    listed = store.list_clients()
    assert [client.client_id for client in listed] == [f"client-{number}" for number in reversed(range(1100))]


def test_a_registration_nobody_uses_expires(store: Store, clock: FakeClock) -> None:
    store.add_client(a_client())
    clock.advance(UNUSED_CLIENT_SECONDS - 1)
    assert store.get_client("client-1") is not None
    clock.advance(1)
    assert store.get_client("client-1") is None
    store.touch_client("client-1")
    assert store.get_client("client-1") is None
    assert not store.remove_client("client-1")


@pytest.mark.requirement("RFC7591-3.2.1-no-expiry-in-use")
def test_a_registration_in_use_does_not_expire(store: Store, clock: FakeClock) -> None:
    store.add_client(a_client())
    for _ in range(20):
        clock.advance(UNUSED_CLIENT_SECONDS - DAY_SECONDS - 1)
        store.touch_client("client-1")
        assert store.get_client("client-1") is not None


def test_a_use_seen_by_one_replica_counts_for_all(backend: Backend, store: Store, clock: FakeClock) -> None:
    other = backend.open(clock)
    store.add_client(a_client())
    store.touch_client("client-1")
    other.touch_client("client-1")
    clock.advance(UNUSED_CLIENT_SECONDS - 1)
    other.touch_client("client-1")
    clock.advance(2)
    store.touch_client("client-1")
    assert store.get_client("client-1") is not None
    other.close()


def test_an_operators_registration_never_expires(store: Store, clock: FakeClock) -> None:
    store.add_client(a_client(source="operator"))
    store.touch_client("client-1")
    clock.advance(100 * 365 * DAY_SECONDS)
    store.touch_client("client-1")
    clock.advance(100 * 365 * DAY_SECONDS)
    assert store.get_client("client-1") is not None


def test_a_login_is_taken_once(store: Store) -> None:
    store.put_login("state", a_login(), 900)
    assert store.take_login("other") is None
    assert store.take_login("state") == a_login()
    assert store.take_login("state") is None


def test_a_login_expires(store: Store, clock: FakeClock) -> None:
    store.put_login("state", a_login(), 900)
    clock.advance(900)
    assert store.take_login("state") is None


def test_a_login_is_unreadable_without_the_master_secret(
    backend: Backend, store: Store, clock: FakeClock
) -> None:
    store.put_login("state", a_login(), 900)
    other = Backend(backend.kind, backend.place, Fernet.generate_key().decode()).open(clock)
    assert other.take_login("state") is None
    other.close()


def test_what_one_purpose_sealed_no_other_opens() -> None:
    cipher = Cipher([base64.urlsafe_b64encode(bytes(32)).decode()])
    with pytest.raises(SealBroken):
        cipher.sealer("consent").unseal(cipher.sealer("login").seal(b"x"))


@pytest.mark.requirement("MCP-AUTH-code-once")
def test_a_code_is_taken_once_and_its_replay_names_the_session(store: Store) -> None:
    store.put_code("code", a_code(), 60)
    assert store.take_code("code") == a_code()
    assert store.take_code("code") == CodeReplay("sid-1")
    assert store.take_code("code") == CodeReplay("sid-1")
    assert store.take_code("never issued") is None


def test_who_looks_at_a_code_sees_what_taking_it_would_give_and_leaves_it(
    store: Store, clock: FakeClock
) -> None:
    store.put_code("code", a_code(), 60)
    assert store.look_at_code("code") == a_code()
    assert store.look_at_code("code") == a_code()
    assert store.take_code("code") == a_code()
    assert store.look_at_code("code") == CodeReplay("sid-1")
    assert store.look_at_code("never issued") is None
    clock.advance(TAKEN_CODE_SECONDS)
    assert store.look_at_code("code") is None


def test_a_code_expires_when_nobody_takes_it(store: Store, clock: FakeClock) -> None:
    store.put_code("code", a_code(), 60)
    clock.advance(60)
    assert store.take_code("code") is None


def test_the_replay_of_a_taken_code_is_recognised_long_after_the_code_would_have_expired(
    store: Store, clock: FakeClock
) -> None:
    store.put_code("code", a_code(), 60)
    store.take_code("code")
    clock.advance(TAKEN_CODE_SECONDS - 1)
    assert store.take_code("code") == CodeReplay("sid-1")
    clock.advance(1)
    assert store.take_code("code") is None


def test_the_first_key_of_a_generation_stays(store: Store) -> None:
    assert store.add_key_once(a_key(2, "c"))
    assert store.add_key_once(a_key(1, "a"))
    assert not store.add_key_once(a_key(1, "b"))
    assert store.list_keys() == [a_key(1, "a"), a_key(2, "c")]


def test_keys_sort_by_number(store: Store) -> None:
    for generation in (10, 9, 2, 1):
        store.add_key_once(a_key(generation, f"k{generation}"))
    assert [key.generation for key in store.list_keys()] == [1, 2, 9, 10]


def test_a_key_can_be_removed_but_never_the_newest(store: Store) -> None:
    for generation in (9, 10):
        store.add_key_once(a_key(generation, "k"))
    store.remove_key(10)
    store.remove_key(9)
    store.remove_key(10)
    assert [key.generation for key in store.list_keys()] == [10]


def test_a_key_is_replaced_only_where_it_still_is_what_was_seen(store: Store) -> None:
    store.add_key_once(a_key(1, "a"))
    assert store.swap_key(a_key(1, "a"), a_key(1, "b"))
    assert not store.swap_key(a_key(1, "a"), a_key(1, "c"))
    assert not store.swap_key(a_key(2, "a"), a_key(2, "b"))
    assert store.list_keys() == [a_key(1, "b")]


def test_a_thing_happens_once_within_its_lifetime_and_namespace(store: Store, clock: FakeClock) -> None:
    assert store.add_once("jti", "x", 60)
    assert not store.add_once("jti", "x", 60)
    assert store.add_once("nonce", "x", 60)
    clock.advance(60)
    assert store.add_once("jti", "x", 60)
    assert not store.add_once("jti", "x", 60)


def test_everything_is_there_after_the_store_is_opened_again(
    backend: Backend, store: Store, clock: FakeClock
) -> None:
    store.add_client(a_client())
    store.put_login("state", a_login(), 900)
    store.put_code("code", a_code(), 60)
    store.add_key_once(a_key(1, "a"))
    store.add_once("jti", "x", 60)
    store.close()
    again = backend.open(clock)
    assert again.get_client("client-1") == a_client()
    assert again.take_login("state") == a_login()
    assert again.take_code("code") == a_code()
    assert again.list_keys() == [a_key(1, "a")]
    assert not again.add_once("jti", "x", 60)
    again.close()


def test_a_healthy_store_passes_its_check(store: Store) -> None:
    store.check()
    store.check()
