"""Runs the tests in two processes side by side, each with a half, and ends with one closing line for both.

Called by ``make test`` when no options of pytest are given. (xdist would do this, but its workers stop in a
process patched for gevent.) Must not decide which tests there are: what is not listed below belongs to the
first half, whose output is shown as it comes; the second's follows.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

ROOT: Final = Path(__file__).resolve().parents[1]
# About as long as all the others together.
SECOND_HALF: Final = ("tests/authserver", "tests/e2e", "tests/images", "tests/scripts")
_COUNT: Final = re.compile(r"(\d+) (passed|failed|error|skipped|warning)")


def main() -> int:
    """Run both halves; return pytest's exit code, the worse of the two."""
    began = time.monotonic()
    with TemporaryFile() as second_output:
        second = _start(second_output, *SECOND_HALF)
        first = _start(subprocess.PIPE, *(f"--ignore={folder}" for folder in SECOND_HALF), "tests")
        texts = [_shown(first)]
        codes = [first.wait(), second.wait()]
        second_output.seek(0)
        texts.append(second_output.read().decode())
    print(texts[1])
    print(f"==== {_sum(texts)} in {time.monotonic() - began:.2f}s, in two processes ====", flush=True)
    return max(codes)


def _start(output: IO[bytes] | int, *arguments: str) -> "subprocess.Popen[bytes]":
    command = (sys.executable, "-m", "pytest", *arguments)
    return subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    )


def _shown(process: "subprocess.Popen[bytes]") -> str:
    """Show what a process writes until it ends; return all of it."""
    assert process.stdout is not None
    text = b""
    while chunk := os.read(process.stdout.fileno(), 4096):
        os.write(sys.stdout.fileno(), chunk)
        text += chunk
    return text.decode()


def _sum(texts: list[str]) -> str:
    """Add up the counts of the closing lines, in pytest's words."""
    totals: dict[str, int] = {}
    for text in texts:
        for count, word in _COUNT.findall(text.rstrip().rsplit("\n", 1)[-1]):
            totals[word] = totals.get(word, 0) + int(count)
    return ", ".join(f"{count} {word}" for word, count in totals.items()) or "no tests ran"


if __name__ == "__main__":
    sys.exit(main())
