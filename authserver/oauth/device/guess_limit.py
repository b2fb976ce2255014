"""How many user codes may be tried (RFC 8628 5.1): by one network, and by everybody together.

Called by ``web.device`` before a code is looked up. Every try is counted in the store before its answer is
known: parallel tries and several workers are all seen. One that was right is given back: many people behind
one address may connect devices. Must not know what is tried.
"""

from typing import Final

from authserver.errors import AuthServerError, StoreUnavailable
from authserver.model import Clock
from authserver.store.protocols import RecordStore

WINDOW_SECONDS: Final = 600
# Somebody who mistypes, and a few colleagues behind the same address.
MOST_FROM_ONE_NETWORK: Final = 20
# Of 20^8 codes: one guess in 25 million hits a given code, while strangers can lock the page only for
# minutes.
MOST_IN_TOTAL: Final = 1000
_KIND: Final = "user-code-guesses"
_TOTAL: Final = "total"
_ATTEMPTS: Final = 100


class TooManyGuesses(AuthServerError):
    """Enough was tried for now.

    Args:
        scope: who tried too often, for the audit.
        retry_after_seconds: when trying is allowed again.
    """

    def __init__(self, scope: str, retry_after_seconds: int) -> None:
        super().__init__(f"too many user codes were tried: {scope}")
        self.scope = scope
        self.retry_after_seconds = retry_after_seconds


class GuessLimit:
    """Args: records: the store; clock: seconds since 1970."""

    def __init__(self, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def count(self, network: str) -> None:
        """Count one try.

        Raises:
            TooManyGuesses: it must not be looked at.
        """
        window, into_seconds = divmod(int(self._clock()), WINDOW_SECONDS)
        # Who is over their own limit does not use up what everybody has.
        for name, most, scope in (
            (f"from {network}", MOST_FROM_ONE_NETWORK, "network"),
            (_TOTAL, MOST_IN_TOTAL, "total"),
        ):
            if self._add(f"{window} {name}", _end_of(window), most) > most:
                raise TooManyGuesses(scope, WINDOW_SECONDS - into_seconds)

    def give_back(self, network: str) -> None:
        """Uncount a try that was right: who knows a code has guessed none."""
        window = int(self._clock()) // WINDOW_SECONDS
        for name in (f"from {network}", _TOTAL):
            self._subtract(f"{window} {name}", _end_of(window))

    def _add(self, name: str, expires_at_seconds: int, most: int) -> int:
        for _ in range(_ATTEMPTS):
            seen = self._records.get_record(_KIND, name)
            if seen is None:
                if self._records.add_record(_KIND, name, "1", expires_at_seconds):
                    return 1
                continue
            count = int(seen) + 1
            # What is over the limit is not written: a storm of guesses is no storm of writes.
            if count > most or self._records.swap_record(_KIND, name, seen, str(count), expires_at_seconds):
                return count
        raise StoreUnavailable("guesses came faster than they could be counted")

    def _subtract(self, name: str, expires_at_seconds: int) -> None:
        for _ in range(_ATTEMPTS):
            seen = self._records.get_record(_KIND, name)
            if seen is None or int(seen) == 0:
                return
            if self._records.swap_record(_KIND, name, seen, str(int(seen) - 1), expires_at_seconds):
                return


def _end_of(window: int) -> int:
    return (window + 1) * WINDOW_SECONDS
