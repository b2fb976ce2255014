#!/usr/bin/env python3
"""A person at MCP Inspector's page in a real browser: connect, sign in, run a tool, read a resource, get a
prompt.

Run by ``test_inspector_page.py``, a process of its own because playwright and gevent do not go together.
Prints a JSON report of what the page showed and leaves pictures. Must do what a person does and no more.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from chromium import DESKTOP, browser
from playwright.sync_api import Page, expect


def report(address: str, pictures: Path) -> dict[str, Any]:
    """Go the whole way and return what the page showed."""
    with browser(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("switch", name="Connect or disconnect").click(force=True)
        page.get_by_role("button", name="Allow").click()
        page.locator("input[name=username]").fill("alice@contoso.example")
        page.locator("input[name=password]").fill("correct horse")
        page.locator("[type=submit]").click()
        expect(page.get_by_text("Connected", exact=True)).to_be_visible()
        page.screenshot(path=pictures / "1-connected.png")
        return {
            "tool": _runs_tools(page, pictures),
            "resource": _reads_a_resource(page, pictures),
            "prompt": _gets_a_prompt(page, pictures),
        }


def _open(page: Page, tab: str) -> None:
    page.get_by_text(tab, exact=True).first.click()


def _runs_tools(page: Page, pictures: Path) -> bool:
    _open(page, "Tools")
    page.get_by_role("button", name="save_snippet").click()
    page.get_by_role("textbox", name="snippetname").fill("inspected")
    page.get_by_role("textbox", name="Snippet", exact=True).fill("def answer(): return 42")
    page.get_by_role("button", name="Execute Tool").click()
    expect(page.get_by_text("Snippet saved successfully as 'inspected'").first).to_be_visible()
    page.screenshot(path=pictures / "2-tool.png")
    return True


def _reads_a_resource(page: Page, pictures: Path) -> bool:
    _open(page, "Resources")
    # The save has told the page that the list changed.
    page.get_by_role("button", name="Refresh").click()
    page.get_by_role("button", name="inspected").click()
    expect(page.get_by_text("def answer(): return 42").first).to_be_visible()
    page.screenshot(path=pictures / "3-resource.png")
    return True


def _gets_a_prompt(page: Page, pictures: Path) -> bool:
    _open(page, "Prompts")
    page.get_by_role("button", name="Explain a snippet").click()
    page.get_by_role("textbox", name="snippetname").fill("inspected")
    page.get_by_role("button", name="Get Prompt").click()
    expect(page.get_by_text("def answer(): return 42").first).to_be_visible()
    page.screenshot(path=pictures / "4-prompt.png")
    return True


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of Inspector's page")
    parser.add_argument("pictures", type=Path)
    asked = parser.parse_args()
    print(json.dumps(report(asked.address, asked.pictures)))


if __name__ == "__main__":
    main()
