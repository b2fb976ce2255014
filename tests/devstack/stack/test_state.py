"""The state folder: private, locked by the stack that uses it, and never read wrongly."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from devstack.errors import AlreadyRunningError, StackError
from devstack.options import Options, Ports
from devstack.state import StateFolder


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_and_its_secrets_are_for_their_owner_alone(tmp_path: Path, open_umask: None) -> None:
    state = StateFolder(tmp_path / "state")
    state.prepare()
    state.master_secret()
    with state.locked(Options()):
        assert _mode(state.lock_file) == 0o600
    assert _mode(state.path) == 0o700
    assert _mode(state.master_secret_file) == 0o600


def test_a_folder_that_was_made_too_open_is_closed(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    tmp_path.chmod(0o755)
    state.prepare()
    assert _mode(tmp_path) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match=r"state folder .*file.* cannot be used .*--state-dir"):
        StateFolder(tmp_path / "file" / "state").prepare()


def test_the_master_secret_stays_the_same(tmp_path: Path) -> None:
    secret = StateFolder(tmp_path).master_secret()
    Fernet(secret)
    assert StateFolder(tmp_path).master_secret() == secret


def test_several_master_secrets_are_accepted(tmp_path: Path) -> None:
    secrets = f"{Fernet.generate_key().decode()},{Fernet.generate_key().decode()}"
    StateFolder(tmp_path).master_secret_file.write_text(f"{secrets}\n")
    assert StateFolder(tmp_path).master_secret() == secrets


@pytest.mark.parametrize("text", ["", "short", "Ä" * 44])
def test_a_broken_master_secret_stops_the_start_and_is_not_shown(tmp_path: Path, text: str) -> None:
    state = StateFolder(tmp_path)
    state.master_secret_file.write_text(text)
    with pytest.raises(StackError) as error:
        state.master_secret()
    assert str(state.master_secret_file) in str(error.value)
    assert not text or text not in str(error.value)


def test_a_second_stack_in_one_folder_is_told_who_and_where_the_first_is(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    with (
        state.locked(Options(Ports(gateway=9080))),
        pytest.raises(AlreadyRunningError) as error,
        state.locked(Options()),
    ):
        pass
    assert f"already running (process {os.getpid()})" in str(error.value)
    assert "http://localhost:9080/mcp" in str(error.value)
    assert f"kill {os.getpid()}" in str(error.value)


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    for _ in range(2):
        with state.locked(Options()):
            assert state.running() is not None
        assert state.running() is None


def test_what_runs_can_be_seen_by_others(tmp_path: Path) -> None:
    options = Options(Ports(mcpserver=9082), tmp_path, with_gateway=False)
    state = StateFolder(tmp_path)
    assert state.running() is None
    with state.locked(options):
        running = state.running()
        assert running is not None
        assert running.pid == os.getpid()
        assert running.options(tmp_path) == options


def test_a_lock_file_left_by_a_killed_stack_means_nothing(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.lock_file.write_text('{"pid": 1}')
    assert state.running() is None
    with state.locked(Options()):
        assert state.running() is not None


def test_a_lock_that_is_just_being_written_is_no_failure(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    with state.locked(Options()):
        state.lock_file.write_text("")
        with pytest.raises(AlreadyRunningError, match="just starting"), state.locked(Options()):
            pass
