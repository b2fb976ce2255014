"""Codes, tokens, secrets and passwords are in no log line and on no page but the one that posts a code."""

import json
import logging
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
import requests

from devstack.entra import EntraEmulator
from devstack.entra.directory import ALICE, LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET
from devstack.entra.federation import ASSERTION_TYPE
from tests.devstack.entra.browser import PASSWORD, REDIRECT_URI, VERIFIER, Application, Browser, answer

_WRONG_SECRET = "a-secret-that-is-not-the-one"
_WRONG_VERIFIER = "w" * 43


def _everything_that_is_secret(browser: Browser, application: Application) -> tuple[set[str], list[str]]:
    """Sign in in every way, be refused in many; return the secrets and what people were shown."""
    shown = [browser.authorize(), browser.sign_in(ALICE, "wrong")]
    first, second, third, unknown = (*(browser.code() for _ in range(3)), "1.a-code-nobody-issued")
    assertion = browser.emulator.workload_identity.token(sub="another")
    tokens = application.redeem(first).json()
    refreshed = application.refresh(tokens["refresh_token"]).json()
    secrets = {LOGIN_CLIENT_SECRET, _WRONG_SECRET, _WRONG_VERIFIER, VERIFIER, PASSWORD, assertion}
    secrets |= {first, second, third, unknown, browser.session.cookies["entra_emulator_sign_on"]}
    secrets |= {
        body[name] for body in (tokens, refreshed) for name in ("access_token", "id_token", "refresh_token")
    }
    refused = [
        application.redeem(first),
        application.redeem(second, code_verifier=_WRONG_VERIFIER),
        application.redeem(third, client_secret=_WRONG_SECRET),
        application.redeem(unknown),
        application.redeem(
            third, client_secret=None, client_assertion=assertion, client_assertion_type=ASSERTION_TYPE
        ),
        application.redeem([third, third]),
        application.token(grant_type=["refresh_token", tokens["refresh_token"]]),
        application.refresh(tokens["refresh_token"] + "x"),
        application.refresh(tokens["access_token"]),
    ]
    basic = b64encode(f"{LOGIN_CLIENT_ID}:{_WRONG_SECRET}".encode()).decode()
    url = f"{application.emulator.authority}/common/oauth2/v2.0/token"
    refused.append(application.session.post(url, headers={"Authorization": f"Basic {basic}"}, timeout=20))
    refused.append(application.session.post(f"{url}?client_secret={_WRONG_SECRET}", timeout=20))
    assert all(response.status_code in (400, 401) for response in refused)
    return secrets | {basic}, [response.text for response in (*shown, *refused)]


def test_nothing_secret_is_logged_or_shown(
    browser: Browser, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        secrets, shown = _everything_that_is_secret(browser, application)
    # The lines of this process's own HTTP client are not the emulator's.
    lines = [
        r.getMessage() for r in caplog.records if r.name.partition(".")[0] not in ("urllib3", "requests")
    ]
    assert any("signed in" in line for line in lines)
    assert any("AADSTS7000215" in line for line in lines)
    for text in (*lines, *shown):
        assert not [secret for secret in secrets if secret in text], text


def test_a_code_is_on_no_page_but_the_one_that_posts_it(browser: Browser) -> None:
    assert answer(browser.sign_in())["code"] not in browser.authorize().text
    posted = browser.sign_in(response_mode="form_post")
    assert posted.headers["Cache-Control"] == "no-store"
    assert posted.headers["Referrer-Policy"] == "no-referrer"


def test_a_process_prints_nothing_secret(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "devstack.entra", "--login-port=0", "--back-channel-port=0")
    options = (f"--state-dir={tmp_path}", f"--redirect-uri={REDIRECT_URI}")
    process = subprocess.Popen(
        (*command, *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        words = process.stdout.readline().replace(",", "").split()
        there = EntraEmulator(
            tmp_path,
            int(next(w for w in words if w.startswith("http://")).rpartition(":")[2]),
            int(next(w for w in words if w.startswith("https://")).rpartition(":")[2]),
        )  # never started here: it says where the other one is
        with requests.Session() as theirs, requests.Session() as ours:
            secrets, _ = _everything_that_is_secret(Browser(there, theirs), Application(there, ours))
        process.terminate()
        printed, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert "signed in to" in printed
    keys = json.loads((tmp_path / "entra-signing-keys.json").read_text())["keys"]
    assert not [secret for secret in (*secrets, *(key["d"] for key in keys)) if secret in printed]
