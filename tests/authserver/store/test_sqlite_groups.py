"""Writes of one moment share one transaction, and nobody's fate depends on who else was in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from authserver.errors import StoreUnavailable
from authserver.store.sqlite_file import SqliteFile
from authserver.store.sqlite_group import Statement

ADD = (
    "INSERT INTO once (namespace, key, expires_at) VALUES ('test', ?, 1) ON CONFLICT DO NOTHING RETURNING key"
)
COUNT = ("SELECT count(*) FROM once WHERE namespace = ?", ("test",))


def add(key: object) -> Statement:
    return (ADD, (key,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "authserver.db"


@pytest.fixture
def file(path: Path) -> Iterator[SqliteFile]:
    opened = SqliteFile(path, 0.05)
    opened.connection()
    yield opened
    opened.close()


def count(file: SqliteFile) -> int:
    return int(file.read(COUNT)[0][0])


def test_writes_of_one_moment_share_one_commit(file: SqliteFile) -> None:
    seen: list[str] = []
    file.connection().set_trace_callback(seen.append)
    writers = [gevent.spawn(file.write, add(f"key-{number}")) for number in range(50)]
    gevent.joinall(writers, raise_error=True)
    assert [writer.get() for writer in writers] == [[[(f"key-{number}",)]] for number in range(50)]
    assert seen.count("COMMIT") == 1
    assert count(file) == 50


def test_each_batch_gets_its_own_rows(file: SqliteFile) -> None:
    file.write(add("there"))
    one = gevent.spawn(file.write, add("a"), add("there"), add("b"))
    two = gevent.spawn(file.write, add("a"), add("c"))
    gevent.joinall([one, two], raise_error=True)
    assert one.get() == [[("a",)], [], [("b",)]]
    assert two.get() == [[], [("c",)]]


def test_a_batch_that_is_wrong_fails_alone_and_leaves_nothing_behind(file: SqliteFile) -> None:
    good = [gevent.spawn(file.write, add("before"))]
    wrong = gevent.spawn(file.write, add("half"), ("INSERT INTO once VALUES (?, 'x', NULL)", ("test",)))
    unreadable = gevent.spawn(file.write, add("\ud800"))
    good.append(gevent.spawn(file.write, add("after")))
    gevent.joinall(good, raise_error=True)
    with pytest.raises(sqlite3.IntegrityError):
        wrong.get()
    with pytest.raises(UnicodeEncodeError):
        unreadable.get()
    assert [writer.get() for writer in good] == [[[("before",)]], [[("after",)]]]
    assert count(file) == 2


def test_when_the_file_is_locked_everybody_is_told_once_each(file: SqliteFile, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writers = [gevent.spawn(file.write, add(number)) for number in range(5)]
        gevent.joinall(writers)
        other.execute("ROLLBACK")
    errors = [writer.exception for writer in writers]
    assert all(isinstance(error, StoreUnavailable) for error in errors)
    assert len(set(map(id, errors))) == 5
    assert count(file) == 0
    file.write(add("recovered"))
    assert count(file) == 1


def test_a_writer_that_is_killed_takes_nobody_with_it(file: SqliteFile) -> None:
    leader = gevent.spawn(file.write, add("leader"))
    others = [gevent.spawn(file.write, add(f"other-{number}")) for number in range(3)]
    # The leader has begun to gather and the others have joined; it is killed before its turn comes.
    gevent.spawn(leader.kill, block=False)
    gevent.joinall(others, raise_error=True, timeout=10)
    leader.join()
    assert isinstance(leader.value, gevent.GreenletExit)
    assert all(writer.get() for writer in others)
    file.write(add("next"))
    assert count(file) == 5


def test_who_waits_and_is_killed_disturbs_nobody(file: SqliteFile) -> None:
    writers = [gevent.spawn(file.write, add(number)) for number in range(4)]
    gevent.spawn(writers[2].kill, block=False)
    gevent.joinall([writers[0], writers[1], writers[3]], raise_error=True, timeout=10)
    assert isinstance(writers[2].value, gevent.GreenletExit)
    assert count(file) == 4
