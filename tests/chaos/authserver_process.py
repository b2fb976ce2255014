"""The authorization server as it runs in production, in processes of its own that may be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import requests
from cryptography.fernet import Fernet

from authserver.cipher import Cipher
from authserver.store import RedisStore, SqliteStore, Store
from tests.authserver.test_cli import environment
from tests.authserver.world import ISSUER
from tests.support.ports import free_ports
from tests.support.waiting import wait_until


class AuthserverProcess:
    """Args: folder: for its state; workers; redis_url: instead of the SQLite file."""

    def __init__(self, folder: Path, *, workers: int = 1, redis_url: str = "") -> None:
        (self._port,) = free_ports(1)
        self._folder = folder
        self._redis_url = redis_url
        self._master_secret = Fernet.generate_key().decode()
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def cipher(self) -> Cipher:
        return Cipher([self._master_secret])

    def store(self) -> Store:
        """Open the server's store from this process."""
        if self._redis_url:
            return RedisStore(self._redis_url, time.time, self.cipher)
        return SqliteStore(self._folder / "authserver.db", time.time, self.cipher)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "authserver", "serve"],
            cwd=self._folder,
            env=environment(
                self._folder,
                AUTHSERVER_MASTER_SECRET=self._master_secret,
                AUTHSERVER_PUBLIC_URL=ISSUER,
                AUTHSERVER_PORT=str(self._port),
                AUTHSERVER_WORKERS=str(self._workers),
                AUTHSERVER_REQUESTS_PER_MINUTE="1000000",
                AUTHSERVER_REGISTRATIONS_PER_MINUTE="1000000",
                REDIS_URL=self._redis_url,
            ),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers, "the server")

    def workers(self) -> list[psutil.Process]:
        assert self._process is not None
        return psutil.Process(self._process.pid).children()

    def kill(self) -> None:
        """Kill every process at once, with SIGKILL."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False


def error_of(response: requests.Response) -> str:
    """Return the OAuth error code of an answer."""
    return str(json.loads(response.content)["error"])
