"""The documentation tells the truth, as far as a program can tell."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

_REPOSITORY: Final = Path(__file__).parents[1]
_PAGES: Final = sorted({*_REPOSITORY.glob("*.md"), *(_REPOSITORY / "docs").rglob("*.md")})
_LINK: Final = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")
_MAKE: Final = re.compile(r"(?:^|`)make ([a-z]+)\b", re.MULTILINE)
_VARIABLE: Final = re.compile(r"\b((?:AUTHSERVER|MCPSERVER)_[A-Z_]+)\b")
_STACK_VARIABLES: Final = (
    "AUTHSERVER_PORT",
    "MCPSERVER_PORT",
    "AUTHSERVER_SECRETS_DIR",
    "MCPSERVER_SECRETS_DIR",
)


def _ids(page: Path) -> str:
    return str(page.relative_to(_REPOSITORY))


def test_the_page_of_settings_is_what_the_settings_say(tmp_path: Path) -> None:
    program = "import settings_page, sys; sys.stdout.write(settings_page.page())"
    written = subprocess.run(
        (sys.executable, "-c", program),
        cwd=_REPOSITORY / "scripts",
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert (_REPOSITORY / "docs" / "settings.md").read_text("utf-8") == written, "run `make format`"


@pytest.mark.parametrize("page", _PAGES, ids=_ids)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target, _ in _LINK.findall(page.read_text("utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", _PAGES, ids=_ids)
def test_make_targets_and_variables_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    makefile = (_REPOSITORY / "Makefile").read_text("utf-8")
    settings = (_REPOSITORY / "docs" / "settings.md").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert [name for name in _MAKE.findall(text) if name not in targets] == []
    unknown = [name for name in _VARIABLE.findall(text) if f"`{name}`" not in settings]
    assert [name for name in unknown if name not in _STACK_VARIABLES] == []


@pytest.mark.parametrize("page", _PAGES, ids=_ids)
def test_tests_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`(tests/[\w./-]+)`", page.read_text("utf-8"))
    assert [name for name in named if not (_REPOSITORY / name).exists()] == []


def test_every_decision_is_listed() -> None:
    folder = _REPOSITORY / "docs" / "adr"
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
