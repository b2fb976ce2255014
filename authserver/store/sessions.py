"""The session verbs that read, decide and swap: written once, for any backend with a compare-and-swap.

Called by the backends. Must not know how a cell is kept: ``family`` decides, the backend swaps, and a swap
that fails means that somebody else's change was made in between, so the decision is taken again on what
they left.
"""

from typing import Final, Protocol

from authserver.errors import StoreUnavailable
from authserver.model import Session
from authserver.store import family, records
from authserver.store.protocols import VAULT

# Each failed swap is somebody else's success, and a family has few states: this many in a row is a fault.
_ATTEMPTS: Final = 100
# A sid that was ended before its session was opened; JSON never begins like this.
_TOMBSTONE: Final = "ended:"


class SessionCells(Protocol):
    """One text per sid, and the records beside it."""

    def remove_record(self, kind: str, name: str) -> bool:
        """Remove a record; say whether there was one."""

    def read_cell(self, sid: str) -> str | None:
        """Return the text kept for this sid, None when there is none or it may be forgotten."""

    def swap_cell(
        self, sid: str, seen: str | None, text: str, session: Session | None, keep_until_seconds: int
    ) -> bool:
        """Atomic: put the text in place of what was seen (None: of nothing); False when it is not there any
        more.

        Args:
            sid: whose cell.
            seen: the text as read, to the byte.
            text: what to keep.
            session: what the text says, None for a tombstone; for the backend's indexes of people and
                of what has ended.
            keep_until_seconds: when it may be forgotten.
        """


def session_in(text: str | None) -> Session | None:
    """Return the session a cell's text says; None for an empty cell and for a tombstone."""
    return None if text is None or text.startswith(_TOMBSTONE) else records.decode_session(text)


def open_session(cells: SessionCells, session: Session, now_seconds: int) -> bool:
    """Keep a new session unless its sid has one; over a tombstone it is ended from the start."""
    for _ in range(_ATTEMPTS):
        text = cells.read_cell(session.sid)
        kept = session
        if text is not None:
            if not text.startswith(_TOMBSTONE):
                return False
            kept = family.ended(session, text.removeprefix(_TOMBSTONE), now_seconds)
        if _swap(cells, session.sid, text, kept, now_seconds):
            return True
    raise _too_fast()


def rotate(cells: SessionCells, wish: family.Rotation, now_seconds: int) -> family.RotateOutcome:
    """Apply ``family.step`` atomically."""
    for _ in range(_ATTEMPTS):
        text = cells.read_cell(wish.sid)
        outcome, changed = family.step(session_in(text), wish, now_seconds)
        if changed is None or _swap(cells, wish.sid, text, changed, now_seconds):
            if isinstance(outcome, family.Reused):
                cells.remove_record(VAULT, wish.sid)
            return outcome
    raise _too_fast()


def end_session(cells: SessionCells, sid: str, reason: str, now_seconds: int) -> bool:
    """Apply ``family.ended`` atomically, or leave a tombstone where there is no session yet."""
    for _ in range(_ATTEMPTS):
        text = cells.read_cell(sid)
        if text is None:
            keep_until_seconds = now_seconds + family.ENDED_RETENTION_SECONDS
            done = cells.swap_cell(sid, None, _TOMBSTONE + reason, None, keep_until_seconds)
        else:
            session = session_in(text)
            if session is None or session.state == "ended":
                # Whoever ended it may have been cut off before this.
                cells.remove_record(VAULT, sid)
                return False
            done = _swap(cells, sid, text, family.ended(session, reason, now_seconds), now_seconds)
        if done:
            cells.remove_record(VAULT, sid)
            return True
    raise _too_fast()


def _swap(cells: SessionCells, sid: str, seen: str | None, session: Session, now_seconds: int) -> bool:
    keep_until_seconds = family.forget_after_seconds(session, now_seconds)
    return cells.swap_cell(sid, seen, records.encode(session), session, keep_until_seconds)


def _too_fast() -> StoreUnavailable:
    return StoreUnavailable("a session changed faster than it could be written")
