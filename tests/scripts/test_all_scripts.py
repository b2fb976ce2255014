"""What every script has: no mistakes that shellcheck knows, a help text, no run without being asked."""

import os
import subprocess

import pytest

from tests.scripts.machine import REPOSITORY, SCRIPTS

_SCRIPTS = sorted(SCRIPTS.glob("*.sh"))


def test_shellcheck_finds_nothing() -> None:
    files = [*_SCRIPTS, *sorted((SCRIPTS / "lib").glob("*.sh"))]
    done = subprocess.run(
        ["shellcheck", "--external-sources", *files],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_what_it_does_and_refuses_what_it_does_not_know(script: "os.PathLike[str]") -> None:
    with open(script, encoding="utf-8") as file:
        text = file.read()
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "\nset -euo pipefail\n" in text
    assert os.access(script, os.X_OK)
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    name = os.path.basename(script)
    assert f"Usage: scripts/{name}" in shown
    assert "set -euo" not in shown
    refused = subprocess.run([script, "--no-such-option"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused.stderr
