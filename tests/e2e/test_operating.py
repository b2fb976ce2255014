"""What an operator does on a running stack, one command each."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from devstack.entra.directory import CONTOSO, FABRIKAM
from devstack.state import StateFolder
from tests.e2e.login import complete_login
from tests.e2e.operator_commands import command
from tests.e2e.raw_client import RawClient
from tests.e2e.stack import Stack

_TIMEOUT_SECONDS: Final = 30


def run(state_folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "devstack.cli", "authserver", f"--state-dir={state_folder}", *arguments],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )


def test_doctor_finds_the_stack_well(stack: Stack) -> None:
    report = command(stack, "doctor")
    assert report["healthy"], report
    assert {check["status"] for check in report["checks"]} == {"ok"}


def test_the_audit_tells_a_sign_in_from_registration_to_token(stack: Stack) -> None:
    client = RawClient(stack.mcp_url)
    client.discover()
    client.register()
    client.redeem(client.receive(complete_login(client.authorize_url())))
    # The trail is written a moment after the answer; the command asks again until the token is in it.
    told: list[str] = []
    for _ in range(20):
        lines = command(stack, "audit", "--since", "1h")
        told = [line["event"] for line in lines if line.get("client_id") == client.client_id]
        if "token.issued" in told:
            break
    assert told == ["client.registered", "consent.given", "login.succeeded", "token.issued"]
    assert client.tokens["access_token"] not in json.dumps(lines)


def test_tenants_can_be_listed_added_and_removed(stack: Stack) -> None:
    tid = "33333333-3333-4333-8333-333333333333"
    assert {entry["tid"] for entry in command(stack, "tenants", "list")} == {CONTOSO, FABRIKAM}
    command(stack, "tenants", "add", tid, "--name", "Northwind", "--ceiling", "mcp:tools")
    assert command(stack, "tenants", "show", tid)["ceiling"] == ["mcp:tools"]
    command(stack, "tenants", "remove", tid)
    assert {entry["tid"] for entry in command(stack, "tenants", "list")} == {CONTOSO, FABRIKAM}


def test_a_stack_that_keeps_its_state_in_redis_has_no_database_and_can_be_operated(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    folder.prepare()
    folder.master_secret()
    done = run(folder.path, "keys", "list", "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), list)


def test_without_a_stack_a_command_says_how_to_start_one(tmp_path: Path) -> None:
    done = run(tmp_path / "none", "keys", "list")
    assert done.returncode == 1
    assert "make up" in done.stderr
    assert "Traceback" not in done.stderr
