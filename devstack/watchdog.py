"""Stops the servers when the process that started them is gone, however it went (kill -9 included).

Run as a script by ``devstack.processes``; reads ``+PGID`` and ``-PGID`` lines (process groups to stop, or no
longer to) from standard input, whose end means that the starter is gone. Must not import anything beyond the
standard library's smallest: it starts with every stack and should cost nothing.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0
POLL_SECONDS = 0.05


def watch(lines: Iterable[str], *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Wait for the end of ``lines``, then stop each process group that is still listed."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    stop(groups, grace_seconds)


def stop(groups: set[int], grace_seconds: float) -> None:
    """Ask the process groups to end, and end those that have not within ``grace_seconds``."""
    _send(groups, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while any(map(exists, groups)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    _send(groups, signal.SIGKILL)


def exists(group: int) -> bool:
    """Say whether a process of the group is still there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _send(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


if __name__ == "__main__":
    # Ctrl-C in the terminal and a closed terminal are the starter's to answer, not ours.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(sys.stdin)
