"""The refresh token family as a state machine: whatever the order of events, its promises hold."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from authserver.model import Session
from authserver.store import Graced, Reused, Rotated, Unknown
from authserver.store.family import GRACE_SECONDS, RotateOutcome, ended, is_live, step
from tests.authserver.store.backends import START_SECONDS, a_session, a_wish


class Family(RuleBasedStateMachine):
    """Presents tokens of one family in any order, at any time, and says what must come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session = a_session()
        self.now = START_SECONDS
        # Every token that was ever current, oldest first, and when each but the last was spent.
        self.issued = ["token-0"]
        self.spent_at: list[int] = []
        self.attempts = 0
        self.over = False

    @initialize(idle_days=st.integers(1, 30), absolute_days=st.integers(30, 90))
    def open(self, idle_days: int, absolute_days: int) -> None:
        self.session = replace(
            self.session,
            idle_lifetime_seconds=idle_days * 86400,
            idle_expiry_seconds=START_SECONDS + idle_days * 86400,
            absolute_expiry_seconds=START_SECONDS + absolute_days * 86400,
        )

    def present(self, token: str, **changes: object) -> RotateOutcome:
        self.attempts += 1
        wish = a_wish(token, f"new-{self.attempts}", **changes)
        outcome, changed = step(self.session, wish, self.now)
        self.session = changed or self.session
        return outcome

    @rule(seconds=st.sampled_from([1, GRACE_SECONDS - 1, GRACE_SECONDS, GRACE_SECONDS + 1, 3600, 20 * 86400]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def the_current_token_is_presented(self) -> None:
        live = is_live(self.session, self.now) and not self.over
        outcome = self.present(self.issued[-1])
        if not live:
            assert outcome == Unknown()
            return
        assert isinstance(outcome, Rotated)
        assert self.session.current_hash is not None
        self.issued.append(self.session.current_hash)
        self.spent_at.append(self.now)

    @precondition(lambda self: self.spent_at)
    @rule()
    def the_last_spent_token_is_presented(self) -> None:
        live = is_live(self.session, self.now) and not self.over
        in_time = self.now - self.spent_at[-1] <= GRACE_SECONDS
        before = self.session
        outcome = self.present(self.issued[-2])
        if not live:
            assert outcome == Unknown()
        elif in_time:
            assert isinstance(outcome, Graced)
            assert outcome.sealed_successor == f"sealed {self.issued[-1]}"
            assert self.session == before
        else:
            assert isinstance(outcome, Reused)
            self.over = True

    @precondition(lambda self: len(self.issued) > 2)
    @rule(data=st.data())
    def an_older_token_is_presented(self, data: st.DataObject) -> None:
        live = is_live(self.session, self.now) and not self.over
        outcome = self.present(data.draw(st.sampled_from(self.issued[:-2])))
        assert isinstance(outcome, Reused if live else Unknown)
        self.over = self.over or live

    @rule(data=st.data())
    def another_client_presents_any_token(self, data: st.DataObject) -> None:
        before = self.session
        assert self.present(data.draw(st.sampled_from(self.issued)), client_id="thief") == Unknown()
        assert self.session == before

    @rule()
    def the_session_is_revoked(self) -> None:
        self.session = ended(self.session, "revoked", self.now)
        self.over = True

    @invariant()
    def what_is_over_stays_over(self) -> None:
        assert (self.session.state == "ended") == self.over
        if self.over:
            assert self.session.current_hash is None
            assert self.session.sealed_successor is None

    @invariant()
    def nothing_outlives_the_absolute_expiry(self) -> None:
        assert self.session.idle_expiry_seconds <= self.session.absolute_expiry_seconds


TestFamily = Family.TestCase
TestFamily.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
