"""The device authorization (RFC 8628) and its states: every change is a pure function in this file.

::

    (absent)  --a device asks-->                   PENDING
    PENDING   --the device polls-->                PENDING   (too soon: with a longer interval)
    PENDING   --a person allows it and signs in--> APPROVED  (with who, which scopes, and the sid to open)
    PENDING   --a person denies it-->              DENIED    (final)
    APPROVED  --the device polls: taken-->         (absent)  (exactly one poll gets the tokens)
    PENDING, APPROVED, DENIED  --its lifetime-->   EXPIRED   (a function of the clock, nothing is written)

``oauth.device.requests`` keeps the record and swaps it; ``web.device`` and the device code grant ask for the
changes. Must not do I/O or read a clock.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from authserver.model import Identity

# RFC 8628 3.2: what a device waits between two polls unless told otherwise, and by how much more after
# slow_down (3.5).
POLL_INTERVAL_SECONDS: Final = 5
_SLOWER_BY_SECONDS: Final = 5
# The network makes two polls that were sent an interval apart arrive a little closer together.
_POLL_TOLERANCE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """What a device asked for, and what a person has said to it.

    Attributes:
        user_code_hash: under which the record is found by who types the user code.
        scopes: asked for while pending, granted once approved.
        resource: canonical URI.
        address: from where it was asked for, as the trusted edge saw it; for the person to compare.
        program: the family of the user agent that asked; likewise.
        sid: of the session that redemption opens; set when approved.
        identity: who approved.
    """

    client_id: str
    user_code_hash: str
    scopes: tuple[str, ...]
    resource: str
    address: str
    program: str
    created_at_seconds: int
    expires_at_seconds: int
    state: Literal["pending", "approved", "denied"] = "pending"
    interval_seconds: int = POLL_INTERVAL_SECONDS
    polled_at_seconds: float | None = None
    sid: str | None = None
    identity: Identity | None = None


def is_expired(record: DeviceAuthorization, now: float) -> bool:
    """Say whether nobody may decide or redeem it any more."""
    return now >= record.expires_at_seconds


def is_waiting(record: DeviceAuthorization, now: float) -> bool:
    """Say whether a person may still decide."""
    return record.state == "pending" and not is_expired(record, now)


def polled(record: DeviceAuthorization, now: float) -> tuple[DeviceAuthorization, bool]:
    """Return a pending record after a poll, and whether the device polls too fast (RFC 8628 3.5)."""
    since = None if record.polled_at_seconds is None else now - record.polled_at_seconds
    is_too_fast = since is not None and since < record.interval_seconds - _POLL_TOLERANCE_SECONDS
    slower_by_seconds = _SLOWER_BY_SECONDS if is_too_fast else 0
    interval_seconds = record.interval_seconds + slower_by_seconds
    return replace(record, polled_at_seconds=now, interval_seconds=interval_seconds), is_too_fast


def approved(
    record: DeviceAuthorization, identity: Identity, scopes: tuple[str, ...], sid: str
) -> DeviceAuthorization:
    """Return a pending record as this person approved it."""
    return replace(record, state="approved", identity=identity, scopes=scopes, sid=sid)


def denied(record: DeviceAuthorization) -> DeviceAuthorization:
    """Return a pending record as a person denied it."""
    return replace(record, state="denied")
