"""The documentation builds as a site: every link and anchor leads somewhere, every page is found, every
diagram can be drawn, and nothing is loaded from other servers.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support import mermaid

_REPOSITORY: Final = Path(__file__).parents[2]
_DOCS: Final = _REPOSITORY / "docs"
_ELSEWHERE: Final = {"node_modules", ".venv", "site", "test-results"}
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\((?!#)([^)\s]+)\)")
_FENCE: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a warning is an error (but with --quiet, which hides warnings from that)."""
    mermaid.install()
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=_REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def _pages() -> dict[str, str]:
    return {str(path.relative_to(_DOCS)): path.read_text("utf-8") for path in _DOCS.rglob("*.md")}


def _html(page: str) -> str:
    return re.sub(r"(^|/)README\.md$", r"\1index.md", page).removesuffix(".md") + ".html"


def test_every_page_is_in_the_site_and_in_its_navigation(site: Path) -> None:
    front = (site / "index.html").read_text("utf-8")
    listed = set(re.findall(r'href="([^"#]+\.html)"', front.partition('class="md-content"')[0]))
    for page in _pages():
        assert (site / _html(page)).is_file()
        assert _html(page) in listed, f"mkdocs.yml: no pattern of nav takes {page}"


def test_nothing_is_loaded_from_other_servers(site: Path) -> None:
    for path in site.rglob("*.html"):
        for element in re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*>", path.read_text("utf-8")):
            if 'rel="canonical"' not in element:
                assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", element), (path, element)


def test_every_diagram_can_be_drawn(site: Path) -> None:
    wanted = {
        _html(page): count
        for page, text in _pages().items()
        if (count := len(re.findall(r"^ *```mermaid$", text, re.M)))
    }
    assert sum(wanted.values()) >= 10
    program = Path(__file__).with_name("diagrams.py")
    ran = subprocess.run(
        [sys.executable, str(program), str(site), *wanted], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert {page: found["drawn"] for page, found in seen.items()} == wanted, seen
    assert [found["asked"] for found in seen.values() if found["asked"]] == []


def test_links_of_the_repositorys_own_pages_lead_to_files() -> None:
    for path in _REPOSITORY.rglob("*.md"):
        if _ELSEWHERE & set(path.relative_to(_REPOSITORY).parts):
            continue
        for target in _LINK.findall(_FENCE.sub("", path.read_text("utf-8"))):
            if re.match(r"[a-z]+:", target):
                assert target.startswith(("https://", "http://localhost", "mailto:")), (path, target)
            else:
                assert (path.parent / target.partition("#")[0]).exists(), (path, target)


def test_a_page_begins_with_its_one_title() -> None:
    for page, text in _pages().items():
        titles = re.findall(r"^# .+$", _FENCE.sub("", text), re.MULTILINE)
        assert len(titles) == 1, (page, titles)
        assert text.startswith(titles[0]), page
