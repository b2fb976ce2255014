"""People at a second device, and people who sign out."""

from typing import Final

from tests.requirements.requirement import Requirement

PEOPLE: Final = (
    Requirement(
        "RFC8628-3.2-RESPONSE",
        "RFC 8628",
        "3.2",
        "the answer has device_code, user_code, verification_uri and expires_in",
        ("tests/authserver/people/test_device_flow.py::test_a_device_gets_a_code_to_show_and_one_to_keep",),
    ),
    Requirement(
        "RFC8628-3.3.1-CONFIRM",
        "RFC 8628",
        "3.3.1",
        "with verification_uri_complete the person still confirms the code",
        (
            "tests/authserver/people/test_device_page.py"
            "::test_a_link_with_the_code_fills_it_in_and_decides_nothing",
        ),
    ),
    Requirement(
        "RFC8628-3.5-PENDING",
        "RFC 8628",
        "3.5",
        "authorization_pending until the person has decided",
        (
            "tests/authserver/people/test_device_flow.py"
            "::test_tokens_come_once_a_person_has_allowed_it_and_signed_in",
        ),
    ),
    Requirement(
        "RFC8628-3.5-SLOW-DOWN",
        "RFC 8628",
        "3.5",
        "slow_down makes the interval longer by 5 seconds for this and all later polls",
        ("tests/authserver/people/test_device_flow.py::test_who_polls_too_fast_must_wait_longer_each_time",),
    ),
    Requirement(
        "RFC8628-3.5-DENIED",
        "RFC 8628",
        "3.5",
        "access_denied once the person has denied it",
        (
            "tests/authserver/people/test_device_flow.py"
            "::test_after_deny_the_device_hears_so_and_nobody_can_allow_it",
        ),
    ),
    Requirement(
        "RFC8628-3.5-EXPIRED",
        "RFC 8628",
        "3.5",
        "expired_token once the device code has expired",
        (
            "tests/authserver/people/test_device_flow.py"
            "::test_after_its_lifetime_the_device_hears_so_and_the_code_is_no_code",
        ),
    ),
    Requirement(
        "RFC8628-5.1-GUESSES",
        "RFC 8628",
        "5.1",
        "guessing user codes is limited",
        (
            "tests/authserver/people/test_device_page.py"
            "::test_guesses_from_one_network_are_limited_and_the_right_code_waits_too",
        ),
    ),
    Requirement(
        "OIDC-LOGOUT-CONFIRM",
        "OpenID Connect RP-Initiated Logout 1.0",
        "2",
        "by GET and by POST the person is asked, because no id_token_hint proves who wants it",
        (
            "tests/authserver/people/test_logout.py::test_a_client_that_sends_a_browser_there_signs_nobody_out",
        ),
    ),
    Requirement(
        "OIDC-LOGOUT-REDIRECT",
        "OpenID Connect RP-Initiated Logout 1.0",
        "3",
        "nobody is sent to an address that was not registered",
        (
            "tests/authserver/people/test_logout.py::test_the_person_signs_out_everywhere_and_returns_here_alone",
        ),
    ),
    Requirement(
        "OIDC-LOGOUT-METADATA",
        "OpenID Connect RP-Initiated Logout 1.0",
        "2.1",
        "the metadata name the endpoint",
        ("tests/authserver/people/test_logout.py::test_the_metadata_name_the_endpoint",),
    ),
)
