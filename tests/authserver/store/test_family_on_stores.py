"""The refresh token family on both stores: whatever happens in whatever order, both do what ``family.step``
says.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from authserver.model import Session
from authserver.store import RotateOutcome, Store
from authserver.store.family import ENDED_RETENTION_SECONDS, GRACE_SECONDS, ended, forget_after_seconds, step
from tests.authserver.store.backends import (
    START_SECONDS,
    Backend,
    FakeClock,
    RedisServer,
    a_session,
    a_wish,
    an_identity,
)

DAY_SECONDS = 86_400


class FamilyOnStores(RuleBasedStateMachine):
    """One session on every store, and beside them what the pure functions make of it.

    Args: open_stores: opens empty ones on a clock; all must agree.
    """

    def __init__(self, open_stores: Callable[[FakeClock], list[Store]]) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.stores = open_stores(self.clock)
        self.sid = "sid-1"
        self.model: Session | None = None
        self.tombstone: tuple[str, int] | None = None
        self.ended_at: int | None = None
        self.tokens = ["token-0"]

    @property
    def now(self) -> int:
        return int(self.clock.now)

    def on_all(self, verb: Callable[[Store], Any]) -> Any:
        first, *others = [verb(store) for store in self.stores]
        assert all(other == first for other in others), (first, others)
        return first

    @initialize(opened=st.booleans())
    def begin(self, opened: bool) -> None:
        if opened:
            self.the_session_is_opened(30, 90)

    @rule(idle_days=st.integers(1, 30), absolute_days=st.integers(30, 90))
    def the_session_is_opened(self, idle_days: int, absolute_days: int) -> None:
        session = replace(
            a_session(self.sid, self.now),
            idle_lifetime_seconds=idle_days * DAY_SECONDS,
            idle_expiry_seconds=self.now + idle_days * DAY_SECONDS,
            absolute_expiry_seconds=self.now + absolute_days * DAY_SECONDS,
        )
        expected = self.model is None
        assert self.on_all(lambda store: store.open_session(session)) == expected
        if expected:
            self.model = session
            self.tokens = ["token-0"]
            if self.tombstone is not None:
                self.model = ended(session, self.tombstone[0], self.now)
                self.ended_at = self.now

    @rule(seconds=st.sampled_from([1, GRACE_SECONDS, GRACE_SECONDS + 1, 3600, DAY_SECONDS, 20 * DAY_SECONDS]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        if self.model is not None and self.now >= forget_after_seconds(self.model, self.now):
            self.model = self.tombstone = self.ended_at = None
        if (
            self.tombstone is not None
            and self.model is None
            and self.now >= self.tombstone[1] + ENDED_RETENTION_SECONDS
        ):
            self.tombstone = self.ended_at = None

    @rule(
        data=st.data(),
        changes=st.sampled_from(
            [
                *[{}] * 6,
                {"client_id": "another"},
                {"resource": "http://other/"},
                {"scopes": ("mcp:tools",)},
                {"scopes": ("snippets:read", "mcp:tools")},
                {"verified": (an_identity("oid-1"), START_SECONDS)},
            ]
        ),
    )
    def a_token_is_presented(self, data: st.DataObject, changes: dict[str, Any]) -> None:
        # The newest tokens are the interesting ones.
        age = data.draw(st.integers(1, min(3, len(self.tokens))))
        successor = f"token-{len(self.tokens)}-{self.now}"
        wish = a_wish(self.tokens[-age], successor, self.sid, **changes)
        outcome, changed = step(self.model, wish, self.now)
        got: RotateOutcome = self.on_all(lambda store: store.rotate(wish))
        assert got == outcome
        if changed is not None:
            self.model = changed
            if changed.state == "ended":
                self.ended_at = self.now
            elif changed.current_hash == successor:
                self.tokens.append(successor)

    @rule(reason=st.sampled_from(["revoked", "code_replayed"]))
    def the_session_is_ended(self, reason: str) -> None:
        expected = self.tombstone is None if self.model is None else self.model.state == "active"
        assert self.on_all(lambda store: store.end_session(self.sid, reason)) == expected
        if expected:
            self.ended_at = self.now
            if self.model is None:
                self.tombstone = (reason, self.now)
            else:
                self.model = ended(self.model, reason, self.now)

    @rule()
    def the_stores_are_opened_again(self) -> None:
        for store in self.stores:
            store.close()

    @invariant()
    def all_remember_the_same(self) -> None:
        assert self.on_all(lambda store: store.get_session(self.sid)) == self.model
        named = dict(self.on_all(lambda store: store.ended_since(START_SECONDS)))
        assert named.get(self.sid) == self.ended_at

    @invariant()
    def all_list_the_same(self) -> None:
        listed = self.on_all(lambda store: [session.sid for session in store.sessions_of("tid-1", "oid-1")])
        alive = self.model is not None and self.model.state == "active"
        alive = alive and self.model is not None and self.now < self.model.idle_expiry_seconds
        assert (self.sid in listed) == alive
        assert self.on_all(lambda store: sorted(session.sid for session in store.list_sessions())) == sorted(
            listed
        )

    def teardown(self) -> None:
        for store in self.stores:
            store.close()


def test_both_stores_do_what_the_family_says_in_any_order(
    tmp_path: Path, shared_redis: RedisServer, master_secret: str
) -> None:
    numbers = itertools.count()

    def open_stores(clock: FakeClock) -> list[Store]:
        with shared_redis.client() as client:
            client.flushall()
        path = tmp_path / str(next(numbers)) / "authserver.db"
        return [
            Backend("sqlite", str(path), master_secret).open(clock),
            Backend("redis", shared_redis.url, master_secret).open(clock),
        ]

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: FamilyOnStores(open_stores),
        settings=settings(
            max_examples=50,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
