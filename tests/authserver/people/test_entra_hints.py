"""Hints and signing out through the real MSAL and the Entra ID emulator: what is asked, what it proves."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from authserver.model import SignInHints
from authserver.upstream.entra import EntraBroker
from authserver.upstream.errors import LoginUnproven
from authserver.upstream.http import EntraSession
from authserver.wiring.parts import entra_configuration
from devstack.entra.emulator import EntraEmulator
from tests.authserver.test_entra import CALLBACK, LOGIN_SECRET, person_signs_in
from tests.authserver.world import HOME_TENANT, make_settings

SIGNED_OUT = CALLBACK.replace("/callback", "/account/signed-out")


class Now:
    """The time, moved by the test."""

    def __init__(self) -> None:
        self.later_seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.later_seconds


@pytest.fixture(scope="module")
def entra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraEmulator]:
    with EntraEmulator(tmp_path_factory.mktemp("entra"), redirect_uris=[CALLBACK, SIGNED_OUT]) as started:
        yield started


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def broker(tmp_path: Path, entra: EntraEmulator, now: Now) -> Iterator[EntraBroker]:
    settings = make_settings(
        tmp_path,
        entra_authority=entra.authority,
        entra_ca_file=entra.ca_file,
        entra_client_secret=LOGIN_SECRET,
    )
    with EntraSession(entra.authority, entra.ca_file) as session:
        yield EntraBroker(entra_configuration(settings), lambda: HOME_TENANT, now, session=session)


def asked(broker: EntraBroker, hints: SignInHints) -> dict[str, str]:
    query = urlsplit(broker.start(hints).url).query
    return {name: values[0] for name, values in parse_qs(query).items()}


def answer(callback: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}


@pytest.mark.requirement("OIDC-3.1.2.1-PROMPT-LOGIN")
def test_hints_stand_in_the_address_that_the_browser_is_sent_to(broker: EntraBroker) -> None:
    query = asked(broker, SignInHints("alice@contoso.example", "contoso.example", 600, "login"))
    assert query["login_hint"] == "alice@contoso.example"
    assert query["domain_hint"] == "contoso.example"
    assert query["max_age"] == "600"
    assert query["prompt"] == "login"
    assert "auth_time" in query["claims"]


def test_without_hints_the_account_is_chosen_and_nothing_else_is_said(broker: EntraBroker) -> None:
    query = asked(broker, SignInHints())
    assert query["prompt"] == "select_account"
    assert not {"login_hint", "domain_hint", "max_age", "claims"} & query.keys()


@pytest.mark.requirement("OIDC-3.1.2.1-MAX-AGE")
def test_no_age_at_all_asks_for_the_password(broker: EntraBroker) -> None:
    query = asked(broker, SignInHints(max_age_seconds=0))
    assert (query["prompt"], query["max_age"]) == ("login", "0")


@pytest.mark.parametrize("max_age_seconds", [0, 1, 900])
def test_a_sign_in_that_is_fresh_is_accepted_and_its_time_is_entras(
    broker: EntraBroker, max_age_seconds: int
) -> None:
    departure = broker.start(SignInHints(max_age_seconds=max_age_seconds))
    signed_in = broker.finish(departure.flow, answer(person_signs_in(departure.url)))
    assert abs(signed_in.identity.auth_time_seconds - time.time()) < 30


def test_who_takes_long_over_entras_last_page_is_still_signed_in(broker: EntraBroker, now: Now) -> None:
    departure = broker.start(SignInHints(max_age_seconds=0))
    callback = person_signs_in(departure.url)
    now.later_seconds = 200
    assert broker.finish(departure.flow, answer(callback)).identity.username == "alice@contoso.example"


@pytest.mark.requirement("OIDC-3.1.2.1-MAX-AGE")
def test_a_sign_in_that_is_older_than_was_asked_for_proves_nothing(broker: EntraBroker, now: Now) -> None:
    # Begun four minutes from now, answered with a password given now.
    now.later_seconds = 250
    departure = broker.start(SignInHints(max_age_seconds=60))
    callback = person_signs_in(departure.url)
    with pytest.raises(LoginUnproven, match="auth_time"):
        broker.finish(departure.flow, answer(callback))


@pytest.mark.requirement("OIDC-3.1.2.1-MAX-AGE")
def test_without_proof_of_when_there_is_no_sign_in(broker: EntraBroker) -> None:
    departure = broker.start(SignInHints(max_age_seconds=600))
    # A person can change what their own browser asks Entra for.
    tampered = without(departure.url, "max_age", "claims")
    callback = person_signs_in(tampered)
    with pytest.raises(LoginUnproven, match="auth_time"):
        broker.finish(departure.flow, answer(callback))


def without(url: str, *names: str) -> str:
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair.partition("=")[0] not in names]
    return parts._replace(query="&".join(kept)).geturl()


def test_signing_out_leads_through_entra_to_our_own_page_alone(broker: EntraBroker) -> None:
    with requests.Session() as browser:
        browser.trust_env = False
        gone = browser.get(broker.sign_out_url(SIGNED_OUT), allow_redirects=False, timeout=10)
        assert gone.status_code in (302, 303)
        assert gone.headers["Location"] == SIGNED_OUT
        kept = browser.get(broker.sign_out_url("https://evil.example/"), allow_redirects=False, timeout=10)
        assert kept.status_code == 200
        assert "evil.example" not in kept.text
