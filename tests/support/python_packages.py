"""Installs what ``tests/fastmcp`` locks into a virtual environment of its own, once, whoever needs it first.

Another server's dependencies are none of ours: its environment must not be the one that the tests run in.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "fastmcp"
_ENVIRONMENT: Final = FOLDER / ".venv"
_LOCK_FILE: Final = FOLDER / "requirements.lock"
# Says which lock file the installed packages came from; written last, so half an installation has none.
_STAMP: Final = _ENVIRONMENT / ".installed"
_PIP: Final = ("-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-input", "--require-hashes")


def python() -> Path:
    """Return the environment's Python, installing first when that is needed; processes take turns."""
    program = _ENVIRONMENT / "bin" / "python"
    with _LOCK_FILE.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A folder that was moved is another environment: scripts in it name their interpreter by its path.
        wanted = hashlib.sha256(lock.read() + os.fsencode(_ENVIRONMENT)).hexdigest()
        if not _STAMP.exists() or _STAMP.read_text("ascii") != wanted:
            _run(sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT))
            _run(str(program), *_PIP, "-r", str(_LOCK_FILE))
            _STAMP.write_text(wanted, "ascii")
    return program


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}"
