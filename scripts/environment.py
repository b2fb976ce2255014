#!/usr/bin/env python3
"""Makes ``.venv`` and installs what the lock file says, when and only when that has changed.

Called by make: ``environment.py run`` for what ``make up`` needs, ``environment.py dev`` for the tools too.
Must run on any Python 3.7+ with the standard library alone (it is what finds a newer one, or says what is
missing), and must not touch the network when nothing has changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from typing import NoReturn

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
# What is installed for "dev" serves "run" as well: its lock file holds all of the other's pins.
SERVED_BY = {"run": ("run", "dev"), "dev": ("dev",)}


def main(purpose: str) -> None:
    """Bring the environment up to date, silently where it is."""
    use_new_enough_python()
    if any(is_current(kind) for kind in SERVED_BY[purpose]) and answers("pass"):
        return
    make_venv()
    install(LOCKS[purpose])
    with open(stamp_file(purpose), "w", encoding="ascii") as file:
        file.write(fingerprint(purpose))


def use_new_enough_python() -> None:
    """Go on in a newer Python of this machine when this one is too old; say so when there is none."""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        path = shutil.which(name)
        if path:
            os.execv(path, [path, *sys.argv])  # noqa: S606
    fail(
        f"Python 3.11 or newer is needed, {sys.executable} is {version()}.",
        "Debian 12, Ubuntu: apt-get install python3 python3-venv    macOS: brew install python",
    )


def make_venv() -> None:
    """Make .venv, or repair one that cannot install."""
    if answers("import pip"):
        return
    if importlib.util.find_spec("ensurepip") is None:  # Debian ships it apart
        fail(
            "this Python cannot make virtual environments.",
            f"Debian, Ubuntu: apt-get install python3-venv (or python{version()}-venv)",
        )
    say(f"making .venv with Python {version()}")
    # A Python that no longer runs was uninstalled or upgraded: what it installed is of no use either.
    run([sys.executable, "-m", "venv", *([] if answers("pass") else ["--clear"]), VENV])


def install(lock: str) -> None:
    """Install the lock file, then this project itself, in place."""
    say(f"installing {lock} (about half a minute the first time)")
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-input"]
    run([*pip, "--require-hashes", "-r", lock])
    run([*pip, "--no-deps", "--no-build-isolation", "-e", "."])


def answers(statement: str) -> bool:
    """Say whether the environment's Python runs, and runs ``statement``."""
    try:
        return subprocess.call([PYTHON, "-c", statement], stderr=subprocess.DEVNULL) == 0  # noqa: S603
    except OSError:
        return False


def is_current(purpose: str) -> bool:
    """Say whether what was last installed for the purpose is what the files say now."""
    try:
        with open(stamp_file(purpose), encoding="ascii") as file:
            return file.read() == fingerprint(purpose)
    except OSError:
        return False


def fingerprint(purpose: str) -> str:
    """Return a hash of everything an installation depends on; a moved folder is another installation."""
    digest = hashlib.sha256(ROOT.encode())
    for name in (LOCKS[purpose], "setup.cfg", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def stamp_file(purpose: str) -> str:
    """Return the file that records the last installation for the purpose."""
    return os.path.join(VENV, f".installed-{purpose}")


def version() -> str:
    """Return this Python's version, as packages spell it."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def run(command: list[str]) -> None:
    """Run a command in the repository; stop when it fails."""
    code = subprocess.call(command, cwd=ROOT)  # noqa: S603
    if code:
        fail(f"`{' '.join(command)}` failed with exit code {code}.", "Its message stands above.")


def say(text: str) -> None:
    """Tell the person what takes so long."""
    print(f"mcpstack: {text}", flush=True)


def fail(problem: str, remedy: str) -> NoReturn:
    """Stop, saying what is wrong and what to do."""
    sys.exit(f"mcpstack: {problem}\n  {remedy}")


if __name__ == "__main__":
    main(sys.argv[1])
