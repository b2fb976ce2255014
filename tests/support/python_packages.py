"""Installs what a folder under ``tests`` locks into a virtual environment of its own, once, whoever needs it
first.

Another program's dependencies are none of ours: its environment must not be the one that the tests run in.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

_TESTS: Final = Path(__file__).resolve().parent.parent
FASTMCP: Final = _TESTS / "fastmcp"
MCP1: Final = _TESTS / "mcp1"
_PIP: Final = ("-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-input", "--require-hashes")


def python(folder: Path) -> Path:
    """Return the Python of a folder's environment, installing first when that is needed; processes take
    turns.
    """
    environment, lock_file = folder / ".venv", folder / "requirements.lock"
    # Says which lock file the packages came from; written last, so half an installation has none.
    stamp = environment / ".installed"
    program = environment / "bin" / "python"
    with lock_file.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A folder that was moved is another environment: scripts in it name their interpreter by its path.
        wanted = hashlib.sha256(lock.read() + os.fsencode(environment)).hexdigest()
        if not stamp.exists() or stamp.read_text("ascii") != wanted:
            _run(sys.executable, "-m", "venv", "--clear", str(environment))
            _run(str(program), *_PIP, "-r", str(lock_file))
            stamp.write_text(wanted, "ascii")
    return program


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}"
