"""A server for the supervisor's tests: ``stub_server.py NAME PORT FOLDER [BEHAVIOUR …]``.

Behaviours: ``helper`` (starts a process of its own, as gunicorn does), ``stubborn`` (ignores SIGTERM),
``unready`` (answers 503), ``dies`` (ends with code 3 once it is asked whether it is ready), ``unfinished``
(its last line has no newline).
"""

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

name, port, folder, *behaviour = sys.argv[1:]
pids = [os.getpid()]
if "helper" in behaviour:
    pids.append(subprocess.Popen((sys.executable, "-c", "import signal; signal.pause()")).pid)
(Path(folder) / f"{name}.pid").write_text(" ".join(map(str, pids)))


def record(event: str) -> None:
    """Append one event, so that tests can see the order."""
    with (Path(folder) / "events").open("a") as file:
        file.write(f"{name} {event}\n")


def terminate(_number: int, _frame: object) -> None:
    """Answer SIGTERM."""
    record("terminated")
    print("asked to stop", end="" if "unfinished" in behaviour else "\n", flush=True)
    if "stubborn" not in behaviour:
        os._exit(0)


class Handler(BaseHTTPRequestHandler):
    """Answers the readiness question."""

    def do_GET(self) -> None:
        """Be ready, or not."""
        if "dies" in behaviour:
            print("the disk is full", flush=True)
            os._exit(3)
        self.send_response(503 if "unready" in behaviour else 200)
        self.end_headers()
        self.wfile.write(b"the store is away" if "unready" in behaviour else b"ok")

    def log_message(self, *_: object) -> None:
        """Write nothing."""


signal.signal(signal.SIGTERM, terminate)
print("listens", flush=True)
server = HTTPServer(("127.0.0.1", int(port)), Handler)
server.serve_forever()
