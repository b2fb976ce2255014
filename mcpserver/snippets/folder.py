"""Snippets as files below one folder: the backend of a single machine.

Made by ``opening``. A save is acknowledged after the file's content and its directory entry were flushed to
the disk (write aside, fsync, rename, fsync of the directory), so a crash leaves the old text or the new one
and a reader never sees half of one. Writers of one owner, in whatever process, take turns by a lock on the
owner's folder; readers wait for nobody. Disk work happens in threads of this store's own, so that no other
request of the worker waits for a disk.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from gevent import monkey
from gevent.threadpool import ThreadPool

from mcpserver.snippets import names, record
from mcpserver.snippets.model import (
    Expected,
    Owner,
    Snippet,
    SnippetConflict,
    SnippetError,
    SnippetInfo,
    SnippetNotFound,
    SnippetStoreUnavailable,
)

P = ParamSpec("P")
T = TypeVar("T")

LOCK_WAIT_SECONDS: Final = 3.0
"""How long a writer waits for another one of the same owner before it gives up."""

_THREADS: Final = 4
_LOCK_RETRY_SECONDS: Final = 0.005
_LOCK_FILE: Final = ".lock"
# One name is enough: it is only written under the lock, and what a crash leaves behind the next save
# overwrites.
_ASIDE_FILE: Final = ".saving"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


class FolderStore:
    """A ``SnippetStore`` below ``root``, which is made when missing.

    Args:
        root: the folder.
        shared: one set of snippets for everybody instead of one for each owner.
        lock_wait_seconds: see ``LOCK_WAIT_SECONDS``.
    """

    def __init__(
        self, root: Path, *, shared: bool = False, lock_wait_seconds: float = LOCK_WAIT_SECONDS
    ) -> None:
        self._root = root
        self._shared = shared
        self._lock_wait_seconds = lock_wait_seconds
        self._threads = ThreadPool(_THREADS)

    def save(self, owner: Owner, name: str, text: str, expected: Expected | None = None) -> str:
        """See ``SnippetStore.save``."""
        folder, file = self._place(owner, name)
        data = record.encode(name, text)
        return self._in_thread(self._save, folder, file, data, expected)

    def get(self, owner: Owner, name: str) -> Snippet:
        """See ``SnippetStore.get``."""
        folder, file = self._place(owner, name)
        data, status = self._in_thread(_read, folder / file)
        return Snippet(name, record.decode(data), status.st_mtime, _etag(status))

    def list(self, owner: Owner) -> tuple[SnippetInfo, ...]:
        """See ``SnippetStore.list``."""
        return self._in_thread(_list, self._folder(owner))

    def delete(self, owner: Owner, name: str, expected_etag: str | None = None) -> None:
        """See ``SnippetStore.delete``."""
        folder, file = self._place(owner, name)
        self._in_thread(self._delete, folder, file, expected_etag)

    def check(self) -> None:
        """See ``SnippetStore.check``: the folder is there, or can be made, and can be written to."""
        self._in_thread(_check, self._root)

    def _folder(self, owner: Owner) -> Path:
        return self._root / names.folder_of(None if self._shared else owner)

    def _place(self, owner: Owner, name: str) -> tuple[Path, str]:
        return self._folder(owner), names.file_of(name)

    def _save(self, folder: Path, file: str, data: bytes, expected: Expected | None) -> str:
        _make_folder(folder)
        with _locked(folder, self._lock_wait_seconds):
            _demand(_stat(folder / file), expected)
            aside = folder / _ASIDE_FILE
            etag = _write_through(aside, data)
            aside.replace(folder / file)
            _flush_folder(folder)
        return etag

    def _delete(self, folder: Path, file: str, expected_etag: str | None) -> None:
        gone = _not_found() if expected_etag is None else _conflict()
        if not folder.is_dir():
            raise gone
        with _locked(folder, self._lock_wait_seconds):
            status = _stat(folder / file)
            if status is None:
                raise gone
            if expected_etag not in (None, _etag(status)):
                raise _conflict()
            (folder / file).unlink()
            _flush_folder(folder)

    def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def outcome() -> T | OSError | SnippetError:
            # Carried out as a value: what a pool thread raises gevent also prints.
            try:
                return work(*args, **kwargs)
            except (OSError, SnippetError) as error:
                return error

        result = self._threads.apply(outcome)
        if isinstance(result, OSError):
            raise SnippetStoreUnavailable(f"folder: {errno.errorcode.get(result.errno or 0)}") from result
        if isinstance(result, SnippetError):
            raise result
        return result


def _demand(status: os.stat_result | None, expected: Expected | None) -> None:
    if expected is not None and expected.etag != (None if status is None else _etag(status)):
        raise _conflict()


def _etag(status: os.stat_result) -> str:
    # A save always makes a new file: inode and time of writing together name the version.
    return f"{status.st_mtime_ns:x}-{status.st_ino:x}"


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _not_found() -> SnippetNotFound:
    return SnippetNotFound("There is no snippet of that name")


def _conflict() -> SnippetConflict:
    return SnippetConflict("The snippet was changed in the meantime")


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    try:
        # A link in the folder was not put there by this store and is not followed out of it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _not_found() from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if status.st_size > record.MAX_RECORD_BYTES or not stat.S_ISREG(status.st_mode):
            raise SnippetStoreUnavailable("a stored snippet is too large or no file")
        return file.read(), status


def _list(folder: Path) -> tuple[SnippetInfo, ...]:
    infos: list[SnippetInfo] = []
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return ()
    with entries:
        for entry in entries:
            name = names.name_of(entry.name)
            status = None if name is None else _stat(Path(entry.path))
            if name is not None and status is not None and stat.S_ISREG(status.st_mode):
                infos.append(SnippetInfo(name, status.st_mtime, _etag(status)))
    return tuple(sorted(infos, key=lambda info: info.name))


def _check(root: Path) -> None:
    _make_folder(root)
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "not writable")


def _make_folder(folder: Path) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        _flush_folder(path.parent)


def _write_through(path: Path, data: bytes) -> str:
    """Write a file down to the disk and return its etag. A failure leaves at most a file that nobody
    reads."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
            return _etag(os.fstat(descriptor))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path, wait_seconds: float) -> Iterator[None]:
    # The kernel drops the lock when its holder dies, so a crash blocks nobody.
    sleep = monkey.get_original("time", "sleep")
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    try:
        give_up_at = time.monotonic() + wait_seconds
        while not _try_lock(descriptor):
            if time.monotonic() >= give_up_at:
                raise SnippetStoreUnavailable("folder: another writer held the lock too long")
            sleep(_LOCK_RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
