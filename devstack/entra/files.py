"""Private files of the emulator in the state folder: made once, whole, readable by their owner alone.

Called by ``ca``, ``keys`` and ``seal``. Several processes may want the same file at the same moment (the
stack and its emulator, two tests): whoever comes first makes it, under a lock. Must not know what is in the
files.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700
PRIVATE_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644


@contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Hold the emulator's lock in ``state_dir``, which is made when missing."""
    state_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(state_dir / "entra.lock", os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes, *, mode: int = PRIVATE_MODE) -> None:
    """Put ``content`` in place in one step: a reader sees the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
    Path(temporary).replace(path)


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return what is in the private file ``path``; ``make`` says what that is when there is none yet."""
    with locked(path.parent):
        if not path.exists():
            write(path, make())
        path.chmod(PRIVATE_MODE)  # it may have been copied here with another one
        return path.read_bytes()
