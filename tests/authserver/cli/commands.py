"""Runs ``authserver`` commands in this process, against a world's store, as a person or a program does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from authserver.cli import main
from authserver.cli.opening import opened
from tests.authserver.world import HOME_TENANT

MASTER_SECRET = Fernet.generate_key().decode()


class Commands:
    """Args: monkeypatch: sets the environment; folder: where the state is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self.environment(
            AUTHSERVER_MASTER_SECRET=MASTER_SECRET,
            AUTHSERVER_ENTRA_CLIENT_SECRET="an-upstream-secret",
            AUTHSERVER_SIGNING_ALGORITHM="ES256",
            AUTHSERVER_STATE_FILE=str(folder / "authserver.db"),
            AZURE_CLIENT_ID="aaaaaaaa-0000-4000-8000-000000000001",
            AZURE_TENANT_ID=HOME_TENANT,
        )
        monkeypatch.chdir(folder)

    def environment(self, **variables: str) -> None:
        """Set variables for the commands that follow."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def run(self, *arguments: str) -> Result:
        """Run a command."""
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    def text(self, *arguments: str) -> str:
        """Return what a command that works prints for people."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def json(self, *arguments: str) -> Any:
        """Return what a command that works prints for programs."""
        return json.loads(self.text(*arguments, "--json"))

    @contextmanager
    def trail(self) -> Iterator[None]:
        """Keep what is audited within, as a running server does."""
        with opened(as_json=False):
            yield

    def refusal(self, *arguments: str) -> str:
        """Return the one line of a command that refuses, after seeing that programs get JSON."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 1
        assert json.loads(result.output)["error"]
        result = self.run(*arguments)
        assert result.exit_code == 1
        return result.output.strip()
