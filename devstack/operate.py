"""``mcpstack authserver …``: the authorization server's commands against the local stack, running or not.

Called by ``devstack.cli``. Gives the command the environment that ``up`` gives the server, and becomes it.
Must not know any command.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from devstack.errors import StackError
from devstack.options import Options
from devstack.servers import servers
from devstack.state import StateFolder


def become_authserver_command(options: Options, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by ``authserver ARGUMENTS``.

    Args:
        options: of the stack meant; a running one's own options win over its ports.
        arguments: as they would follow ``authserver``.

    Raises:
        StackError: no stack was ever started in that state folder.
    """
    state = StateFolder(options.state_folder.absolute())
    if not state.master_secret_file.exists():
        raise StackError(f"no stack was started in {options.state_folder} yet: run `make up` first")
    running = state.running()
    live = running.options(options.state_folder) if running else options
    server = next(each for each in servers(live, state, os.environ) if each.name == "authserver")
    os.execve(  # noqa: S606 - our own module, no shell
        sys.executable, [sys.executable, "-m", "authserver", *arguments], dict(server.environment)
    )
