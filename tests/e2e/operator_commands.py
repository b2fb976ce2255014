"""The authorization server's commands, run against a running stack as its operator runs them.

Used by end-to-end tests of what an operator sets up. Must change nothing but by commands.
"""

import json
import subprocess
import sys
from typing import Any, Final

from tests.e2e.stack import Stack

_TIMEOUT_SECONDS: Final = 60


def command(stack: Stack, *arguments: str) -> Any:
    """Run ``authserver ARGUMENTS --json`` and return what it printed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "devstack.cli", "authserver"),
            f"--state-dir={stack.options.state_folder}",
            *(*arguments, "--json"),
        ],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)
