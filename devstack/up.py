"""``mcpstack up``: the whole stack in one terminal, from the state folder to the last Ctrl-C.

Called by ``devstack.cli``. The order matters and stands in ``up``: lock, ports, secrets, servers, readiness,
table. Must not know how a server works.
"""

import contextlib
import os
import time

from devstack.entra import ensure_ca
from devstack.options import Options
from devstack.ports import check_free
from devstack.processes import Supervisor
from devstack.servers import servers
from devstack.state import StateFolder
from devstack.terminal import LogPrinter, make_console, print_welcome


def up(options: Options, *, stop_with_parent: bool = False) -> None:
    """Run the stack until Ctrl-C, SIGTERM or SIGHUP.

    Args:
        options: ports, state folder, gateway or not.
        stop_with_parent: stop as well when the process that started this one is gone.

    Raises:
        StackError: it cannot start, or a server ended by itself.
    """
    started_at_seconds = time.monotonic()
    console = make_console()
    state = StateFolder(options.state_folder.absolute())
    state.prepare()
    with state.locked(options):
        check_free(options)
        ensure_ca(state.path)
        stack = servers(options, state, os.environ)
        parent_pid = os.getppid() if stop_with_parent else None
        with Supervisor(stack, LogPrinter(console), parent_pid=parent_pid) as supervisor:
            supervisor.start()
            if supervisor.wait_until_ready():
                print_welcome(console, options, started_in_seconds=time.monotonic() - started_at_seconds)
                supervisor.run_until_stopped()
            with contextlib.suppress(OSError):  # the terminal may be gone
                console.print("stopping …")
