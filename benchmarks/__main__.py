"""``python -m benchmarks [mcp|token|sessions]``: measure one kind of row, or all."""

import os
import shutil
import sys
from pathlib import Path

from benchmarks import mcp, sessions, token

ROWS = {"mcp": mcp.run, "token": token.run, "sessions": sessions.run}


def main() -> None:
    """Run what was asked for."""
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing (Debian: apt-get install wrk util-linux)")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name in sys.argv[1:] or ROWS:
        if name not in ROWS:
            raise SystemExit(f"no such row: {name}; there are {', '.join(ROWS)}")
        ROWS[name]()


if __name__ == "__main__":
    main()
