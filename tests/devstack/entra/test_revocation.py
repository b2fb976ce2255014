"""What was issued to somebody ends: sessions revoked, password changed, account gone, roles taken away."""

from collections.abc import Callable

import pytest

from devstack.entra import EntraEmulator
from devstack.entra.directory import ADMIN_ROLE, ALICE, BOB, CAROL, CONTOSO, LOGIN_CLIENT_ID, WRITER_ROLE
from tests.devstack.entra.browser import Application, Browser, Page, answer, assert_refused, claims_of

Revoke = Callable[[EntraEmulator], object]
_WAYS: list[Revoke] = [
    lambda emulator: emulator.directory.revoke_sessions(BOB),
    lambda emulator: emulator.directory.change_password(BOB, "a new one"),
    lambda emulator: emulator.faults.set("sessions_revoked", username=BOB, times=1),
]


@pytest.mark.parametrize("revoke", _WAYS, ids=["revoked", "password changed", "fault"])
def test_refresh_tokens_of_before_are_revoked(
    application: Application, browser: Browser, revoke: Revoke
) -> None:
    refresh_token = application.redeem(browser.code(BOB)).json()["refresh_token"]
    of_alice = application.redeem(browser.code(ALICE)).json()["refresh_token"]
    revoke(application.emulator)
    response = application.refresh(refresh_token)
    assert_refused(response, 50173, "invalid_grant")
    assert response.json()["suberror"] == "bad_token"
    assert application.refresh(of_alice).status_code == 200
    fresh = application.redeem(answer(browser.sign_in(BOB, "a new one"))["code"]).json()
    assert application.refresh(fresh["refresh_token"]).status_code == 200


def test_a_refresh_does_not_save_a_session_from_being_revoked(
    application: Application, browser: Browser
) -> None:
    first = application.redeem(browser.code(BOB)).json()["refresh_token"]
    second = application.refresh(first).json()["refresh_token"]
    application.emulator.directory.revoke_sessions(BOB)
    assert_refused(application.refresh(second), 50173, "invalid_grant")


def test_codes_and_browser_sessions_of_before_are_revoked_too(
    application: Application, browser: Browser
) -> None:
    code = browser.code(BOB)
    application.emulator.directory.revoke_sessions(BOB)
    assert_refused(application.redeem(code), 50173, "invalid_grant")
    assert answer(browser.authorize(prompt="none"))["error"] == "login_required"
    browser.sign_in(BOB)
    assert answer(browser.authorize(prompt="none"))["code"]


def test_a_new_password_is_the_only_one(browser: Browser) -> None:
    browser.emulator.directory.change_password(BOB, "a new one")
    assert "AADSTS50126" in Page(browser.sign_in(BOB, "another").text).text
    assert answer(browser.sign_in(BOB, "a new one"))["code"]
    assert "a new one" not in repr(browser.emulator.directory.person(BOB))


def test_roles_are_assigned_by_tenant_application_and_person(
    application: Application, browser: Browser
) -> None:
    directory = browser.emulator.directory
    directory.assign_roles(CONTOSO, LOGIN_CLIENT_ID, BOB, WRITER_ROLE)
    tokens = application.redeem(browser.code(BOB)).json()
    assert claims_of(tokens["id_token"])["roles"] == [WRITER_ROLE]
    directory.assign_roles(CONTOSO, LOGIN_CLIENT_ID, BOB, WRITER_ROLE, ADMIN_ROLE)
    again = application.refresh(tokens["refresh_token"]).json()
    assert claims_of(again["id_token"])["roles"] == [WRITER_ROLE, ADMIN_ROLE]
    directory.assign_roles(CONTOSO, LOGIN_CLIENT_ID, BOB)
    again = application.refresh(tokens["refresh_token"]).json()
    assert "roles" not in claims_of(again["id_token"])


def test_a_tenant_assigns_roles_to_its_own_people_alone(emulator: EntraEmulator) -> None:
    with pytest.raises(ValueError, match="nobody is called"):
        emulator.directory.assign_roles(CONTOSO, LOGIN_CLIENT_ID, CAROL, WRITER_ROLE)
    with pytest.raises(ValueError, match="offers no role"):
        emulator.directory.assign_roles(CONTOSO, LOGIN_CLIENT_ID, BOB, "Snippets.Everything")


def test_a_response_may_come_without_a_refresh_token(application: Application, browser: Browser) -> None:
    browser.emulator.faults.set("no_refresh_token", times=1)
    assert "refresh_token" not in application.redeem(browser.code(BOB)).json()
