"""A whole stack on free ports, in a folder of its own, started as a person starts it: ``mcpstack up``.

Used by the fixtures in ``conftest.py``. Must end with the processes' logs read: a traceback or a secret in
them is a failure.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from devstack.options import Options, Ports
from devstack.state import StateFolder
from tests.e2e.login import complete_login
from tests.support.ports import free_ports

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 30
_REPOSITORY: Final = Path(__file__).parents[2]
_ALWAYS_SECRET: Final = ("local-development-only-secret",)
_SECRET_SHAPES: Final = {
    "a refresh token": re.compile(r"mcprt_[A-Za-z0-9_-]{8}"),
    "an authorization code": re.compile(r"mcpac_[A-Za-z0-9_-]{8}"),
    "a JWT": re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"),
    "a code in a URL": re.compile(r"[?&]code=[^\s&]"),
    "a verifier": re.compile(r"code_verifier['\"]?[=:]"),
    "a client secret": re.compile(r"client_secret['\"]?[=:]\s*['\"]?[A-Za-z0-9]"),
}


@dataclass(frozen=True)
class Stack:
    """A running stack: where everything is, and how to sign in to it.

    Attributes:
        options: the ports and folder it was started with; its properties are the URLs.
        log_file: what all its processes have written so far.
    """

    options: Options
    log_file: Path

    @property
    def issuer(self) -> str:
        """The issuer of the tokens: the gateway's root, or the authserver's where there is no gateway."""
        return self.options.issuer

    @property
    def mcp_url(self) -> str:
        """The canonical resource: what a client is pointed at."""
        return self.options.resource

    @property
    def sse_url(self) -> str:
        """What a client of 2024-11-05 is pointed at."""
        return f"{self.options.resource}/sse"

    @property
    def direct_mcp_url(self) -> str:
        """The MCP server itself, around the gateway."""
        return f"{self.options.mcpserver_url}/mcp"

    @property
    def oauth_url(self) -> str:
        """What ``/authorize``, ``/token``, … are appended to."""
        return f"{self.options.issuer}{self.options.endpoint_prefix}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority of the emulator's back channel."""
        return StateFolder(self.options.state_folder).ca_file

    def logs(self) -> str:
        """Return what all processes have written so far."""
        return self.log_file.read_text("utf-8", errors="replace")

    def login(self, authorize_url: str, username: str = "alice@contoso.example") -> str:
        """Approve, sign in, and return the final redirect URL."""
        return complete_login(authorize_url, username)


def running(
    folder: Path, *, with_gateway: bool, environment: Callable[[Options], Mapping[str, str]] | None = None
) -> Iterator[Stack]:
    """Run a stack until the generator is closed.

    Args:
        folder: for its state and its log.
        with_gateway: whether there is one.
        environment: returns what else to set, once it is known where everything will be.
    """
    ports = Ports(*free_ports(5))
    options = Options(ports, folder / "state", with_gateway=with_gateway)
    log_file = folder / "stack.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            up_command(options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**_environment(), **(environment(options) if environment else {})},
            cwd=_REPOSITORY,
            start_new_session=True,
        )
    running = Stack(options, log_file)
    try:
        _wait_until_ready(process, running)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        exit_code = process.wait(_STOP_SECONDS)
    assert exit_code == 0, f"the stack ended badly:\n{running.logs()[-4000:]}"
    findings = log_findings(running)
    assert not findings, f"in the logs: {json.dumps(findings, indent=1)}"


def up_command(options: Options) -> list[str]:
    """Return the command line that starts a stack with these options."""
    command = [
        *(sys.executable, "-m", "devstack.cli", "up", "--stop-with-parent"),
        f"--gateway-port={options.ports.gateway}",
        f"--authserver-port={options.ports.authserver}",
        f"--mcpserver-port={options.ports.mcpserver}",
        f"--entra-port={options.ports.entra}",
        f"--entra-back-channel-port={options.ports.entra_back_channel}",
        f"--state-dir={options.state_folder}",
    ]
    return command if options.with_gateway else [*command, "--no-gateway"]


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AUTHSERVER_", "MCPSERVER_"))
    }


def _wait_until_ready(process: "subprocess.Popen[bytes]", running: Stack) -> None:
    ready = re.compile(r"^mcpstack is ready", re.MULTILINE)
    # The process is asked, not the clock: ``wait`` returns as soon as it ends, and times out while it lives.
    for _ in range(_START_SECONDS * 10):
        if ready.search(running.logs()):
            return
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"the stack did not start:\n{running.logs()[-4000:]}")


def log_findings(running: Stack) -> list[str]:
    """Return the lines of the logs that hold a traceback or a secret, and say which."""
    master_secret = StateFolder(running.options.state_folder).master_secret()
    secrets = (*_ALWAYS_SECRET, *master_secret.split(","))
    findings = []
    for line in running.logs().splitlines():
        kinds = [name for name, shape in _SECRET_SHAPES.items() if shape.search(line)]
        kinds += ["a configured secret" for secret in secrets if secret in line]
        kinds += ["a traceback" for _ in [0] if "Traceback (most recent call last)" in line]
        findings += [f"{kind}: {line[:300]}" for kind in kinds]
    return findings
