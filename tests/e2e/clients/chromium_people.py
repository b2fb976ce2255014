#!/usr/bin/env python3
"""A person at a real browser and the pages for people: connecting a device, their account, administration.

Run by ``test_chromium_people.py``, a process of its own because playwright and gevent do not go together.
Takes a JSON order, prints a JSON report, and leaves a screenshot of each page. Must do what a person does and
no more: open an address, press buttons and links, fill in fields.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from chromium import DESKTOP, PHONE, browser
from playwright.sync_api import Page


@dataclass(frozen=True)
class Order:
    """What to do.

    Attributes:
        url: what the person opens.
        press: names of buttons and links in the order in which they are pressed; ``sign in at Microsoft``
            stands for filling in the form there; ``open`` for opening the address again.
        screenshots: folder for the pictures.
        username: who signs in.
        colours: the person's preference.
        phone: that the window is as small as a phone's.
    """

    url: str
    press: list[str]
    screenshots: str
    username: str = "alice@contoso.example"
    colours: Literal["light", "dark"] = "light"
    phone: bool = False


@dataclass
class Report:
    """What happened: the text and the width of each page, the cookies at the end, what the console said."""

    pages: list[str] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def go(order: Order) -> Report:
    """Carry out the order."""
    report = Report()
    with browser(viewport=PHONE if order.phone else DESKTOP, color_scheme=order.colours) as context:
        page = context.new_page()
        page.on("console", lambda said: _note(report, said.type, said.text))
        page.goto(order.url)
        _picture(page, order, report)
        for name in order.press:
            _press(page, order, name)
            page.wait_for_load_state()
            _picture(page, order, report)
        report.cookies = [str(cookie["name"]) for cookie in context.cookies(order.url)]
    return report


def _press(page: Page, order: Order, name: str) -> None:
    if name == "open":
        page.goto(order.url)
    elif name == "sign in at Microsoft":
        page.locator("input[name=username]").fill(order.username)
        page.locator("input[name=password]").fill("correct horse")
        with page.expect_navigation():
            page.locator("[type=submit]").click()
    else:
        found = page.get_by_role("button", name=name, exact=True).or_(
            page.get_by_role("link", name=name, exact=True)
        )
        with page.expect_navigation():
            found.first.click()


def _picture(page: Page, order: Order, report: Report) -> None:
    report.pages.append(" ".join(page.inner_text("body").split()))
    report.widths.append(page.evaluate("document.documentElement.scrollWidth"))
    folder = Path(order.screenshots)
    page.screenshot(path=folder / f"{len(report.pages)}.png", full_page=True)


def _note(report: Report, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        report.problems.append(text)


def main() -> None:
    """Take the order, print the report."""
    print(json.dumps(go(Order(**json.loads(sys.argv[1]))).__dict__))


if __name__ == "__main__":
    main()
