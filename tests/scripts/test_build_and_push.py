"""build-and-push.sh: the last commit's images in the registry, once."""

from pathlib import Path

import pytest

from tests.scripts.machine import Machine, commit_of


@pytest.fixture
def commit(checkout: Path) -> str:
    """The commit that is checked out."""
    return commit_of(checkout)


def test_images_are_built_from_the_commit_and_not_a_second_time(machine: Machine, commit: str) -> None:
    ran = machine.run("build-and-push.sh")
    assert ran.code == 0, ran.output
    assert machine.cloud["images"] == {"authserver": [commit], "mcpserver": [commit]}
    authserver, mcpserver = machine.calls("az acr build")
    assert authserver[authserver.index("--file") + 1].endswith("/Dockerfile.auth")
    assert mcpserver[mcpserver.index("--file") + 1].endswith("/Dockerfile.mcp")
    assert f"REVISION={commit}" in authserver
    assert {"Dockerfile.auth", "setup.cfg", "apim"} <= set(machine.cloud["contexts"]["authserver"])
    assert len(machine.calls("az acr repository update")) == 2
    assert ".git" not in machine.cloud["contexts"]["authserver"]
    again = machine.run("build-and-push.sh")
    assert again.code == 0
    assert "is in the registry" in again
    assert len(machine.calls("az acr build")) == 2


def test_only_what_is_missing_is_built(machine: Machine, commit: str) -> None:
    machine.change(images={"authserver": ["older"], "mcpserver": [commit]})
    assert machine.run("build-and-push.sh").code == 0
    assert len(machine.calls("az acr build")) == 1
    assert machine.cloud["images"]["authserver"] == ["older", commit]


def test_docker_builds_and_pushes_where_it_is_asked_to(machine: Machine, commit: str) -> None:
    assert machine.run("build-and-push.sh", "--local", PYTHON_IMAGE="mirror.example/python:3").code == 0
    assert machine.calls("docker push")[1] == ["docker", "push", f"crtest.azurecr.io/mcpserver:{commit}"]
    assert "PYTHON_IMAGE=mirror.example/python:3" in machine.calls("docker build")[0]
    assert machine.calls("az acr build") == []


def test_throttling_passes_and_a_failed_build_ends_it(machine: Machine) -> None:
    machine.fail("az acr repository list", "ERROR: (TooManyRequests) try later", times=1)
    machine.fail("az acr build", "ERROR: failed to run step: pip install exited with 1")
    ran = machine.run("build-and-push.sh")
    assert ran.code == 1
    assert "pip install exited with 1" in ran
    assert "failed: building authserver in crtest" in ran
    assert len(machine.calls("az acr build")) == 1
