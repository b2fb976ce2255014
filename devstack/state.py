"""The state folder of the local stack (``.mcpstack/``): its lock, its master secret, the servers' own places.

Used by ``devstack.up`` (which holds the lock while the stack runs) and by ``devstack.doctor`` (which only
looks).
Must not remove anything: what is in the folder belongs to the servers.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from devstack.errors import AlreadyRunningError, StackError
from devstack.options import Options, Ports

FOLDER_MODE = 0o700
SECRET_MODE = 0o600


@dataclass(frozen=True, slots=True)
class RunningStack:
    """What a running stack wrote into its lock file.

    The two start times are the same moment on two clocks: when they drift apart, the wall clock was set or
    the machine slept, and tokens look older or younger than they are.
    """

    pid: int
    ports: Ports
    with_gateway: bool
    started_at_seconds: float
    started_at_monotonic_seconds: float

    def options(self, folder: Path) -> Options:
        """Return the options the stack in ``folder`` was started with."""
        return Options(ports=self.ports, state_folder=folder, with_gateway=self.with_gateway)


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The paths in the folder; ``prepare`` makes what is missing."""

    path: Path

    @property
    def lock_file(self) -> Path:
        """Locked while a stack runs; holds a RunningStack as JSON."""
        return self.path / "stack.lock"

    @property
    def master_secret_file(self) -> Path:
        """The Fernet key that the authorization server encrypts its signing keys with."""
        return self.path / "master-secret"

    @property
    def authserver_database(self) -> Path:
        """The authorization server's SQLite file."""
        return self.path / "authserver.db"

    @property
    def snippets_folder(self) -> Path:
        """Where the MCP server keeps snippets."""
        return self.path / "snippets"

    @property
    def ca_file(self) -> Path:
        """The certificate of the private CA that the emulator's back channel is served under."""
        return self.path / "ca.pem"

    def prepare(self) -> None:
        """Make the folder, for this user alone.

        Raises:
            StackError: it cannot be made, or belongs to somebody else.
        """
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self.path.chmod(FOLDER_MODE)  # it holds private keys; an older one may have been made too open
        except OSError as error:
            raise StackError(
                f"the state folder {self.path} cannot be used ({error.strerror}): "
                "choose another one with --state-dir"
            ) from error

    def master_secret(self) -> str:
        """Return the master secret, made at the first start.

        Raises:
            StackError: the file holds something else than Fernet keys.
        """
        try:
            descriptor = os.open(self.master_secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
        self.master_secret_file.chmod(SECRET_MODE)
        secret = self.master_secret_file.read_text("ascii", errors="replace").strip()
        if not is_master_secret(secret):
            raise StackError(
                f"{self.master_secret_file} does not hold a Fernet key: restore it, or remove the folder "
                "to start afresh (registered clients and sessions are lost)"
            )
        return secret

    @contextmanager
    def locked(self, options: Options) -> Iterator[None]:
        """Hold the lock while the stack runs.

        Raises:
            AlreadyRunningError: somebody else holds it; the text says who and where.
        """
        # Opened without truncation: the holder's description must survive the attempt.
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, SECRET_MODE)
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunningError(describe(_parse(file.read()), self.path)) from None
            file.truncate(0)
            file.seek(0)
            json.dump(asdict(_this_process(options)), file)
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def running(self) -> RunningStack | None:
        """Return the stack that runs in this folder, None when none does."""
        try:
            file = self.lock_file.open("r")
        except OSError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _parse(file.read())
        return None


def is_master_secret(text: str) -> bool:
    """Say whether ``text`` is one or more Fernet keys separated by commas."""
    try:
        for key in text.split(","):
            Fernet(key.strip())
    except ValueError:
        return False
    return True


def describe(running: RunningStack | None, folder: Path) -> str:
    """Say who runs the stack in ``folder``, where, and how to stop it."""
    if running is None:
        return f"another mcpstack is just starting in {folder}"
    options = running.options(folder)
    return (
        f"mcpstack is already running (process {running.pid}): clients connect to {options.resource}. "
        f"Press Ctrl-C in its terminal or run `kill {running.pid}` to stop it; "
        "a second one needs its own --state-dir and ports"
    )


def _this_process(options: Options) -> RunningStack:
    return RunningStack(os.getpid(), options.ports, options.with_gateway, time.time(), time.monotonic())


def _parse(text: str) -> RunningStack | None:
    try:
        members = json.loads(text)
        return RunningStack(**{**members, "ports": Ports(**members["ports"])})
    except (ValueError, TypeError, KeyError):
        return None  # it was opened between lock and write
