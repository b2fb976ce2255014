#!/usr/bin/env python3
"""Opens pages of the built site in a real browser and says what became of their diagrams.

Run by ``test_site.py``, a process of its own because playwright and gevent do not go together. Takes the
site's folder and the pages; prints a JSON object of page → drawn, errors and addresses that were asked for.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

MILLISECONDS: Final = 20_000
_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server")


def look(browser: Browser, page_file: Path) -> dict[str, Any]:
    """Open one page, wait until each diagram is drawn or has failed."""
    page = browser.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    # The page's script marks the end, whatever came of each.
    page.wait_for_function("document.body.dataset.diagrams === 'done'", timeout=MILLISECONDS)
    drawn = page.locator(".drawn-diagram > svg").count()
    page.close()
    return {"drawn": drawn, "errors": errors, "asked": [url for url in asked if not url.startswith("file:")]}


def main() -> None:
    """Print what became of each page's diagrams."""
    folder, pages = Path(sys.argv[1]), sys.argv[2:]
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        print(json.dumps({page: look(browser, folder / page) for page in pages}))
        browser.close()


if __name__ == "__main__":
    main()
