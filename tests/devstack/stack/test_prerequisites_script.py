"""``scripts/prerequisites.py``: installs what the tests need where it may, or says how to get it."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

_REPOSITORY = Path(__file__).parents[3]


class Machine:
    """A machine with some programs, on which commands are written down instead of run."""

    def __init__(self, *programs: str, user_id: int = 0) -> None:
        self.programs = set(programs)
        self.user_id = user_id
        self.commands: list[list[str]] = []

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if program in self.programs else None

    def run(self, command: list[str], **_options: object) -> "subprocess.CompletedProcess[str]":
        self.commands.append(command)
        if command[0] == "apt-get" and "install" in command:
            self.programs |= {"redis-server", "chromium", "node", "npm", "shellcheck"}
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def script(tmp_path: Path) -> ModuleType:
    """The script, with a folder of npm packages of its own."""
    spec = importlib.util.spec_from_file_location(
        "prerequisites", _REPOSITORY / "scripts" / "prerequisites.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package-lock.json").write_text("{}")
    module.NODE_FOLDER = tmp_path  # type: ignore[attr-defined]
    return module


def _on(machine: Machine, script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script.shutil, "which", machine.which)
    monkeypatch.setattr(script.subprocess, "run", machine.run)
    monkeypatch.setattr(script.os, "geteuid", lambda: machine.user_id)
    script.main()


def test_root_on_debian_gets_what_is_missing_after_an_update(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine("apt-get", "node", "npm")
    _on(machine, script, monkeypatch)
    update, install, _npm = machine.commands
    assert update[-1] == "update"
    assert install[-3:] == ["redis-server", "chromium", "shellcheck"]


def test_nothing_is_installed_where_nothing_is_missing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine("redis-server", "chromium", "node", "npm", "shellcheck")
    _on(machine, script, monkeypatch)
    assert [command[:2] for command in machine.commands] == [["npm", "ci"]]
    machine.commands.clear()
    _on(machine, script, monkeypatch)
    assert machine.commands == []


@pytest.mark.parametrize("machine", [Machine("apt-get", "node", user_id=1000), Machine("node")])
def test_others_are_told_what_is_missing_and_how_to_get_it(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    with pytest.raises(SystemExit) as error:
        _on(machine, script, monkeypatch)
    assert "the tests need redis-server, chromium, npm, shellcheck" in str(error.value)
    assert "sudo apt-get install redis-server chromium npm shellcheck" in str(error.value)
    assert machine.commands == []


def test_changed_npm_packages_are_installed_again(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine("redis-server", "chromium", "node", "npm", "shellcheck")
    _on(machine, script, monkeypatch)
    (script.NODE_FOLDER / "package-lock.json").write_text('{"changed": true}')
    _on(machine, script, monkeypatch)
    assert len(machine.commands) == 2
