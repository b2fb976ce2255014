"""The SQLite file under gevent: one connection, short transactions that never yield, patient retries.

Used by ``sqlite.SqliteStore`` alone. How it works: all greenlets of a process share one connection, those
that write at the same moment share one transaction (``sqlite_group``), and a transaction is a fixed batch
of statements, compiled and filled in beforehand, run from BEGIN IMMEDIATE to COMMIT without anything in
between that could switch greenlets. (One switch inside a write transaction would let another greenlet write
into it, or let another process hold up the whole hub.) SQLite itself never waits (``busy_timeout`` is 0):
when another process holds the lock, the greenlet sleeps a little, cooperatively, and tries again until the
deadline. WAL and ``synchronous=FULL``: when ``write`` has returned, the change survives kill -9 and power
loss. Must not log, measure, or take locks between BEGIN and COMMIT.
"""

import os
import random
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from authserver.errors import StoreUnavailable
from authserver.store import sqlite_schema as schema
from authserver.store.sqlite_group import Row, Statement, WriteGroup

_T = TypeVar("_T")

_FIRST_PAUSE_SECONDS: Final = 0.001
_LONGEST_PAUSE_SECONDS: Final = 0.025
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY_CODE_MASK: Final = 0xFF


class SqliteFile:
    """Reads and writes one file.

    Args:
        path: the file; it and its folder are made when missing, readable by their owner only.
        deadline_seconds: how long an operation may wait for other processes.
    """

    def __init__(self, path: Path, deadline_seconds: float) -> None:
        self._path = path
        self._deadline_seconds = deadline_seconds
        self._opened: sqlite3.Connection | None = None
        self._gathering: WriteGroup | None = None
        # SQLite keeps its locks by process, and a connection, even an idle one, must not be open across a
        # fork (sqlite.org/howtocorrupt.html §2.6): parent and child both open anew when they next need one.
        close = weakref.WeakMethod(self.close)
        os.register_at_fork(before=lambda: _call(close()))

    def read(self, statement: Statement) -> list[Row]:
        """Return the rows of one SELECT."""
        return self._patiently(lambda connection: connection.execute(*statement).fetchall())

    def write(self, *batch: Statement) -> list[list[Row]]:
        """Run the statements in one transaction, durable when this returns; return the rows of each."""
        gathering = self._gathering
        if gathering is not None:
            return gathering.outcome(gathering.join(batch))
        group = self._gathering = WriteGroup()
        place = group.join(batch)
        try:
            time.sleep(0)  # gevent's where time is patched: whoever is ready to write, joins
        finally:
            # Also when this greenlet is killed: others rely on it by now.
            self._gathering = None
            group.commit(self._commit)
        return group.outcome(place)

    def _commit(self, statements: Sequence[Statement]) -> list[list[Row]]:
        return self._patiently(lambda connection: _transact(connection, statements))

    def connection(self) -> sqlite3.Connection:
        """Return this process's connection, opened, migrated and with its statements compiled."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        connection, self._opened = self._opened, None
        if connection is not None:
            connection.close()

    def _patiently(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        give_up_at = time.monotonic() + self._deadline_seconds
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return work(self.connection())
            except sqlite3.DatabaseError as error:
                self._refuse_unless_busy(error, give_up_at)
            except OSError as error:
                raise StoreUnavailable(f"state file: {type(error).__name__}") from error
            # gevent's sleep where time is patched: other greenlets go on meanwhile.
            time.sleep(pause_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def _refuse_unless_busy(self, error: sqlite3.DatabaseError, give_up_at: float) -> None:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise error
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE_MASK
        if code in _BUSY:
            if time.monotonic() < give_up_at:
                return
            raise StoreUnavailable("state file: locked past the deadline", retry_after_seconds=1) from error
        # Full disk, I/O error, not a database …: a fresh connection is what recovers once the cause is gone.
        with suppress(sqlite3.Error):
            self.close()
        raise StoreUnavailable(f"state file: {error}") from error

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=0, isolation_level=None, cached_statements=2 * len(schema.ALL)
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection)
            _compile(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()


def _transact(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[list[Row]]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = [connection.execute(sql, values).fetchall() for sql, values in statements]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results


def _migrate(connection: sqlite3.Connection) -> None:
    latest = len(schema.MIGRATIONS)
    if _version(connection) == latest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again under the lock: another worker may have been quicker.
        version = _version(connection)
        if version > latest:
            raise StoreUnavailable(
                f"state file: schema {version} was written by a newer version of this server"
            )
        for statement in (s for migration in schema.MIGRATIONS[version:] for s in migration):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {latest}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _compile(connection: sqlite3.Connection) -> None:
    # sqlite3 compiles a statement into its cache before it looks for the values, and runs nothing without
    # them.
    for sql in schema.ALL:
        with suppress(sqlite3.ProgrammingError):
            connection.execute(sql)
