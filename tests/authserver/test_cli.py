"""``python -m authserver``: serving as in production, and what it says when it cannot."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import requests
from cryptography.fernet import Fernet

from tests.authserver.world import HOME_TENANT
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

MASTER_SECRET = Fernet.generate_key().decode()


def environment(folder: Path, **changes: str) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AUTHSERVER_", "AZURE_"))
    }
    return {
        **inherited,
        "AUTHSERVER_MASTER_SECRET": MASTER_SECRET,
        "AUTHSERVER_ENTRA_CLIENT_SECRET": "an-upstream-secret",
        "AUTHSERVER_ENTRA_AUTHORITY": "https://localhost:1",
        "AUTHSERVER_SIGNING_ALGORITHM": "ES256",
        "AUTHSERVER_STATE_FILE": str(folder / "authserver.db"),
        "AZURE_CLIENT_ID": "a-client",
        "AZURE_TENANT_ID": HOME_TENANT,
        **changes,
    }


def run(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "authserver", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(folder, **changes),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(tmp_path: Path) -> None:
    for command in ("serve", "doctor"):
        done = run(tmp_path, command, AUTHSERVER_MASTER_SECRET="not-a-key-but-secret")
        assert done.returncode == 1
        assert "AUTHSERVER_MASTER_SECRET" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert "not-a-key-but-secret" not in done.stderr


def test_two_workers_serve_one_set_of_keys_until_they_are_told_to_stop(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    settings = environment(tmp_path, AUTHSERVER_PORT=str(port), AUTHSERVER_WORKERS="2")
    process = subprocess.Popen(
        [sys.executable, "-m", "authserver", "serve"], cwd=tmp_path, env=settings, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{url}/readyz"), "the server is ready")
        kids = {requests.get(f"{url}/jwks", timeout=5).json()["keys"][0]["kid"] for _ in range(10)}
        assert len(kids) == 1
        assert "authserver_requests_total" in requests.get(f"{url}/metrics", timeout=5).text
        assert requests.get(f"{url}/authorize", timeout=5).status_code == 400
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
