"""Faults on demand: what a test tells the emulator to get wrong, and for how many requests.

Set in process (``emulator.faults.set(...)``) or over ``POST /_emulator/faults`` on the back channel;
consulted by the endpoints. Must do nothing unless told to.
"""

from dataclasses import dataclass
from typing import Final

TOKEN_FAULTS: Final = (
    *("bad_signature", "wrong_nonce", "wrong_audience", "wrong_issuer", "expired", "not_yet_valid"),
    *("no_id_token", "unknown_key"),
)
KINDS: Final = (*TOKEN_FAULTS, "token_error", "access_denied", "user_disabled", "slow", "down")


@dataclass
class Fault:
    """One fault: its parameters, and how many more requests it strikes (None: until cleared)."""

    kind: str
    username: str | None = None
    seconds: float = 0.0
    times: int | None = None


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def set(
        self, kind: str, *, username: str | None = None, seconds: float = 0.0, times: int | None = None
    ) -> None:
        """Put a fault in force, in place of an earlier one of its kind.

        Args:
            kind: one of ``KINDS``.
            username: of whom ``user_disabled`` speaks.
            seconds: how long ``slow`` waits before it answers.
            times: strike this many requests, then no more; all of them when None.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no such fault: there are {', '.join(KINDS)}")
        self._faults[kind] = Fault(kind, username, seconds, times)

    def clear(self) -> None:
        """Put every fault out of force."""
        self._faults.clear()

    def strikes(self, kind: str) -> Fault | None:
        """Return the fault when it strikes this request, and count the request."""
        fault = self._faults.get(kind)
        if fault is None:
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self._faults[kind]
        return fault

    def is_disabled(self, username: str) -> bool:
        """Say whether this account is disabled."""
        fault = self._faults.get("user_disabled")
        return fault is not None and fault.username in (None, username)
