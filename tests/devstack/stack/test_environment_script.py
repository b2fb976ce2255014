"""``scripts/environment.py``: installs what changed, is silent when nothing did, and says what is missing."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

_REPOSITORY = Path(__file__).parents[3]
_PIN = re.compile(r"^([A-Za-z0-9._-]+==\S+)", re.MULTILINE)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, working on a repository of its own and writing down what it would run."""
    spec = importlib.util.spec_from_file_location("environment", _REPOSITORY / "scripts" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("requirements.lock", "requirements-dev.lock", "setup.cfg", "pyproject.toml"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(module, "ROOT", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(module, "PYTHON", sys.executable)
    monkeypatch.setattr(module, "commands", [], raising=False)
    monkeypatch.setattr(module, "run", module.commands.append)
    return module


def test_the_lock_file_is_installed_with_hashes_and_then_the_project(script: ModuleType) -> None:
    script.main("run")
    dependencies, project = script.commands
    assert dependencies[-3:] == ["--require-hashes", "-r", "requirements.lock"]
    assert project[-4:] == ["--no-deps", "--no-build-isolation", "-e", "."]


def test_nothing_is_installed_twice(script: ModuleType) -> None:
    script.main("run")
    script.commands.clear()
    script.main("run")
    assert script.commands == []


def test_what_the_tests_need_serves_the_stack_as_well(script: ModuleType) -> None:
    script.main("dev")
    script.commands.clear()
    script.main("run")
    assert script.commands == []


def test_what_the_stack_needs_does_not_serve_the_tests(script: ModuleType) -> None:
    script.main("run")
    script.commands.clear()
    script.main("dev")
    assert "requirements-dev.lock" in script.commands[0]


@pytest.mark.parametrize("name", ["requirements.lock", "setup.cfg", "pyproject.toml"])
def test_a_change_is_installed(script: ModuleType, tmp_path: Path, name: str) -> None:
    script.main("run")
    script.commands.clear()
    (tmp_path / name).write_text("changed\n")
    script.main("run")
    assert len(script.commands) == 2


def test_a_moved_folder_is_installed_again(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.main("run")
    script.commands.clear()
    moved = tmp_path.with_name("moved")
    tmp_path.rename(moved)
    monkeypatch.setattr(script, "ROOT", str(moved))
    monkeypatch.setattr(script, "VENV", str(moved / ".venv"))
    script.main("run")
    assert len(script.commands) == 2


def test_a_failed_installation_is_tried_again(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str]) -> None:
        raise SystemExit("no network")

    with monkeypatch.context() as broken:
        broken.setattr(script, "run", fail)
        with pytest.raises(SystemExit):
            script.main("run")
    script.main("run")
    assert len(script.commands) == 2


def test_an_environment_whose_python_is_gone_is_made_anew(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.main("run")
    script.commands.clear()
    monkeypatch.setattr(script, "PYTHON", "/nonexistent/python")
    script.main("run")
    assert script.commands[0] == [sys.executable, "-m", "venv", "--clear", script.VENV]


def test_an_old_python_without_a_newer_one_is_refused_with_what_to_do(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(script.shutil, "which", lambda _name: None)
    with pytest.raises(SystemExit, match=r"3\.11 or newer is needed(.|\n)*apt-get install"):
        script.main("run")


def test_an_old_python_hands_over_to_a_newer_one(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace_process(path: str, _arguments: list[str]) -> None:
        raise SystemExit(path)

    monkeypatch.setattr(script.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(
        script.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None
    )
    monkeypatch.setattr(script.os, "execv", replace_process)
    with pytest.raises(SystemExit, match=r"^/usr/bin/python3\.12$"):
        script.main("run")


def test_a_missing_venv_module_is_named_with_its_package(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "answers", lambda _statement: False)
    monkeypatch.setattr(script.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        script.main("run")


def test_the_tools_lock_file_holds_every_pin_of_the_other() -> None:
    run, dev = (
        set(_PIN.findall((_REPOSITORY / name).read_text()))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert run - dev == set()


def _make(*arguments: str) -> str:
    # The tests themselves may have been started by make.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ("make", *arguments), cwd=_REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_make_help_lists_the_targets() -> None:
    targets = [line.split()[0] for line in _make("help").splitlines()]
    assert targets == [
        "help",
        "up",
        "doctor",
        "test",
        "test-model",
        "bench",
        "docs",
        "lint",
        "format",
        "clean",
    ]


def test_make_s_variables_become_options() -> None:
    variables = ("GATEWAY_PORT=9080", "ENTRA_BACK_CHANNEL_PORT=9443", "STATE_DIR=elsewhere", "NO_GATEWAY=1")
    shown = _make("--dry-run", "up", *variables)
    for option in (
        "--gateway-port=9080",
        "--entra-back-channel-port=9443",
        "--state-dir=elsewhere",
        "--no-gateway",
    ):
        assert option in shown
    assert "--mcpserver-port" not in shown
