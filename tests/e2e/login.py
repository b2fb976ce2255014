#!/usr/bin/env python3
"""A person with a browser, driven over HTTP: from an authorization URL, by consent and sign-in to the client.

Used by end-to-end tests as ``complete_login`` (which returns the final redirect without loading it) and, as a
program,
in place of a browser: clients run ``$BROWSER <authorization URL>``, and ``browser_command`` makes such a
program. Must
know no more of the servers than a person does: it reads the pages, fills in what they ask for and presses a
button.
"""

import argparse
import os
import shlex
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, Literal
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

Decision = Literal["allow", "deny"]

ALICE: Final = "alice@contoso.example"
PASSWORD: Final = "correct horse"  # the emulator takes any but "wrong"
_MAX_STEPS: Final = 20
_TIMEOUT_SECONDS: Final = 20
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class LoginFailedError(Exception):
    """The way ended on a page that offers nothing to go on with; the text holds its status, URL and words."""


@dataclass
class Form:
    """One HTML form: where it goes, its fields with their values, its buttons as (name, value)."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def has_button(self, name: str, value: str) -> bool:
        """Say whether pressing it is possible."""
        return (name, value) in self.buttons


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._hidden = tag in ("style", "script")
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        elif tag in ("input", "button") and self.forms:
            self._field(tag, attributes)

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())

    def _field(self, tag: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "submit" if tag == "button" else "text")
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if kind in ("submit", "button"):
            self.forms[-1].buttons.append((name, value))
        elif name and (kind not in ("checkbox", "radio") or "checked" in attributes):
            self.forms[-1].fields[name] = value


class Person:
    """Somebody with one browser (its cookies live as long as this object) and one account."""

    def __init__(self, username: str = ALICE, password: str = PASSWORD, decision: Decision = "allow") -> None:
        self.username = username
        self.password = password
        self.decision = decision
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy between us and loopback
        self.visited: list[str] = []
        self._credentials_given = False

    def walk(self, authorize_url: str, *, redirect_uri: str | None = None) -> str:
        """Go from the authorization URL to the redirect that leaves for the client; return its URL, unloaded.

        Args:
            authorize_url: what the client opens.
            redirect_uri: where the client waits, when the URL itself does not say.

        Raises:
            LoginFailedError: the way ended on a page.
        """
        target = redirect_uri or parse_qs(urlsplit(authorize_url).query).get("redirect_uri", [""])[0]
        self._credentials_given = False
        response = self._send("GET", authorize_url)
        for _ in range(_MAX_STEPS):
            if response.status_code in _REDIRECTS:
                url = urljoin(response.url, response.headers["Location"])
                if _is_for_client(url, target):
                    return url
                response = self._send("GET", url)
            else:
                response = self._submit(response)
        raise LoginFailedError(f"still going after {_MAX_STEPS} steps: {self.visited}")

    def connect_device(self, url: str) -> str:
        """Go from the address that holds a device's code to the last page; return its words.

        Args:
            url: ``verification_uri_complete``.

        Raises:
            LoginFailedError: the way ended with an error.
        """
        self._credentials_given = False
        response = self._send("GET", url)
        for _ in range(_MAX_STEPS):
            if response.status_code in _REDIRECTS:
                response = self._send("GET", urljoin(response.url, response.headers["Location"]))
            elif response.status_code == 200 and not _Page(response.text).forms:
                return " ".join(_Page(response.text).words)
            else:
                response = self._submit(response)
        raise LoginFailedError(f"still going after {_MAX_STEPS} steps: {self.visited}")

    def _submit(self, response: requests.Response) -> requests.Response:
        page = _Page(response.text)
        for form in page.forms:
            if "username" in form.fields:
                if self._credentials_given:
                    break  # the same page again: they were refused
                self._credentials_given = True
                form.fields |= {"username": self.username, "password": self.password}
            elif form.has_button("decision", self.decision):
                form.fields["decision"] = self.decision
            elif form.has_button("decision", "continue") and form.fields.get("user_code"):
                form.fields["decision"] = "continue"
            else:
                continue
            url = urljoin(response.url, form.action)
            return self._send(form.method.upper(), url, form.fields)
        raise LoginFailedError(
            f"{response.status_code} at {_bare(response.url)}: {' '.join(page.words)[:500]}"
        )

    def _send(self, method: str, url: str, fields: dict[str, str] | None = None) -> requests.Response:
        self.visited.append(_bare(url))
        headers = {"Accept": "text/html"}
        if method == "POST":
            parts = urlsplit(url)
            headers["Origin"] = f"{parts.scheme}://{parts.netloc}"
        return self.session.request(
            method,
            url,
            params=fields if method == "GET" else None,
            data=fields if method == "POST" else None,
            headers=headers,
            allow_redirects=False,
            timeout=_TIMEOUT_SECONDS,
        )


def complete_login(
    authorize_url: str,
    username: str = ALICE,
    decision: Decision = "allow",
    *,
    password: str = PASSWORD,
    redirect_uri: str | None = None,
) -> str:
    """Approve (or deny) and sign in; return the final redirect URL, which the caller hands to the client.

    Args:
        authorize_url: what the client would open in a browser.
        username: one of the emulator's people.
        decision: which button of the consent page to press.
        password: any but ``wrong``.
        redirect_uri: where the client waits, when ``authorize_url`` does not name it.

    Raises:
        LoginFailedError: the way ended on a page, for example because the tenant is not allowed.
    """
    return Person(username, password, decision).walk(authorize_url, redirect_uri=redirect_uri)


def deliver(final_url: str) -> None:
    """Load the final redirect, as a browser would: the client's own server on this machine takes the code.

    Raises:
        LoginFailedError: it does not lead to this machine, or the client answered with an error.
    """
    if urlsplit(final_url).scheme != "http" or urlsplit(final_url).hostname not in _LOOPBACK:
        raise LoginFailedError(f"only a client on this machine can be reached, not {_bare(final_url)}")
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(final_url, allow_redirects=False, timeout=_TIMEOUT_SECONDS)
    if answer.status_code >= 400:
        raise LoginFailedError(f"the client answered {answer.status_code} at {_bare(final_url)}")


def browser_command(
    folder: Path, username: str = ALICE, decision: Decision = "allow", *, device: bool = False
) -> Path:
    """Write a program that clients can run as ``$BROWSER`` and return its path.

    It leaves at once and works in the background, as a browser does (some clients wait for it while their
    callback server stands still); what went wrong is in ``browser.log`` beside it.

    Args:
        folder: where to write it; usually a test's own ``tmp_path``.
        username: who signs in.
        decision: which button is pressed.
        device: that what it opens is the page for a device's code.
    """
    program = (sys.executable, str(Path(__file__).absolute()), *(("--device",) if device else ()))
    script = shlex.join((*program, f"--username={username}", f"--decision={decision}"))
    path = folder / f"browser-{username.partition('@')[0]}-{decision}"
    log = shlex.quote(str(folder / "browser.log"))
    path.write_text(f'#!/bin/sh\n{script} "$@" >>{log} 2>&1 </dev/null &\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def _is_for_client(url: str, redirect_uri: str) -> bool:
    # The code and state of an answer: printed and compared nowhere, the path alone decides.
    return bool(redirect_uri) and _bare(url) == _bare(redirect_uri)


def _bare(url: str) -> str:
    return url.partition("?")[0]


def main() -> None:
    """Be a browser: go the whole way and deliver the answer to the client."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the authorization URL")
    parser.add_argument("--username", default=os.environ.get("LOGIN_USERNAME", ALICE))
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--decision", choices=("allow", "deny"), default="allow")
    parser.add_argument("--print", action="store_true", help="print the final URL instead of loading it")
    parser.add_argument("--device", action="store_true", help="the URL is the page for a device's code")
    arguments = parser.parse_args()
    if arguments.device:
        person = Person(arguments.username, arguments.password, arguments.decision)
        print(person.connect_device(arguments.url))
        return
    final_url = complete_login(
        arguments.url, arguments.username, arguments.decision, password=arguments.password
    )
    if arguments.print:
        print(final_url)
    else:
        deliver(final_url)


if __name__ == "__main__":
    try:
        main()
    except (LoginFailedError, requests.RequestException) as error:
        sys.exit(f"login failed: {error}")
