"""Group commit: greenlets that want to write at the same moment share one transaction and its one fsync.

Used by ``sqlite_file`` alone. The first to come leads: it lets the others run once, so that whoever is
ready to write joins, then commits for all and wakes them. Nobody is told anything before the transaction is
durable. The statements of a batch run one after the other as they would alone, because each decides by what
it finds. Must not touch the connection: how to commit is given by the caller.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from authserver.errors import StoreUnavailable

Row = tuple[Any, ...]
Statement = tuple[str, tuple[object, ...]]
Batch = tuple[Statement, ...]
Rows = list[list[Row]]
Commit = Callable[[Sequence[Statement]], Rows]


class WriteGroup:
    """Batches of several greenlets on the way to one transaction."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._outcomes: list[Rows | Exception] = []
        # gevent's where threads are patched; without gevent there is nobody else to wake.
        self._done = threading.Event()

    def join(self, batch: Batch) -> int:
        """Add a batch; return its place."""
        self._batches.append(batch)
        return len(self._batches) - 1

    def commit(self, commit: Commit) -> None:
        """Commit all batches and wake who waits; called once, by the leader."""
        try:
            self._outcomes = self._together(commit)
        finally:
            self._done.set()

    def outcome(self, place: int) -> Rows:
        """Wait for the commit; return the rows of each statement of the batch at that place.

        Raises:
            StoreUnavailable: when the transaction could not be committed.
            Exception: what was wrong with this batch; the others are not concerned.
        """
        self._done.wait()
        if not self._outcomes:
            raise StoreUnavailable("state file: the commit was broken off")
        outcome = self._outcomes[place]
        if isinstance(outcome, StoreUnavailable):
            # One for each who waited: an exception that is raised in two greenlets mixes their tracebacks.
            raise StoreUnavailable(
                outcome.private_detail, retry_after_seconds=outcome.retry_after_seconds
            ) from outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _together(self, commit: Commit) -> list[Rows | Exception]:
        try:
            rows = commit([statement for batch in self._batches for statement in batch])
        except StoreUnavailable as error:
            return [error] * len(self._batches)
        except Exception:  # somebody's batch is wrong: each for itself, to see whose
            return [_alone(commit, batch) for batch in self._batches]
        outcomes: list[Rows | Exception] = []
        for batch in self._batches:
            outcomes.append(rows[: len(batch)])
            rows = rows[len(batch) :]
        return outcomes


def _alone(commit: Commit, batch: Batch) -> Rows | Exception:
    try:
        return commit(batch)
    except Exception as error:  # handed to whose batch it is
        return error
