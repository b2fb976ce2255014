"""What the folder backend adds to the contract: where files lie, and what crashes and bad disks leave
behind."""

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import gevent
import pytest
from gevent import monkey

from mcpserver.snippets.folder import FolderStore
from mcpserver.snippets.model import InvalidSnippet, Owner, SnippetNotFound, SnippetStoreUnavailable
from tests.support.waiting import wait_until

SAVER = """
import sys
from pathlib import Path
from mcpserver.snippets.folder import FolderStore
from mcpserver.snippets.model import Owner
store = FolderStore(Path(sys.argv[1]))
for number in range(1_000_000):
    store.save(Owner("tenant", "person"), "example", f"{number} " * 5000)
    print(number, flush=True)
"""
RACER = """
import sys
from pathlib import Path
from mcpserver.snippets.folder import FolderStore
from mcpserver.snippets.model import Expected, Owner, SnippetConflict
store, wins = FolderStore(Path(sys.argv[1])), 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(50):
    try:
        store.save(Owner("tenant", "person"), f"example {number}", sys.argv[2], Expected(None))
    except SnippetConflict:
        continue
    wins += 1
print(wins)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / "snippets"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


def fail_with_full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_snippet_is_a_private_file_named_after_it_in_its_owners_folder(
    store: FolderStore, root: Path, alice: Owner
) -> None:
    store.save(alice, "example", "text")
    folder = root / alice.tenant_id / alice.object_id
    assert (folder / "example.json").read_bytes() == b'{"snippetname":"example","snippet":"text"}'
    assert stat.S_IMODE((folder / "example.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_shared_snippet_lies_directly_in_the_folder(root: Path, alice: Owner) -> None:
    FolderStore(root, shared=True).save(alice, "example", "text")
    assert (root / "example.json").exists()


def test_names_that_differ_in_case_alone_are_different_files_even_where_case_is_ignored(
    store: FolderStore, root: Path, alice: Owner
) -> None:
    for name in ("Name", "name", "NAME", "nAME"):
        store.save(alice, name, name)
    files = [file.name for file in (root / alice.tenant_id / alice.object_id).glob("*.json")]
    assert len({file.lower() for file in files}) == len(files) == 4


@pytest.mark.parametrize("part", ["", "../..", "/", "a/b", "a\x00b", "~"])
def test_an_owner_that_is_no_plain_identifier_is_refused(store: FolderStore, root: Path, part: str) -> None:
    for owner in (Owner(part, "person"), Owner("tenant", part)):
        with pytest.raises(InvalidSnippet):
            store.save(owner, "example", "text")
    assert not root.exists()


@pytest.mark.parametrize("part", [".", "..", "..."])
def test_an_owner_made_of_full_stops_stays_inside_the_folder(
    store: FolderStore, root: Path, part: str
) -> None:
    store.save(Owner(part, part), "example", "text")
    assert [len(path.relative_to(root).parts) for path in root.rglob("example.json")] == [3]


@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_a_full_disk_leaves_the_old_text_and_the_next_save_works(
    store: FolderStore, alice: Owner, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    store.save(alice, "example", "old")
    with monkeypatch.context() as patch:
        if failing == "fsync":
            patch.setattr(os, "fsync", fail_with_full_disk)
        else:
            patch.setattr(Path, "replace", fail_with_full_disk)
        with pytest.raises(SnippetStoreUnavailable) as caught:
            store.save(alice, "example", "new")
    assert caught.value.private_detail == "folder: ENOSPC"
    assert store.get(alice, "example").text == "old"
    assert [info.name for info in store.list(alice)] == ["example"]
    store.save(alice, "example", "new")
    assert store.get(alice, "example").text == "new"


def test_a_folder_that_cannot_be_made_is_reported_by_every_verb_and_the_check(
    tmp_path: Path, alice: Owner
) -> None:
    (tmp_path / "file").write_text("in the way")
    store = FolderStore(tmp_path / "file" / "snippets")
    for verb in (
        lambda: store.save(alice, "example", "text"),
        lambda: store.get(alice, "example"),
        store.check,
    ):
        with pytest.raises(SnippetStoreUnavailable):
            verb()


def test_a_link_in_the_folder_is_neither_listed_nor_followed(
    store: FolderStore, root: Path, tmp_path: Path, alice: Owner
) -> None:
    store.save(alice, "example", "text")
    secret = tmp_path / "secret.json"
    secret.write_text('{"snippetname":"secret","snippet":"secret"}')
    (root / alice.tenant_id / alice.object_id / "secret.json").symlink_to(secret)
    with pytest.raises(SnippetStoreUnavailable):
        store.get(alice, "secret")
    assert [info.name for info in store.list(alice)] == ["example"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"snippet": 1}', b"\xff", b'{"snippet": "half'])
def test_a_damaged_file_is_never_taken_for_a_snippet(
    store: FolderStore, root: Path, alice: Owner, content: bytes
) -> None:
    store.save(alice, "example", "text")
    (root / alice.tenant_id / alice.object_id / "example.json").write_bytes(content)
    with pytest.raises(SnippetStoreUnavailable):
        store.get(alice, "example")
    store.save(alice, "example", "repaired")
    assert store.get(alice, "example").text == "repaired"


def test_foreign_files_are_not_listed(store: FolderStore, root: Path, alice: Owner) -> None:
    store.save(alice, "example", "text")
    for name in ("Upper.json", "notes.txt", ".hidden.json", "~.json", "a~.json", "a b.json"):
        (root / alice.tenant_id / alice.object_id / name).write_text("{}")
    assert [info.name for info in store.list(alice)] == ["example"]


def test_a_writer_that_waits_too_long_for_another_one_gives_up_clearly(root: Path, alice: Owner) -> None:
    store = FolderStore(root, lock_wait_seconds=0.02)
    store.save(alice, "example", "old")
    with (root / alice.tenant_id / alice.object_id / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SnippetStoreUnavailable):
            store.save(alice, "example", "new")
        assert store.get(alice, "example").text == "old"
    store.save(alice, "example", "new")


def test_a_slow_disk_holds_up_no_other_greenlet(
    store: FolderStore, alice: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.check()
    reached: list[int] = []
    disk_is_slow = monkey.get_original("_thread", "allocate_lock")()
    disk_is_slow.acquire()
    fsync = os.fsync

    def slow_fsync(descriptor: int) -> None:
        reached.append(descriptor)
        with disk_is_slow:
            fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow_fsync)
    saving = gevent.spawn(store.save, alice, "example", "text")
    wait_until(lambda: reached, "the save waits for the disk")
    with pytest.raises(SnippetNotFound):
        store.get(alice, "example")
    assert not saving.ready()
    disk_is_slow.release()
    saving.get()
    assert store.get(alice, "example").text == "text"


def test_a_killed_process_loses_nothing_it_acknowledged_and_leaves_nothing_half_written(root: Path) -> None:
    saver = subprocess.Popen([sys.executable, "-c", SAVER, str(root)], stdout=subprocess.PIPE)
    assert saver.stdout is not None
    for _ in range(20):
        acknowledged = int(saver.stdout.readline())
    saver.send_signal(signal.SIGKILL)
    acknowledged = max([acknowledged, *map(int, saver.stdout.read().split())])
    saver.stdout.close()
    saver.wait()

    store, owner = FolderStore(root), Owner("tenant", "person")
    text = store.get(owner, "example").text
    assert text == text.split()[0].join(["", " "]) * 5000
    assert int(text.split()[0]) >= acknowledged
    store.save(owner, "example", "again")
    assert [info.name for info in store.list(owner)] == ["example"]


def test_processes_that_race_to_make_the_same_snippets_win_each_exactly_once(root: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(root), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    wins = [int(racer.communicate()[0]) for racer in racers]
    assert sum(wins) == 50
    store, owner = FolderStore(root), Owner("tenant", "person")
    winners = [store.get(owner, info.name).text for info in store.list(owner)]
    assert [winners.count(str(number)) for number in range(3)] == wins
