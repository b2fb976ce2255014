"""The store's contract: sessions and refresh rotation, on every backend."""

from dataclasses import replace

import pytest

from authserver.store import Graced, Reused, Rotated, Store, Unknown
from authserver.store.family import ENDED_RETENTION_SECONDS, GRACE_SECONDS, REUSE_REASON
from authserver.store.lifetimes import NEVER_SECONDS
from authserver.store.protocols import VAULT
from tests.authserver.store.backends import START_SECONDS, Backend, FakeClock, a_session, a_wish

IDLE_SECONDS = 30 * 86400


def test_a_session_comes_back_as_it_was_opened(store: Store) -> None:
    assert store.open_session(a_session())
    assert store.get_session("sid-1") == a_session()
    assert store.get_session("sid-2") is None


def test_a_sid_is_opened_once(store: Store) -> None:
    assert store.open_session(a_session())
    assert not store.open_session(replace(a_session(), client_id="another"))
    assert store.get_session("sid-1") == a_session()


def test_a_session_that_was_ended_before_it_was_opened_is_ended_from_the_start(store: Store) -> None:
    assert store.end_session("sid-1", "code_replayed")
    assert not store.end_session("sid-1", "again")
    assert store.get_session("sid-1") is None
    assert store.open_session(a_session())
    session = store.get_session("sid-1")
    assert session is not None
    assert (session.state, session.end_reason) == ("ended", "code_replayed")
    assert not store.open_session(a_session())
    assert not store.end_session("sid-1", "again")
    assert store.rotate(a_wish("token-0", "token-1")) == Unknown()
    assert store.sessions_of("tid-1", "oid-1") == []


def test_rotation_puts_the_successor_in_place(store: Store) -> None:
    store.open_session(a_session())
    outcome = store.rotate(a_wish("token-0", "token-1"))
    assert isinstance(outcome, Rotated)
    assert outcome.session == store.get_session("sid-1")
    assert outcome.session.current_hash == "token-1"
    assert isinstance(store.rotate(a_wish("token-1", "token-2")), Rotated)


def test_what_entra_says_of_the_person_replaces_what_it_said(store: Store) -> None:
    store.open_session(a_session())
    promoted = replace(a_session().identity, roles=("other",))
    outcome = store.rotate(a_wish("token-0", "token-1", verified=(promoted, START_SECONDS + 5)))
    assert isinstance(outcome, Rotated)
    store.rotate(a_wish("token-1", "token-2"))
    session = store.get_session("sid-1")
    assert session is not None
    assert (session.identity, session.upstream_checked_at_seconds) == (promoted, START_SECONDS + 5)


def test_a_repetition_changes_nothing_of_what_entra_said(store: Store) -> None:
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    other = replace(a_session().identity, roles=())
    assert isinstance(store.rotate(a_wish("token-0", "token-x", verified=(other, START_SECONDS))), Graced)
    session = store.get_session("sid-1")
    assert session is not None
    assert session.identity == a_session().identity


def test_a_repetition_within_the_grace_gets_the_same_successor(store: Store, clock: FakeClock) -> None:
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    for seconds in (0, GRACE_SECONDS):
        clock.now = START_SECONDS + seconds
        outcome = store.rotate(a_wish("token-0", f"other-{seconds}"))
        assert isinstance(outcome, Graced)
        assert outcome.sealed_successor == "sealed token-1"
    assert isinstance(store.rotate(a_wish("token-1", "token-2")), Rotated)


@pytest.mark.requirement("MCP-AUTH-refresh-rotation")
def test_a_repetition_after_the_grace_ends_the_session(store: Store, clock: FakeClock) -> None:
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    clock.advance(GRACE_SECONDS + 1)
    assert isinstance(store.rotate(a_wish("token-0", "token-1b")), Reused)
    assert store.rotate(a_wish("token-1", "token-2")) == Unknown()
    assert store.rotate(a_wish("token-0", "token-2")) == Unknown()
    session = store.get_session("sid-1")
    assert session is not None
    assert (session.state, session.end_reason) == ("ended", REUSE_REASON)


@pytest.mark.requirement("MCP-AUTH-refresh-rotation")
def test_the_grace_ends_when_the_successor_is_used(store: Store) -> None:
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    store.rotate(a_wish("token-1", "token-2"))
    assert isinstance(store.rotate(a_wish("token-0", "token-x")), Reused)


def test_a_repetition_that_asks_for_other_scopes_has_no_grace(store: Store) -> None:
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    assert isinstance(store.rotate(a_wish("token-0", "token-x", scopes=("mcp:tools",))), Reused)


def test_a_repetition_that_asks_for_another_resource_has_no_grace(store: Store) -> None:
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    assert isinstance(store.rotate(a_wish("token-0", "token-x", resource="http://other/")), Reused)


def test_the_order_of_scopes_means_nothing_to_the_grace(store: Store) -> None:
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    reordered = a_wish("token-0", "token-x", scopes=("snippets:read", "mcp:tools"))
    assert isinstance(store.rotate(reordered), Graced)


def test_another_client_changes_nothing(store: Store) -> None:
    store.open_session(a_session())
    assert store.rotate(a_wish("token-0", "token-x", client_id="thief")) == Unknown()
    assert store.get_session("sid-1") == a_session()


def test_a_session_without_refresh_token_cannot_be_rotated(store: Store) -> None:
    store.open_session(replace(a_session(), current_hash=None))
    assert isinstance(store.rotate(a_wish("token-0", "token-1")), Reused)


def test_each_use_puts_off_the_idle_expiry_up_to_the_absolute_one(store: Store, clock: FakeClock) -> None:
    store.open_session(a_session())
    number = 0
    while clock.now < START_SECONDS + 3 * IDLE_SECONDS - 5 * 86400:
        clock.advance(IDLE_SECONDS - 86400)
        outcome = store.rotate(a_wish(f"token-{number}", f"token-{number + 1}"))
        assert isinstance(outcome, Rotated)
        number += 1
    assert outcome.session.idle_expiry_seconds == outcome.session.absolute_expiry_seconds
    clock.now = outcome.session.absolute_expiry_seconds
    assert store.rotate(a_wish(f"token-{number}", "late")) == Unknown()


def test_an_idle_session_cannot_be_refreshed(store: Store, clock: FakeClock) -> None:
    store.open_session(a_session())
    clock.advance(IDLE_SECONDS)
    assert store.rotate(a_wish("token-0", "token-1")) == Unknown()
    assert store.sessions_of("tid-1", "oid-1") == []


def test_ending_a_session_is_done_once_and_keeps_the_first_reason(store: Store) -> None:
    store.open_session(a_session())
    assert store.end_session("sid-1", "revoked")
    assert not store.end_session("sid-1", "other")
    session = store.get_session("sid-1")
    assert session is not None
    assert (session.state, session.end_reason, session.current_hash) == ("ended", "revoked", None)
    assert store.rotate(a_wish("token-0", "token-1")) == Unknown()


def test_an_ended_session_is_remembered_for_a_while_and_then_forgotten(
    store: Store, clock: FakeClock
) -> None:
    store.open_session(a_session())
    store.end_session("sid-1", "revoked")
    clock.advance(ENDED_RETENTION_SECONDS - 1)
    assert store.get_session("sid-1") is not None
    clock.advance(1)
    assert store.get_session("sid-1") is None


def test_a_persons_sessions_are_theirs_alone_active_and_in_order(store: Store, clock: FakeClock) -> None:
    store.open_session(a_session("late", START_SECONDS + 1))
    store.open_session(a_session("early", START_SECONDS))
    store.open_session(a_session("ended"))
    store.open_session(a_session("somebody else", oid="oid-2"))
    store.end_session("ended", "revoked")
    store.end_session("never opened", "revoked")
    assert [session.sid for session in store.sessions_of("tid-1", "oid-1")] == ["early", "late"]
    assert [session.sid for session in store.sessions_of("tid-1", "oid-2")] == ["somebody else"]
    assert store.sessions_of("tid-2", "oid-1") == []


def test_active_sessions_are_listed_newest_first(store: Store, clock: FakeClock) -> None:
    for number in range(7):
        store.open_session(a_session(f"sid-{number}", START_SECONDS + number, oid=f"oid-{number % 2}"))
    store.end_session("sid-6", "revoked")
    store.end_session("never opened", "revoked")
    assert [session.sid for session in store.list_sessions()] == [f"sid-{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert [session.sid for session in store.list_sessions(limit=2)] == ["sid-5", "sid-4"]
    clock.now = START_SECONDS + IDLE_SECONDS + 2
    assert [session.sid for session in store.list_sessions()] == ["sid-5", "sid-4", "sid-3"]


def test_what_ended_is_listed_by_when_and_with_what_was_never_opened(store: Store, clock: FakeClock) -> None:
    store.open_session(a_session("active"))
    store.open_session(a_session("first"))
    store.open_session(a_session("reused"))
    store.rotate(a_wish("token-0", "token-1", "reused"))
    assert store.ended_since(0) == []
    store.end_session("first", "revoked")
    clock.advance(GRACE_SECONDS + 1)
    assert isinstance(store.rotate(a_wish("token-0", "token-x", "reused")), Reused)
    clock.advance(10)
    store.end_session("never opened", "code_replayed")
    store.end_session("first", "again")
    expected = [
        ("first", START_SECONDS),
        ("reused", START_SECONDS + GRACE_SECONDS + 1),
        ("never opened", START_SECONDS + GRACE_SECONDS + 11),
    ]
    assert store.ended_since(0) == expected
    assert store.ended_since(START_SECONDS) == expected
    assert store.ended_since(START_SECONDS + 1) == expected[1:]
    clock.now = START_SECONDS + ENDED_RETENTION_SECONDS
    assert store.ended_since(0) == expected[1:]
    store.open_session(a_session("never opened"))
    assert store.ended_since(0) == [expected[1], ("never opened", START_SECONDS + ENDED_RETENTION_SECONDS)]


def test_what_entra_gave_for_a_session_goes_with_it(store: Store, clock: FakeClock) -> None:
    for sid in ("revoked", "reused", "other"):
        store.open_session(a_session(sid))
        store.put_record(VAULT, sid, "sealed", NEVER_SECONDS)
    store.rotate(a_wish("token-0", "token-1", "reused"))
    assert [name for name, _ in store.list_records(VAULT)] == ["other", "reused", "revoked"]
    store.end_session("revoked", "revoked")
    clock.advance(GRACE_SECONDS + 1)
    store.rotate(a_wish("token-0", "token-x", "reused"))
    assert store.list_records(VAULT) == [("other", "sealed")]
    store.put_record(VAULT, "revoked", "late", NEVER_SECONDS)
    store.end_session("revoked", "again")
    assert store.get_record(VAULT, "revoked") is None


def test_rotation_is_there_after_the_store_is_opened_again(
    backend: Backend, store: Store, clock: FakeClock
) -> None:
    store.open_session(a_session())
    rotated = store.rotate(a_wish("token-0", "token-1"))
    assert isinstance(rotated, Rotated)
    store.close()
    again = backend.open(clock)
    assert again.get_session("sid-1") == rotated.session
    assert isinstance(again.rotate(a_wish("token-0", "token-x")), Graced)
    again.close()
