"""What the documentation's build does beside MkDocs: navigation by patterns, Mermaid, links to other files.

MkDocs calls the ``on_…`` functions (mkdocs.yml, ``hooks``). Must not change what a page says.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# Installed by `make docs`, and by the tests; the site is built without it, too.
MERMAID = ROOT / "tests" / "docs" / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"
_MERMAID_URI = "javascripts/mermaid.js"
# Not images, not addresses, not places on the same page.
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Resolve the navigation's patterns, and have the pages load Mermaid where it is installed."""
    taken: set[str] = set()
    config.nav = _resolved(config.nav or [], taken)
    if MERMAID.is_file() and _MERMAID_URI not in config.extra_javascript:
        config.extra_javascript.insert(0, _MERMAID_URI)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Bring Mermaid along: nothing is loaded from other servers."""
    if MERMAID.is_file():
        files.append(File.generated(config, _MERMAID_URI, abs_src_path=str(MERMAID)))
    return files


def on_page_markdown(markdown: str, page: Page, **_others: Any) -> str:
    """Show links to files of the repository that are no pages as what they are: paths."""
    folder = Path(str(page.file.abs_src_path)).parent

    def shown(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        if target.is_relative_to(DOCS) or not target.is_relative_to(ROOT):
            return link[0]
        return f"{link[1]} (`{target.relative_to(ROOT)}` in the repository)"

    return _LINK.sub(shown, markdown)


def _resolved(entries: list[Any], taken: set[str]) -> list[Any]:
    """Replace patterns by the pages they match; a page goes to the first that matches it."""
    found: list[Any] = []
    for entry in entries:
        if isinstance(entry, str):
            pages = sorted(str(path.relative_to(DOCS)) for path in DOCS.glob(entry))
            found += [page for page in pages if page not in taken]
            taken.update(pages)
            continue
        for title, below in entry.items():
            if pages := _resolved(below, taken):
                found.append({title: pages})
    return found
