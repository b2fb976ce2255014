"""The store's contract: small texts under a name, by kind, on every backend."""

import pytest

from authserver.store import Store
from authserver.store.lifetimes import NEVER_SECONDS
from tests.authserver.store.backends import START_SECONDS, Backend, FakeClock

SOON = START_SECONDS + 60
LATER = START_SECONDS + 600


@pytest.mark.parametrize("name", ["", "a", "a name: with {braces} & ünïcödé", "*", "[x]", "x" * 5000])
def test_a_record_comes_back_as_it_was_put(store: Store, name: str) -> None:
    store.put_record("thing", name, "a text ☃ {}", SOON)
    assert store.get_record("thing", name) == "a text ☃ {}"
    assert store.get_record("other", name) is None
    assert store.get_record("thing", name + "x") is None
    assert store.list_records("thing") == [(name, "a text ☃ {}")]


def test_a_record_is_replaced_with_its_expiry(store: Store, clock: FakeClock) -> None:
    store.put_record("thing", "name", "first", LATER)
    store.put_record("thing", "name", "second", SOON)
    assert store.get_record("thing", "name") == "second"
    clock.now = SOON
    assert store.get_record("thing", "name") is None
    assert store.list_records("thing") == []


def test_what_never_expires_never_does_and_may_come_to_expire(store: Store, clock: FakeClock) -> None:
    store.put_record("thing", "kept", "text", NEVER_SECONDS)
    store.put_record("thing", "made to last", "text", SOON)
    store.put_record("thing", "made to last", "text", NEVER_SECONDS)
    store.put_record("thing", "given up", "text", NEVER_SECONDS)
    store.put_record("thing", "given up", "text", SOON)
    clock.advance(50 * 365 * 86400)
    assert [name for name, _ in store.list_records("thing")] == ["kept", "made to last"]


def test_only_what_is_not_there_is_added(store: Store, clock: FakeClock) -> None:
    assert store.add_record("thing", "name", "first", SOON)
    assert not store.add_record("thing", "name", "second", LATER)
    assert store.add_record("other", "name", "of another kind", SOON)
    assert store.get_record("thing", "name") == "first"
    clock.now = SOON
    assert store.add_record("thing", "name", "third", LATER)
    assert store.list_records("thing") == [("name", "third")]


def test_only_what_was_seen_is_swapped(store: Store, clock: FakeClock) -> None:
    assert not store.swap_record("thing", "name", "anything", "text", SOON)
    assert not store.swap_record("thing", "name", "", "text", SOON)
    store.put_record("thing", "name", "first", SOON)
    assert not store.swap_record("thing", "name", "other", "second", LATER)
    assert not store.swap_record("thing", "name", "", "second", LATER)
    assert store.swap_record("thing", "name", "first", "second", LATER)
    clock.now = SOON
    assert store.get_record("thing", "name") == "second"
    clock.now = LATER
    assert not store.swap_record("thing", "name", "second", "third", NEVER_SECONDS)
    assert store.list_records("thing") == []


def test_a_record_is_taken_once(store: Store, clock: FakeClock) -> None:
    store.put_record("thing", "name", "text", SOON)
    assert store.take_record("thing", "name") == "text"
    assert store.take_record("thing", "name") is None
    assert store.list_records("thing") == []
    store.put_record("thing", "name", "text", SOON)
    clock.now = SOON
    assert store.take_record("thing", "name") is None


def test_a_removed_record_is_gone_and_may_come_again(store: Store) -> None:
    assert not store.remove_record("thing", "name")
    store.put_record("thing", "name", "text", SOON)
    assert store.remove_record("thing", "name")
    assert not store.remove_record("thing", "name")
    store.put_record("thing", "name", "again", SOON)
    assert store.list_records("thing") == [("name", "again")]


def test_records_are_listed_by_name_from_a_name_on_and_no_more_than_asked_for(store: Store) -> None:
    for name in ("b", "a", "ä", "B", "c", "aa"):
        store.put_record("thing", name, f"text {name}", SOON)
    store.put_record("other", "b", "of another kind", SOON)
    in_order = ["B", "a", "aa", "b", "c", "ä"]
    assert store.list_records("thing") == [(name, f"text {name}") for name in in_order]
    assert [name for name, _ in store.list_records("thing", from_name="aa")] == in_order[2:]
    assert [name for name, _ in store.list_records("thing", from_name="aaa", limit=2)] == ["b", "c"]
    assert store.list_records("thing", from_name="z" * 10) == [("ä", "text ä")]
    assert store.list_records("nothing") == []


def test_a_long_list_is_complete(store: Store) -> None:
    names = [f"name-{number:04}" for number in range(1203)]
    for name in names:
        store.put_record("thing", name, "text", SOON)
    for name in names[:600]:
        store.take_record("thing", name)
    assert [name for name, _ in store.list_records("thing", limit=2000)] == names[600:]
    assert [name for name, _ in store.list_records("thing", limit=5)] == names[600:605]


def test_records_are_there_after_the_store_is_opened_again(
    backend: Backend, store: Store, clock: FakeClock
) -> None:
    store.put_record("thing", "name", "text", SOON)
    store.close()
    again = backend.open(clock)
    assert again.get_record("thing", "name") == "text"
    again.close()
