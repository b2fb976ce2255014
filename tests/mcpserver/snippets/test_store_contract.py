"""What every snippet store promises, on a folder and on blobs alike."""

from collections.abc import Callable
from uuid import UUID

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcpserver.snippets.model import (
    MAX_SNIPPET_BYTES,
    Expected,
    InvalidSnippet,
    Owner,
    SnippetConflict,
    SnippetNotFound,
)
from mcpserver.snippets.names import MAX_NAME_CHARACTERS
from mcpserver.snippets.protocol import SnippetStore

StoreMaker = Callable[..., SnippetStore]

TEXTS = {
    "empty": "",
    "plain": "print('hello')",
    "unicode": "Grüße 🙂 \u202e\u200b 漢字",
    "control characters": "\x00\x01\r\n\t",
    "json": '{"snippet": "\\u0000", "__proto__": 1}',
    "longest": "x" * MAX_SNIPPET_BYTES,
    "longest with every character escaped": "\x01" * MAX_SNIPPET_BYTES,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_saved_snippet_is_read_back_exactly(store: SnippetStore, alice: Owner, text: str) -> None:
    etag = store.save(alice, "example", text)
    snippet = store.get(alice, "example")
    assert (snippet.name, snippet.text, snippet.etag) == ("example", text, etag)


def test_saving_again_replaces_the_text_and_changes_the_etag(store: SnippetStore, alice: Owner) -> None:
    first = store.save(alice, "example", "one")
    second = store.save(alice, "example", "two")
    assert first != second
    assert store.get(alice, "example").text == "two"
    assert [info.name for info in store.list(alice)] == ["example"]


def test_an_acknowledged_snippet_is_there_for_another_worker(make_store: StoreMaker, alice: Owner) -> None:
    etag = make_store().save(alice, "example", "text")
    assert make_store().get(alice, "example").etag == etag


def test_what_was_never_saved_is_not_found(store: SnippetStore, alice: Owner) -> None:
    assert store.list(alice) == ()
    with pytest.raises(SnippetNotFound):
        store.get(alice, "absent")
    with pytest.raises(SnippetNotFound):
        store.delete(alice, "absent")
    store.save(alice, "present", "")
    with pytest.raises(SnippetNotFound):
        store.get(alice, "absent")
    with pytest.raises(SnippetNotFound):
        store.delete(alice, "absent")


def test_a_deleted_snippet_is_gone_and_its_name_can_be_used_again(store: SnippetStore, alice: Owner) -> None:
    store.save(alice, "example", "one")
    store.delete(alice, "example")
    assert store.list(alice) == ()
    with pytest.raises(SnippetNotFound):
        store.get(alice, "example")
    store.save(alice, "example", "two")
    assert store.get(alice, "example").text == "two"


def test_names_are_listed_sorted_with_their_etags_and_times(store: SnippetStore, alice: Owner) -> None:
    etags = {name: store.save(alice, name, name) for name in ("zebra", "Apple", "apple", ".hidden", "a b")}
    listed = store.list(alice)
    assert [info.name for info in listed] == sorted(etags)
    assert {info.name: info.etag for info in listed} == etags
    times = {info.name: info.saved_at_seconds for info in listed}
    assert times == {name: store.get(alice, name).saved_at_seconds for name in etags}


def test_one_owner_neither_sees_nor_touches_what_another_saved(
    store: SnippetStore, alice: Owner, bob: Owner
) -> None:
    store.save(alice, "example", "alice's")
    with pytest.raises(SnippetNotFound):
        store.get(bob, "example")
    with pytest.raises(SnippetNotFound):
        store.delete(bob, "example")
    assert store.list(bob) == ()
    store.save(bob, "example", "bob's")
    assert store.get(alice, "example").text == "alice's"


def test_the_same_object_id_in_another_tenant_is_another_owner(store: SnippetStore, alice: Owner) -> None:
    foreign = Owner("99999999-9999-4999-8999-999999999999", alice.object_id)
    store.save(alice, "example", "alice's")
    with pytest.raises(SnippetNotFound):
        store.get(foreign, "example")


def test_shared_snippets_are_everybodys(make_store: StoreMaker, alice: Owner, bob: Owner) -> None:
    shared = make_store(shared=True)
    shared.save(alice, "example", "ours")
    assert shared.get(bob, "example").text == "ours"
    shared.delete(bob, "example")
    assert shared.list(alice) == ()


def test_shared_and_private_snippets_do_not_mix(make_store: StoreMaker, alice: Owner) -> None:
    private, shared = make_store(), make_store(shared=True)
    private.save(alice, "mine", "private")
    shared.save(alice, "ours", "shared")
    assert [info.name for info in private.list(alice)] == ["mine"]
    assert [info.name for info in shared.list(alice)] == ["ours"]


BAD_NAMES = {
    "empty": "",
    "only a space": " ",
    "leading space": " a",
    "trailing space": "a ",
    "parent": "../a",
    "slash": "a/b",
    "backslash": "a\\b",
    "absolute": "/etc/passwd",
    "percent": "%2e%2e%2fa",
    "tilde": "~a",
    "null": "a\x00b",
    "newline": "a\n",
    "colon": "C:a",
    "unicode letter": "é",
    "full-width full stop": "\uff0e\uff0e",
    "surrogate": "\ud800",
    "too long": "a" * (MAX_NAME_CHARACTERS + 1),
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_name_that_breaks_the_rule_is_refused_by_every_verb(
    store: SnippetStore, alice: Owner, name: str
) -> None:
    for verb in (
        lambda: store.save(alice, name, "text"),
        lambda: store.get(alice, name),
        lambda: store.delete(alice, name),
    ):
        with pytest.raises(InvalidSnippet, match="name is 1 to 80 characters"):
            verb()
    assert store.list(alice) == ()


@pytest.mark.parametrize("name", [".", "..", "...", ".json", "a.json", "-", "con", "A" * MAX_NAME_CHARACTERS])
def test_a_strange_but_legal_name_works_like_any_other(store: SnippetStore, alice: Owner, name: str) -> None:
    store.save(alice, name, name)
    assert store.get(alice, name).text == name
    assert [info.name for info in store.list(alice)] == [name]
    store.delete(alice, name)
    assert store.list(alice) == ()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.sets(st.from_regex(r"[A-Ca-c. _-]{1,4}", fullmatch=True), min_size=1, max_size=6),
    owner=st.uuids(),
)
def test_any_legal_names_live_beside_each_other(store: SnippetStore, names: set[str], owner: UUID) -> None:
    fresh = Owner(str(owner), "someone")
    legal = {name for name in names if name == name.strip()}
    for name in legal:
        store.save(fresh, name, f"text of {name}")
    assert {store.get(fresh, name).text for name in legal} == {f"text of {name}" for name in legal}
    assert [info.name for info in store.list(fresh)] == sorted(legal)
    for name in legal:
        store.delete(fresh, name)


@pytest.mark.parametrize(
    "text", ["x" * (MAX_SNIPPET_BYTES + 1), "é" * (MAX_SNIPPET_BYTES // 2 + 1), "\ud800"]
)
def test_a_text_that_cannot_be_kept_is_refused_and_the_old_one_stays(
    store: SnippetStore, alice: Owner, text: str
) -> None:
    store.save(alice, "example", "old")
    with pytest.raises(InvalidSnippet):
        store.save(alice, "example", text)
    assert store.get(alice, "example").text == "old"


def test_a_write_that_expects_the_stored_version_succeeds(store: SnippetStore, alice: Owner) -> None:
    etag = store.save(alice, "example", "one", Expected(None))
    etag = store.save(alice, "example", "two", Expected(etag))
    store.delete(alice, "example", etag)
    assert store.list(alice) == ()


def test_a_write_that_expects_another_version_changes_nothing(store: SnippetStore, alice: Owner) -> None:
    old = store.save(alice, "example", "one")
    store.save(alice, "example", "two")
    for expected in (Expected(old), Expected(None)):
        with pytest.raises(SnippetConflict):
            store.save(alice, "example", "three", expected)
    with pytest.raises(SnippetConflict):
        store.delete(alice, "example", old)
    assert store.get(alice, "example").text == "two"


def test_a_write_that_expects_a_version_of_what_is_gone_is_a_conflict(
    store: SnippetStore, alice: Owner
) -> None:
    etag = store.save(alice, "example", "one")
    store.delete(alice, "example")
    with pytest.raises(SnippetConflict):
        store.save(alice, "example", "two", Expected(etag))
    with pytest.raises(SnippetConflict):
        store.delete(alice, "example", etag)


def test_of_many_writers_that_expect_the_same_version_one_wins(make_store: StoreMaker, alice: Owner) -> None:
    stores = [make_store() for _ in range(4)]
    etag = stores[0].save(alice, "example", "start")

    def write(number: int) -> int | None:
        try:
            stores[number % 4].save(alice, "example", str(number), Expected(etag))
        except SnippetConflict:
            return None
        return number

    greenlets = [gevent.spawn(write, number) for number in range(24)]
    winners = [greenlet.get() for greenlet in greenlets if greenlet.get() is not None]
    assert [stores[0].get(alice, "example").text] == [str(winner) for winner in winners]


def test_readers_beside_writers_see_whole_texts_only(make_store: StoreMaker, alice: Owner) -> None:
    writer, reader = make_store(), make_store()
    texts = {letter * 100_000 for letter in "abcd"}
    writer.save(alice, "example", "a" * 100_000)
    writing = [gevent.spawn(writer.save, alice, "example", text) for text in sorted(texts) * 3]
    seen: set[str] = set()
    while not all(greenlet.ready() for greenlet in writing):
        seen.add(reader.get(alice, "example").text)
    gevent.joinall(writing, raise_error=True)
    assert seen <= texts


def test_fifty_people_save_at_once_into_a_store_that_did_not_exist(store: SnippetStore, bob: Owner) -> None:
    owners = [Owner(bob.tenant_id, f"person-{number}") for number in range(50)]
    greenlets = [gevent.spawn(store.save, owner, "example", owner.object_id) for owner in owners]
    gevent.joinall(greenlets, raise_error=True)
    assert [store.get(owner, "example").text for owner in owners] == [owner.object_id for owner in owners]


def test_the_store_reports_that_it_answers(store: SnippetStore) -> None:
    store.check()
