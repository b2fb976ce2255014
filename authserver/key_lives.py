"""Where each signing key stands in its life, and when the next one is due: pure functions of the records.

A key's life is a function of its times and of its successors'; nothing is switched by hand::

    ANNOUNCED  in the JWKS                  until signs_from
    ACTIVE     in the JWKS, signs           until a successor's signs_from
    RETIRING   in the JWKS, verifies only   until its last token has expired
    RETIRED    forgotten
    any but RETIRED --withdraw--> WITHDRAWN  on the revocation list until its last token has expired

Each algorithm has a line of keys of its own; generations are counted over all of them. A key of an algorithm
that nothing uses any more is succeeded by the next key of any algorithm. What has to be done about a line is
its ``next_step``; ``keys`` does it. Must not read a clock or the store.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from authserver.model import SigningAlgorithm, SigningKeyRecord

PUBLISH_AHEAD_SECONDS: Final = 2 * 3600
# Clocks of replicas and gateways differ a little; a key stays published this much longer than its last
# token lives.
RETIRE_MARGIN_SECONDS: Final = 300

KeyState = Literal["announced", "active", "retiring", "retired", "withdrawn"]


@dataclass(frozen=True, slots=True)
class KeyLife:
    """A key's place in the state machine above.

    Attributes:
        signs_until_seconds: when its successor takes over; None: no successor is known yet.
        needed_until_seconds: when its last token has expired; None: not known yet.
    """

    record: SigningKeyRecord
    state: KeyState
    signs_until_seconds: int | None
    needed_until_seconds: int | None

    @property
    def is_published(self) -> bool:
        """Whether the JWKS shows it."""
        return self.state in ("announced", "active", "retiring")


def lives(
    records: Sequence[SigningKeyRecord],
    used: Collection[SigningAlgorithm],
    token_lifetime_seconds: int,
    now_seconds: int,
) -> list[KeyLife]:
    """Return the life of each key.

    Args:
        records: all keys, oldest generation first.
        used: the algorithms that tokens are signed with.
        token_lifetime_seconds: the longest of any access token.
        now_seconds: seconds since 1970.
    """
    return [
        _life(record, _successors(record, records[index + 1 :], used), token_lifetime_seconds, now_seconds)
        for index, record in enumerate(records)
    ]


@dataclass(frozen=True, slots=True)
class Announce:
    """A new key has to be made, to sign from then on."""

    signs_from_seconds: int


@dataclass(frozen=True, slots=True)
class Hurry:
    """This key, announced already, has to sign at once."""

    record: SigningKeyRecord


def next_step(
    found: Sequence[KeyLife],
    algorithm: SigningAlgorithm,
    *,
    waits: bool,
    rotation_seconds: int,
    now_seconds: int,
) -> Announce | Hurry | None:
    """Return what has to be done about a line of keys now.

    Args:
        found: what ``lives`` returned.
        algorithm: the line.
        waits: whether the first key of this line is published ahead like any other, because the tokens can be
            signed with another algorithm until then.
        rotation_seconds: how long a key signs.
        now_seconds: seconds since 1970.
    """
    line = [life for life in found if life.record.algorithm == algorithm]
    announced = [life.record for life in line if life.state == "announced"]
    active = [life.record for life in line if life.state == "active"]
    if active:
        # Due by the newest: another one is announced, or was hurried and is active itself.
        due = active[-1].signs_from_seconds + rotation_seconds
        if announced or now_seconds + PUBLISH_AHEAD_SECONDS < due:
            return None
        return Announce(max(now_seconds + PUBLISH_AHEAD_SECONDS, due))
    was_withdrawn = any(life.state == "withdrawn" for life in line)
    if waits and not was_withdrawn and any(life.state == "active" for life in found):
        return None if announced else Announce(now_seconds + PUBLISH_AHEAD_SECONDS)
    return Hurry(announced[0]) if announced else Announce(now_seconds)


def _successors(
    record: SigningKeyRecord, later: Sequence[SigningKeyRecord], used: Collection[SigningAlgorithm]
) -> list[int]:
    """Return when each successor takes over."""
    return [
        each.signs_from_seconds
        for each in later
        if (each.algorithm == record.algorithm or record.algorithm not in used)
        # One that was withdrawn before it signed never takes over.
        and (each.withdrawn_at_seconds is None or each.withdrawn_at_seconds > each.signs_from_seconds)
    ]


def _life(
    record: SigningKeyRecord, successors: list[int], token_lifetime_seconds: int, now_seconds: int
) -> KeyLife:
    # The earliest successor takes over: one that was hurried may overtake one that is still announced.
    signs_until = min(successors, default=None)
    lifetime = max(record.token_lifetime_seconds, token_lifetime_seconds)
    last_signature = signs_until if record.withdrawn_at_seconds is None else record.withdrawn_at_seconds
    needed_until = None if last_signature is None else last_signature + lifetime + RETIRE_MARGIN_SECONDS
    return KeyLife(record, _state(record, signs_until, needed_until, now_seconds), signs_until, needed_until)


def _state(
    record: SigningKeyRecord, signs_until: int | None, needed_until: int | None, now_seconds: int
) -> KeyState:
    if needed_until is not None and now_seconds >= needed_until:
        return "retired"
    if record.withdrawn_at_seconds is not None:
        return "withdrawn"
    if signs_until is not None and now_seconds >= signs_until:
        return "retiring"
    return "active" if now_seconds >= record.signs_from_seconds else "announced"
