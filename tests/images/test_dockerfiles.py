"""What the Dockerfiles say, before anything is built."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from authserver.settings import Settings as AuthserverSettings
from mcpserver.settings import Settings as McpserverSettings
from tests.images.dockerfile import Dockerfile

_REPOSITORY: Final = Path(__file__).parents[2]
_TARGETS: Final = (("authserver", "authserver"), ("authserver", "devstack"), ("mcpserver", "mcpserver"))
_PINNED: Final = re.compile(r"docker\.io/library/python:3\.11\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}")
_LABELS: Final = ("title", "description", "licenses", "version", "revision", "created")


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        (hadolint, "Dockerfile.auth", "Dockerfile.mcp"),
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_both_start_from_the_same_python_pinned_by_digest(dockerfiles: dict[str, Dockerfile]) -> None:
    (python,) = {each.arguments["PYTHON_IMAGE"] for each in dockerfiles.values()}
    assert _PINNED.fullmatch(python)
    for each in dockerfiles.values():
        parents = {stage.parent for stage in each.stages.values()}
        assert parents - set(each.stages) == {"${PYTHON_IMAGE}"}


def test_both_download_in_the_same_stage_so_that_it_is_built_once(dockerfiles: dict[str, Dockerfile]) -> None:
    first, second = dockerfiles.values()
    assert [first.stages[name] for name in ("wheels", "runtime")] == [
        second.stages[name] for name in ("wheels", "runtime")
    ]


def test_without_a_target_the_server_is_built(dockerfiles: dict[str, Dockerfile]) -> None:
    assert {server: list(each.stages)[-1] for server, each in dockerfiles.items()} == {
        "authserver": "authserver",
        "mcpserver": "mcpserver",
    }


@pytest.mark.parametrize(("server", "target"), _TARGETS)
def test_what_is_shipped_comes_from_no_stage_with_tools(
    dockerfiles: dict[str, Dockerfile], server: str, target: str
) -> None:
    stages = dockerfiles[server].stages
    assert stages[target].parent == "runtime"
    assert stages["runtime"].parent == "${PYTHON_IMAGE}"
    assert stages[target].last("RUN") is None


@pytest.mark.parametrize("server", ["authserver", "mcpserver"])
def test_nothing_that_a_build_is_given_is_kept_in_it_but_what_labels_it(
    dockerfiles: dict[str, Dockerfile], server: str
) -> None:
    file = dockerfiles[server]
    inner = {
        name
        for stage in file.stages.values()
        for each in stage.instructions
        if each.word == "ARG"
        for name in each.pairs()
    }
    assert (set(file.arguments), inner) == ({"PYTHON_IMAGE"}, {"VERSION", "REVISION", "CREATED"})


@pytest.mark.parametrize(("server", "target"), _TARGETS)
def test_the_labels_say_what_it_is_and_what_it_was_made_from(
    dockerfiles: dict[str, Dockerfile], server: str, target: str
) -> None:
    label = dockerfiles[server].stages[target].last("LABEL")
    assert label is not None
    pairs = label.pairs()
    assert set(pairs) == {f"org.opencontainers.image.{name}" for name in _LABELS}
    for name in ("version", "revision", "created"):
        assert pairs[f"org.opencontainers.image.{name}"] == f"${{{name.upper()}}}"


def test_the_ports_are_those_the_servers_listen_on_by_default(dockerfiles: dict[str, Dockerfile]) -> None:
    defaults = {"authserver": AuthserverSettings.model_fields, "mcpserver": McpserverSettings.model_fields}
    for server, fields in defaults.items():
        stage = dockerfiles[server].stages[server]
        port, environment = stage.last("EXPOSE"), stage.last("ENV")
        assert port is not None
        assert environment is not None
        assert int(port.text) == fields["port"].default
        assert environment.pairs()[f"{server.upper()}_PORT"] == port.text
        # Reached from outside its network namespace, behind whatever guards that.
        assert environment.pairs()[f"{server.upper()}_HOST"] == "0.0.0.0"
