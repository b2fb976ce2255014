"""``authserver doctor``: finds what is wrong before anybody's sign-in does, and says what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from devstack.entra.emulator import EntraEmulator
from tests.authserver.world import HOME_TENANT, ISSUER

CALLBACK = f"{ISSUER}/oauth/callback"
SIGNED_OUT = f"{ISSUER}/oauth/account/signed-out"
LOGIN_CLIENT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
LOGIN_SECRET = "local-development-only-secret"  # the emulator's, public
URIS = ["redirect URI", "sign-out URI"]
MASTER_SECRET = Fernet.generate_key().decode()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraEmulator]:
    with EntraEmulator(tmp_path_factory.mktemp("entra"), redirect_uris=[CALLBACK, SIGNED_OUT]) as started:
        yield started


def doctor(folder: Path, emulator: EntraEmulator, *arguments: str, **changes: str) -> tuple[int, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AUTHSERVER_", "AZURE_", "REDIS_"))
    }
    environment = {
        **inherited,
        "AUTHSERVER_MASTER_SECRET": MASTER_SECRET,
        "AUTHSERVER_ENTRA_CLIENT_SECRET": LOGIN_SECRET,
        "AUTHSERVER_ENTRA_AUTHORITY": emulator.authority,
        "AUTHSERVER_ENTRA_CA_FILE": str(emulator.ca_file),
        "AUTHSERVER_SIGNING_ALGORITHM": "ES256",
        "AUTHSERVER_STATE_FILE": str(folder / "authserver.db"),
        "AZURE_CLIENT_ID": LOGIN_CLIENT_ID,
        "AZURE_TENANT_ID": HOME_TENANT,
        **changes,
    }
    done = subprocess.run(
        [sys.executable, "-m", "authserver", "doctor", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    for secret in (MASTER_SECRET, environment["AUTHSERVER_ENTRA_CLIENT_SECRET"]):
        assert secret not in done.stdout + done.stderr
    return done.returncode, done.stdout


def report(folder: Path, emulator: EntraEmulator, **changes: str) -> dict[str, dict[str, Any]]:
    code, output = doctor(folder, emulator, "--json", **changes)
    document = json.loads(output)
    assert document["healthy"] == (code == 0)
    return {check["name"]: check for check in document["checks"]}


def failed(checks: dict[str, dict[str, Any]]) -> set[str]:
    assert all(check["remedy"] for check in checks.values() if check["status"] == "failed")
    return {name for name, check in checks.items() if check["status"] == "failed"}


def test_all_is_well_where_all_is_well(tmp_path: Path, emulator: EntraEmulator) -> None:
    checks = report(tmp_path, emulator)
    assert failed(checks) == set()
    assert list(checks) == ["settings", "store", "keys", "entra", "clock", *URIS, "credential"]


def test_people_read_a_line_for_each_check(tmp_path: Path, emulator: EntraEmulator) -> None:
    code, output = doctor(tmp_path, emulator)
    assert code == 0
    assert [line[0] for line in output.splitlines()] == ["✓"] * 8


def test_a_callback_that_is_not_registered_at_entra_is_found(tmp_path: Path, emulator: EntraEmulator) -> None:
    checks = report(tmp_path, emulator, AUTHSERVER_ENDPOINT_PREFIX="/elsewhere")
    assert failed(checks) == set(URIS)
    assert "AADSTS50011" in checks["redirect URI"]["finding"]
    assert f"{ISSUER}/elsewhere/callback" in checks["redirect URI"]["finding"]


def test_a_secret_that_entra_refuses_is_found(tmp_path: Path, emulator: EntraEmulator) -> None:
    checks = report(tmp_path, emulator, AUTHSERVER_ENTRA_CLIENT_SECRET="an-old-secret")
    assert failed(checks) == {"credential"}
    assert "AADSTS7000215" in checks["credential"]["finding"]


def test_an_entra_that_does_not_answer_is_found(tmp_path: Path, emulator: EntraEmulator) -> None:
    checks = report(tmp_path, emulator, AUTHSERVER_ENTRA_AUTHORITY="https://localhost:1")
    assert failed(checks) == {"entra"}


def test_a_store_that_cannot_be_written_is_found(tmp_path: Path, emulator: EntraEmulator) -> None:
    (tmp_path / "a-file").write_text("not a folder")
    checks = report(tmp_path, emulator, AUTHSERVER_STATE_FILE=str(tmp_path / "a-file" / "authserver.db"))
    assert failed(checks) == {"store"}


def test_keys_of_a_master_secret_that_was_removed_are_found(tmp_path: Path, emulator: EntraEmulator) -> None:
    assert failed(report(tmp_path, emulator)) == set()
    checks = report(tmp_path, emulator, AUTHSERVER_MASTER_SECRET=Fernet.generate_key().decode())
    assert failed(checks) == {"keys"}
