"""The SQLite file: transactions that never yield, patience with other processes, faults, migrations,
sweeping.
"""

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import gevent
import greenlet
import pytest
from cryptography.fernet import Fernet

from authserver.cipher import Cipher
from authserver.errors import StoreUnavailable
from authserver.store import SqliteStore, Store
from authserver.store import sqlite_schema as schema
from authserver.store.sqlite_file import SqliteFile
from tests.authserver.store.backends import (
    START_SECONDS,
    FakeClock,
    a_client,
    a_code,
    a_login,
    a_session,
    a_wish,
)
from tests.authserver.store.test_contract_records import a_key
from tests.support.waiting import wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "authserver.db"


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    opened = open_store(path, clock)
    yield opened
    opened.close()


def open_store(path: Path, clock: Callable[[], float], deadline_seconds: float = 10.0) -> SqliteStore:
    return SqliteStore(
        path, clock, Cipher([Fernet.generate_key().decode()]), deadline_seconds=deadline_seconds
    )


def use_every_verb(store: Store) -> None:
    store.add_client(a_client())
    store.get_client("client-1")
    store.touch_client("client-1")
    store.put_login("state", a_login(), 60)
    store.take_login("state")
    store.put_code("code", a_code(), 60)
    store.take_code("code")
    store.open_session(a_session())
    store.rotate(a_wish("token-0", "token-1"))
    store.sessions_of("tid-1", "oid-1")
    store.list_sessions()
    store.end_session("sid-1", "revoked")
    store.end_session("sid-2", "revoked")
    store.add_key_once(a_key(1, "kid"))
    store.swap_key(a_key(1, "kid"), a_key(1, "kid"))
    store.list_keys()
    store.remove_key(1)
    store.add_once("jti", "x", 60)
    use_every_record_verb(store)
    store.ended_since(0)
    store.list_clients()
    store.update_client(a_client())
    store.remove_client("client-1")
    store.check()


def use_every_record_verb(store: Store) -> None:
    store.put_record("thing", "put", "text", START_SECONDS + 60)
    store.add_record("thing", "added", "text", START_SECONDS + 60)
    store.swap_record("thing", "added", "text", "other", START_SECONDS + 60)
    store.get_record("thing", "added")
    store.take_record("thing", "added")
    store.remove_record("thing", "added")
    store.list_records("thing")


@contextmanager
def hub_that_fails_inside_a_transaction(connection: sqlite3.Connection) -> Iterator[list[str]]:
    """Collect a complaint for every greenlet switch between a BEGIN and its COMMIT, and the statements
    seen.
    """
    complaints: list[str] = []

    def on_switch(event: str, _: object) -> None:
        if connection.in_transaction:
            complaints.append(event)

    greenlet.settrace(on_switch)
    try:
        yield complaints
    finally:
        greenlet.settrace(None)


def connection_of(store: SqliteStore) -> sqlite3.Connection:
    return store._file.connection()


def test_no_verb_yields_inside_a_transaction(store: SqliteStore) -> None:
    with hub_that_fails_inside_a_transaction(connection_of(store)) as complaints:
        # Another greenlet is always ready to run, so that a yield would be taken.
        other = gevent.spawn(lambda: [gevent.sleep(0) for _ in range(1000)])
        use_every_verb(store)
        gevent.spawn(use_every_verb, store).join()
        other.kill()
    assert complaints == []


def test_the_hub_would_have_noticed_a_yield_inside_a_transaction(store: SqliteStore) -> None:
    connection = connection_of(store)
    with hub_that_fails_inside_a_transaction(connection) as complaints:
        connection.execute("BEGIN IMMEDIATE")
        gevent.sleep(0)
        connection.execute("ROLLBACK")
    assert complaints


def test_every_statement_is_compiled_before_the_first_transaction(store: SqliteStore) -> None:
    compiled: list[object] = []

    def authorize(*about: object) -> int:
        compiled.append(about)
        return sqlite3.SQLITE_OK

    connection = connection_of(store)
    connection.execute("BEGIN")
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")
    # SQLite asks the authorizer while it compiles, and only then.
    connection.set_authorizer(authorize)
    for sql in schema.ALL:
        with pytest.raises(sqlite3.ProgrammingError):
            connection.execute(sql)
    assert compiled == []
    connection.execute("SELECT 1 FROM clients")
    assert compiled != []
    connection.set_authorizer(None)


def test_what_is_acknowledged_is_synced_to_the_disk(store: SqliteStore) -> None:
    connection = connection_of(store)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (0,)


def test_the_file_and_its_folder_are_for_their_owner_alone(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "new" / "folder" / "state.db"
    with closing(open_store(path, clock)) as store:
        store.check()
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_while_another_process_holds_the_lock_the_others_go_on_and_the_write_waits(
    store: SqliteStore, path: Path
) -> None:
    store.check()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        attempts: list[str] = []
        connection_of(store).set_trace_callback(attempts.append)
        writer = gevent.spawn(store.add_client, a_client())
        wait_until(lambda: attempts.count("BEGIN IMMEDIATE") > 3, "attempts")
        assert not writer.ready()
        assert store.get_client("client-1") is None
        other.execute("COMMIT")
    writer.get(timeout=10)
    assert store.get_client("client-1") is not None


def test_a_lock_held_past_the_deadline_is_unavailability(path: Path, clock: FakeClock) -> None:
    with (
        closing(open_store(path, clock, deadline_seconds=0.02)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        store.check()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as caught:
            store.add_client(a_client())
        assert caught.value.retry_after_seconds >= 1
        other.execute("ROLLBACK")
        store.add_client(a_client())


def test_a_full_disk_is_unavailability_and_is_recovered_from(store: SqliteStore) -> None:
    connection = connection_of(store)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="full"):
        store.add_client(a_client("too much", client_name="x" * 50_000))
    assert store.get_client("too much") is None
    store.check()
    store.add_client(a_client("after", client_name="x" * 50_000))
    assert store.get_client("after") is not None


def test_a_file_that_is_no_database_is_unavailability(path: Path, clock: FakeClock) -> None:
    path.write_bytes(b"not a database" * 1000)
    with closing(open_store(path, clock)) as store, pytest.raises(StoreUnavailable):
        store.check()


def test_a_place_where_no_file_can_be_is_unavailability(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").write_text("in the way")
    with closing(open_store(tmp_path / "file" / "state.db", clock)) as store, pytest.raises(StoreUnavailable):
        store.check()


def test_a_record_that_is_malformed_is_unavailability_and_is_not_quoted(store: SqliteStore) -> None:
    store.add_client(a_client())
    connection_of(store).execute("""UPDATE clients SET record = '{"client_id": "a-secret-value'""")
    with pytest.raises(StoreUnavailable) as caught:
        store.get_client("client-1")
    assert "a-secret-value" not in str(caught.value)


def test_a_file_of_a_newer_version_is_left_alone(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    connection_of(store).execute("PRAGMA user_version = 999")
    with closing(open_store(path, clock)) as older, pytest.raises(StoreUnavailable, match="newer"):
        older.check()
    assert connection_of(store).execute("PRAGMA user_version").fetchone() == (999,)


def test_a_file_of_an_older_version_is_brought_forward_with_what_it_holds(
    store: SqliteStore, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_client(a_client())
    more = ("CREATE TABLE later (id INTEGER)", "ALTER TABLE clients ADD COLUMN later TEXT DEFAULT 'new'")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, more))
    with closing(open_store(path, clock)) as newer:
        assert newer.get_client("client-1") == a_client()
        connection = connection_of(newer)
        assert connection.execute("SELECT later FROM clients").fetchone() == ("new",)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)


def test_what_had_ended_before_the_file_knew_when_is_listed_as_ended_then(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(path, clock)
    for sid in ("active", "ended"):
        store.open_session(a_session(sid))
    store.end_session("ended", "revoked")
    store.end_session("never opened", "revoked")
    connection = connection_of(store)
    # The file as version 1 left it.
    connection.execute("UPDATE sessions SET expires_at = ? WHERE person IS NULL", (START_SECONDS + 86_400,))
    connection.execute("DROP TABLE records")
    connection.execute("DROP INDEX sessions_ended")
    connection.execute("ALTER TABLE sessions DROP COLUMN ended_at")
    connection.execute("PRAGMA user_version = 1")
    store.close()
    clock.advance(60)
    with closing(open_store(path, clock)) as newer:
        assert newer.ended_since(0) == [("ended", START_SECONDS), ("never opened", START_SECONDS)]
        assert [session.sid for session in newer.list_sessions()] == ["active"]


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    store: SqliteStore, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_client(a_client())
    version = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (id)", "NONSENSE")))
    with closing(open_store(path, clock)) as newer, pytest.raises(StoreUnavailable):
        newer.check()
    connection = connection_of(store)
    assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone() == (0,)


def test_expired_rows_are_swept_in_bounded_bites(store: SqliteStore, clock: FakeClock) -> None:
    for number in range(450):
        store.put_login(f"state-{number}", a_login(), 60)
    connection = connection_of(store)

    def count() -> int:
        return int(connection.execute("SELECT count(*) FROM logins").fetchone()[0])

    clock.advance(61)
    left = [count()]
    while left[-1]:
        store.check()
        left.append(count())
        assert left[-1] < left[-2], "a backlog is worked off without waiting for the next interval"
    assert left == [450, 250, 50, 0]


def test_each_table_is_swept_and_what_lives_stays(store: SqliteStore, clock: FakeClock) -> None:
    use_every_verb(store)
    store.put_code("dies", a_code(), 60)
    clock.advance(365 * 86400)
    store.add_client(a_client("lives"))
    store.add_key_once(a_key(2, "lives"))
    store.check()
    counts = {
        table: connection_of(store).execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("clients", "logins", "codes", "sessions", "once", "records", "signing_keys")
    }
    left = {table: number for table, number in counts.items() if number}
    assert left == {"clients": 1, "signing_keys": 2}


def test_nothing_secret_is_readable_in_the_file(store: SqliteStore, path: Path) -> None:
    store.put_login("state", a_login(), 60)
    store.open_session(a_session())
    store.close()
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"the-verifier" not in content
    assert b"the-nonce" not in content
    assert b"sid-1" in content


def test_no_connection_is_open_across_a_fork_and_both_processes_go_on(path: Path) -> None:
    file = SqliteFile(path, 10.0)
    before = file.connection()
    add = "INSERT INTO once (namespace, key, expires_at) VALUES ('fork', ?, 1) RETURNING 1"
    child = os.fork()
    if child == 0:
        # Nothing of the test runner may run here.
        succeeded = False
        try:
            with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                before.execute("SELECT 1")
            succeeded = file.write((add, ("child",))) == [[(1,)]]
        finally:
            os._exit(0 if succeeded else 1)
    assert file.write((add, ("parent",))) == [[(1,)]]
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(file.read(("SELECT key FROM once WHERE namespace = ?", ("fork",)))) == 2
    file.close()


def test_real_time_is_only_used_for_patience(store: SqliteStore, clock: FakeClock) -> None:
    clock.now = time.time() + 10 * 365 * 86400
    store.put_code("code", a_code(), 60)
    assert store.take_code("code") == a_code()
