#!/usr/bin/env python3
"""Serves the page of ``page/`` from an origin of its own and uses it in a real browser, as a person does.

Run by ``test_browser_page.py``, a process of its own. Prints the report that the page writes.
"""

import argparse
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from chromium import browser

_PAGE: Final = Path(__file__).parent / "page"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[int]:
    """Serve the page's folder on a free port until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(_PAGE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def report(host: str, parameters: dict[str, str]) -> Any:
    """Open the page and return what it finds.

    Args:
        host: the page's own; any name leads to this machine.
        parameters: of the page.
    """
    with served() as port, browser(resolve=f"MAP {host} 127.0.0.1") as context:
        page = context.new_page()
        page.goto(f"http://{host}:{port}/index.html?{urlencode(parameters)}")
        if "metadata" not in parameters:
            page.get_by_role("button", name="Connect").click()
            page.get_by_role("button", name="Allow").click()
            page.locator("input[name=username]").fill("alice@contoso.example")
            page.locator("input[name=password]").fill("correct horse")
            page.locator("[type=submit]").click()
        found = page.locator("#report:not(:empty)")
        found.wait_for()
        return json.loads(found.inner_text())


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mcp", help="the server's address")
    parser.add_argument("--host", default="127.0.0.1", help="the page's own host")
    parser.add_argument("--metadata", help="only look: at this document, and at the server")
    parser.add_argument("--token", help="to look with")
    arguments = parser.parse_args()
    given = {"mcp": arguments.mcp, "metadata": arguments.metadata, "token": arguments.token}
    parameters = {name: value for name, value in given.items() if value}
    print(json.dumps(report(arguments.host, parameters)))


if __name__ == "__main__":
    main()
