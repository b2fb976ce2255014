"""Runs the supervisor over stub servers: ``supervise.py FOLDER NAME:PORT[:BEHAVIOUR,…] …``.

A program of its own, because the tests' process is patched for gevent and ``mcpstack up`` is not. Prints each
line of a server as ``NAME> LINE``, then ``ready``; a StackError goes to standard error with exit code 1.
"""

import os
import sys
from pathlib import Path

from devstack.errors import StackError
from devstack.processes import Server, Supervisor

STUB = Path(__file__).with_name("stub_server.py")
READY_SECONDS = float(os.environ.get("READY_SECONDS", "20"))

folder, *descriptions = sys.argv[1:]


def server(description: str) -> Server:
    """Return the stub server that ``NAME:PORT:BEHAVIOUR,…`` describes."""
    name, port, *behaviour = description.split(":")
    command = (sys.executable, str(STUB), name, port, folder, *"".join(behaviour).split(","))
    if behaviour == ["missing"]:
        command = ("/nonexistent/program",)
    return Server(name, command, dict(os.environ), f"http://127.0.0.1:{port}/readyz")


try:
    with Supervisor(
        [server(description) for description in descriptions],
        lambda name, line: print(f"{name}> {line}", flush=True),
    ) as supervisor:
        supervisor.start()
        if supervisor.wait_until_ready(READY_SECONDS):
            print("ready", flush=True)
            supervisor.run_until_stopped()
except StackError as error:
    sys.exit(str(error))
