"""The session and its refresh token family: every state change of both is a pure function in this file.

::

    (absent)  --open-->    ACTIVE
    (absent)  --end-->     TOMBSTONE   (its code was replayed before the session was opened)
    TOMBSTONE --open-->    ENDED
    ACTIVE    --rotate-->  GRACED
    GRACED    --the same request again within GRACE_SECONDS-->      GRACED  (same successor, nothing changes)
    GRACED    --the successor is used-->                            GRACED  (one token further)
    GRACED    --the predecessor later, or asking for other things--> ENDED
    ACTIVE, GRACED  --any older token of the family-->              ENDED
    ACTIVE, GRACED  --revoked, code replayed, …-->                  ENDED   (which is final)

ACTIVE and GRACED are both stored as ``state="active"``; graced means that ``predecessor_hash`` is set and
young. Called by both backends, which apply a returned session with a compare-and-swap; a tombstone is theirs
(``sessions``). Must not do I/O or read a clock.
"""

from dataclasses import dataclass, replace
from typing import Final

from authserver.model import Identity, Session

# A client whose answer was lost, or that refreshes from two places at once, repeats itself within this time.
GRACE_SECONDS: Final = 60
# How long an ended session is remembered: past the longest life of a code, and of an access token (a day) by
# clocks that differ.
ENDED_RETENTION_SECONDS: Final = 86_400 + 600
REUSE_REASON: Final = "refresh_token_reused"


@dataclass(frozen=True, slots=True)
class Rotation:
    """A wish to rotate.

    Attributes:
        presented_hash: digest of a refresh token whose tag proved that this server made it for this sid;
            without that proof a guess could end somebody's session.
        successor_hash: digest of the token that shall replace it.
        sealed_successor: that token, readable only with the presented one.
        scopes: the scopes this refresh results in (the session's own when the request named none).
        verified: who the person is as Entra says now, and when it said so; kept with the session.
    """

    sid: str
    client_id: str
    resource: str
    scopes: tuple[str, ...]
    presented_hash: str
    successor_hash: str
    sealed_successor: str
    verified: tuple[Identity, int] | None = None


@dataclass(frozen=True, slots=True)
class Rotated:
    """The presented token was current; the successor now is. ``session`` is the record after the change."""

    session: Session


@dataclass(frozen=True, slots=True)
class Graced:
    """A repetition within the grace: answer with the successor that was made the first time."""

    session: Session
    sealed_successor: str


@dataclass(frozen=True, slots=True)
class Reused:
    """A spent token came back: this call ended the session (to be audited; answered with invalid_grant)."""

    session: Session


@dataclass(frozen=True, slots=True)
class Unknown:
    """No living session of this client under that sid: nothing changed (invalid_grant)."""


RotateOutcome = Rotated | Graced | Reused | Unknown


def is_live(session: Session, now_seconds: int) -> bool:
    """Say whether the session is active and neither idle nor absolute expiry has passed."""
    return session.state == "active" and now_seconds < session.idle_expiry_seconds


def step(session: Session | None, wish: Rotation, now_seconds: int) -> tuple[RotateOutcome, Session | None]:
    """Decide what a presented refresh token does to its session.

    Returns:
        the outcome, and the session to store in place of the one given (None: store nothing).
    """
    if session is None or not is_live(session, now_seconds) or session.client_id != wish.client_id:
        return Unknown(), None
    if session.current_hash is not None and session.current_hash == wish.presented_hash:
        rotated = _rotated(session, wish, now_seconds)
        return Rotated(rotated), rotated
    if _is_graced(session, wish, now_seconds) and session.sealed_successor is not None:
        return Graced(session, session.sealed_successor), None
    # OAuth 2.1 §4.3.1, RFC 9700 §4.14.2: a spent token means that somebody else may hold one; nobody keeps
    # theirs.
    over = ended(session, REUSE_REASON, now_seconds)
    return Reused(over), over


def ended(session: Session, reason: str, now_seconds: int) -> Session:
    """Return the session ended; an ended one keeps its first reason and time."""
    if session.state == "ended":
        return session
    return replace(
        session,
        state="ended",
        end_reason=reason,
        ended_at_seconds=now_seconds,
        current_hash=None,
        predecessor_hash=None,
        sealed_successor=None,
    )


def forget_after_seconds(session: Session, now_seconds: int) -> int:
    """Return when the store may forget this record."""
    if session.state == "ended":
        return (session.ended_at_seconds or now_seconds) + ENDED_RETENTION_SECONDS
    # Its last access token outlives an idle session a little, and /revoke may still name it.
    return session.idle_expiry_seconds + ENDED_RETENTION_SECONDS


def _rotated(session: Session, wish: Rotation, now_seconds: int) -> Session:
    idle_expiry_seconds = min(now_seconds + session.idle_lifetime_seconds, session.absolute_expiry_seconds)
    identity, upstream_checked_at_seconds = wish.verified or (
        session.identity,
        session.upstream_checked_at_seconds,
    )
    return replace(
        session,
        identity=identity,
        upstream_checked_at_seconds=upstream_checked_at_seconds,
        current_hash=wish.successor_hash,
        predecessor_hash=wish.presented_hash,
        predecessor_rotated_at_seconds=now_seconds,
        predecessor_scopes=wish.scopes,
        sealed_successor=wish.sealed_successor,
        last_used_at_seconds=now_seconds,
        idle_expiry_seconds=idle_expiry_seconds,
    )


def _is_graced(session: Session, wish: Rotation, now_seconds: int) -> bool:
    rotated_at_seconds = session.predecessor_rotated_at_seconds
    return (
        session.predecessor_hash == wish.presented_hash
        and rotated_at_seconds is not None
        and now_seconds - rotated_at_seconds <= GRACE_SECONDS
        and session.resource == wish.resource
        and sorted(session.predecessor_scopes) == sorted(wish.scopes)
    )
