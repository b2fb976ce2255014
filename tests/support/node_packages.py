"""Installs the npm packages that ``tests/node`` locks, once, whichever test process needs them first."""

import fcntl
import hashlib
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "node"
PROGRAMS = FOLDER / "node_modules" / ".bin"
_LOCK_FILE = FOLDER / "package-lock.json"
# Says which lock file the installed packages came from; written last, so half an installation has none.
# scripts/prerequisites.py, which installs them before the tests, writes and reads the same.
_STAMP = FOLDER / "node_modules" / ".installed"


def install() -> None:
    """Run ``npm ci`` unless what is installed came from this very lock file; processes take turns."""
    with _LOCK_FILE.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if not _STAMP.exists() or _STAMP.read_text() != wanted:
            subprocess.run(
                ["npm", "ci", "--loglevel=error"], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL
            )
            _STAMP.write_text(wanted)


def program(name: str) -> str:
    """Return the path of an installed program, installing first when that is needed."""
    install()
    return str(PROGRAMS / name)
