#!/usr/bin/env python3
"""A person at a real browser: consent, sign-in at the emulator, and the way back to the client.

Run by ``test_chromium.py``, a process of its own because playwright and gevent do not go together. Takes a
JSON order, prints a JSON report, and leaves a screenshot of each page. Must do what a person does and no
more: press buttons and fill in fields.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import BrowserContext, Page, Request, ViewportSize, sync_playwright

MILLISECONDS: Final = 20_000
# Nothing that a browser does on its own account: the only network here is this machine.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Order:
    """What to do.

    Attributes:
        authorize_url: what the client opens.
        redirect_uri: where the answer goes; an answer to a private scheme is seen to leave.
        screenshots: folder for the pictures.
        decision: the button of the consent page; Leave: the person reads the page and goes away.
        username: who signs in.
        times: how often the whole way is gone in one browser; from the second time on Entra is asked to
            choose the account by itself, as it does for somebody who is signed in with one account.
        colours: the person's preference.
        phone: that the window is as small as a phone's.
        refused: that a page of ours says no after the sign-in, and the person follows its way back.
    """

    authorize_url: str
    redirect_uri: str
    screenshots: str
    decision: Literal["Allow", "Deny", "Leave"] = "Allow"
    username: str = "alice@contoso.example"
    times: int = 1
    colours: Literal["light", "dark"] = "light"
    phone: bool = False
    refused: bool = False


@dataclass
class Report:
    """What happened.

    Attributes:
        answers: each address with which the client was called.
        problems: what the browser's console complained of.
        titles: of the pages on the way.
        widths: of the pages in pixels; more than the window's means that one has to scroll sideways.
        cookies: names and attributes of the cookies set on the way.
    """

    answers: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    cookies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def browser(*, resolve: str = "", **options: Any) -> Iterator[BrowserContext]:
    """Run the system's Chromium until the block ends.

    Args:
        resolve: rules for names, as Chromium's ``--host-resolver-rules`` takes them.
        **options: of the browser's context.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        arguments = [*_ARGUMENTS, f"--host-resolver-rules={resolve}"]
        running = playwright.chromium.launch(executable_path=program, args=arguments)
        context = running.new_context(**options)
        context.set_default_timeout(MILLISECONDS)
        yield context
        running.close()


def go(order: Order) -> Report:
    """Carry out the order."""
    report = Report()
    with browser(viewport=PHONE if order.phone else DESKTOP, color_scheme=order.colours) as context:
        for turn in range(order.times):
            _walk(_new_page(context, order, report), order, report, turn)
        report.cookies = [dict(cookie) for cookie in context.cookies()]
    return report


def _new_page(context: BrowserContext, order: Order, report: Report) -> Page:
    page = context.new_page()
    page.on("console", lambda message: _note(report, message.type, message.text))
    page.on("pageerror", lambda error: report.problems.append(str(error)))
    page.on("request", lambda request: _answered(report, order, request))
    return page


def _walk(page: Page, order: Order, report: Report, turn: int) -> None:
    page.goto(order.authorize_url)
    _picture(page, order, report, f"{turn}-1-consent")
    if order.decision == "Leave":
        return
    if turn:
        _let_entra_choose(page)
    page.get_by_role("button", name=order.decision).click()
    if order.decision == "Allow" and not turn:
        page.locator("input[name=username]").fill(order.username)
        page.locator("input[name=password]").fill("correct horse")
        _picture(page, order, report, f"{turn}-2-sign-in")
        page.locator("[type=submit]").click()
    if order.refused:
        way_back = page.get_by_role("link", name="Return to the application")
        way_back.wait_for()
        _picture(page, order, report, f"{turn}-3-refused")
        way_back.click()
    _wait(page, lambda: len(report.answers) > turn)
    if order.redirect_uri.startswith("http"):
        page.wait_for_load_state()
        _picture(page, order, report, f"{turn}-3-client")


def _let_entra_choose(page: Page) -> None:
    # A redirect's target is changed on its way; nothing that the page can see.
    session = page.context.new_cdp_session(page)

    def without_prompt(event: dict[str, Any]) -> None:
        url = (
            event["request"]["url"]
            .replace("prompt=select_account&", "")
            .replace("&prompt=select_account", "")
        )
        session.send("Fetch.continueRequest", {"requestId": event["requestId"], "url": url})

    session.on("Fetch.requestPaused", without_prompt)
    session.send("Fetch.enable", {"patterns": [{"urlPattern": "*/oauth2/v2.0/authorize*"}]})


def _picture(page: Page, order: Order, report: Report, name: str) -> None:
    report.titles.append(page.title())
    report.widths.append(page.evaluate("document.documentElement.scrollWidth"))
    page.screenshot(path=Path(order.screenshots) / f"{name}.png", full_page=True)


def _wait(page: Page, condition: Any) -> None:
    for _ in range(MILLISECONDS // 50):
        if condition():
            return
        page.wait_for_timeout(50)
    raise TimeoutError(f"still at {page.url.partition('?')[0]}: {page.inner_text('body')[:500]}")


def _note(report: Report, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        report.problems.append(text)


def _answered(report: Report, order: Order, request: Request) -> None:
    if request.url.startswith(order.redirect_uri) and request.is_navigation_request():
        report.answers.append(request.url)


def main() -> None:
    """Take the order, print the report."""
    print(json.dumps(go(Order(**json.loads(sys.argv[1]))).__dict__))


if __name__ == "__main__":
    main()
