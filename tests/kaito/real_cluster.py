"""The same questions to a cluster that exists: only with KUBECONFIG and MCPSTACK_CLUSTER_TEST=1.

Used by tests/test_kaito_deployment.py, which has these cases only then. Reads alone, unless
MCPSTACK_SCALE_TEST=1 too: that case scales the model to one replica and back, which makes a GPU node and
costs money.
"""

import os
import subprocess
from typing import Final

ASKED_FOR: Final = bool(os.environ.get("KUBECONFIG")) and os.environ.get("MCPSTACK_CLUSTER_TEST") == "1"
MAY_SCALE: Final = ASKED_FOR and os.environ.get("MCPSTACK_SCALE_TEST") == "1"


def ask(kubectl: str, *arguments: str, seconds: float = 60) -> str:
    """Run kubectl with the user's own credentials; return what it printed.

    Args:
        kubectl: the program.
        arguments: what it is asked.
        seconds: how long it may take.
    """
    done = subprocess.run([kubectl, *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
