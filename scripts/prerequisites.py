"""Makes sure that the programs the tests drive are there: Redis, Chromium, Node and what comes from npm.

Called by ``make test``. Installs Debian packages when it may (root on Debian or Ubuntu), otherwise says what
is missing and how to get it. Must not download a browser: the tests use the system's Chromium.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NODE_FOLDER = ROOT / "tests" / "node"
# Program → Debian package.
PROGRAMS = {
    "redis-server": "redis-server",
    "chromium": "chromium",
    "node": "nodejs",
    "npm": "npm",
    "shellcheck": "shellcheck",
}
HOMEBREW = "brew install redis node shellcheck && brew install --cask chromium"


def main() -> None:
    """Install or report the programs, then the npm packages."""
    missing = _missing()
    if missing and _may_install():
        _install([PROGRAMS[program] for program in missing])
        missing = _missing()
    if missing:
        packages = " ".join(PROGRAMS[program] for program in missing)
        sys.exit(
            f"mcpstack: the tests need {', '.join(missing)}, not found on this machine.\n"
            f"  Debian, Ubuntu: sudo apt-get install {packages}\n  macOS: {HOMEBREW}"
        )
    _install_npm_packages()


def _missing() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program) is None]


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(packages: list[str]) -> None:
    print(f"mcpstack: installing Debian packages: {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(  # noqa: S603
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"mcpstack: `{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")


def _install_npm_packages() -> None:
    lock = NODE_FOLDER / "package-lock.json"
    stamp = NODE_FOLDER / "node_modules" / ".installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == digest:
        return
    print("mcpstack: installing the tests' npm packages", flush=True)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=NODE_FOLDER, stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode:
        sys.exit("mcpstack: `npm ci` failed in tests/node; its message stands above")
    stamp.write_text(digest, "ascii")


if __name__ == "__main__":
    main()
