"""Installs what ``tests/docs/package-lock.json`` locks: the library that draws the documentation's diagrams.

Called by the tests of the site and, as a program, by ``make docs``. The package has no dependencies.
"""

import fcntl
import subprocess
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parents[1] / "docs"


def install() -> None:
    """Run ``npm ci`` unless this very lock file was installed; processes take turns."""
    stamp = _FOLDER / "node_modules" / ".installed"
    with (_FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = lock.read()
        if not stamp.exists() or stamp.read_bytes() != wanted:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(
                command, cwd=_FOLDER, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            # Last: half an installation has none.
            stamp.write_bytes(wanted)


if __name__ == "__main__":
    install()
