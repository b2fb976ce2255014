"""What a build may see of a checkout, and what it never does."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.images.context import is_visible, rules, visible_files

_REPOSITORY: Final = Path(__file__).parents[2]


def _visible(path: str) -> bool:
    return is_visible(path, rules((_REPOSITORY / ".dockerignore").read_text("utf-8")))


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "authserver/.env",
        "devstack/entra/.env",
        ".mcpstack/authserver.db",
        ".mcpstack/master-secret",
        ".git/config",
        ".venv/bin/python",
        "tests/conftest.py",
        "infra/main.bicep",
        "k8s/overlays/azure/deployment.env",
        "mcpserver/__pycache__/app.cpython-311.pyc",
        "authserver/web/__pycache__/token.cpython-311.pyc",
        "mcpstack.egg-info/PKG-INFO",
        "requirements-dev.lock",
        "id_rsa",
        "kubeconfig",
    ],
)
def test_state_secrets_and_tests_stay_outside(path: str) -> None:
    assert not _visible(path)


@pytest.mark.parametrize(
    "path",
    [
        "LICENSE",
        "setup.cfg",
        "requirements.lock",
        "authserver/app.py",
        "authserver/web/templates/consent.html",
        "mcpserver/py.typed",
        "apim/auth-api/policy.xml",
    ],
)
def test_what_is_installed_gets_in(path: str) -> None:
    assert _visible(path)


def test_a_build_sees_source_files_alone() -> None:
    known = {"", ".cfg", ".css", ".html", ".json", ".lark", ".lock", ".md", ".py", ".toml", ".typed", ".xml"}
    assert {Path(name).suffix for name in visible_files(_REPOSITORY)} <= known


def test_a_build_sees_each_file_of_the_packages_that_is_tracked() -> None:
    packages = ("authserver", "mcpserver", "serving", "telemetry", "devstack")
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--", *packages),
        cwd=_REPOSITORY,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    tracked = {name for name in listed.split("\0") if name and (_REPOSITORY / name).exists()}
    assert tracked - set(visible_files(_REPOSITORY)) == set()


@pytest.mark.parametrize(
    ("text", "path", "visible"),
    [
        ("*\n!a", "a/b/c", True),
        ("*\n!a\na/b", "a/b/c", False),
        ("a\n!a/b", "a/b/c", True),
        ("*.md\n!README.md", "docs/README.md", True),
        ("**/*.md", "docs/deep/x.md", False),
        ("**/*.md", "x.md", False),
        ("a?c", "abc", False),
        ("# a\n\n/a/", "a", False),
        ("a.b", "axb", True),
    ],
)
def test_rules_mean_what_docker_says_they_mean(text: str, path: str, visible: bool) -> None:
    assert is_visible(path, rules(text)) is visible
