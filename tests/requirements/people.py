"""People at a second device, and people who sign out."""

from typing import Final

from tests.requirements.requirement import Requirement

PEOPLE: Final = (
    Requirement(
        "RFC8628-3.1-AUTHENTICATE",
        "RFC 8628",
        "3.1, 3.4",
        "clients with a secret show it at both endpoints",
        (
            "tests/authserver/people/test_device_flow.py::test_a_client_with_a_secret_must_show_it_at_both_endpoints",
        ),
    ),
    Requirement(
        "RFC8628-3.1-EMPTY",
        "RFC 8628",
        "3.1",
        "parameters without a value count as left out",
        ("tests/authserver/people/test_device_flow.py::test_parameters_without_a_value_count_as_left_out",),
    ),
    Requirement(
        "RFC8628-3.1-ONCE",
        "RFC 8628",
        "3.1",
        "no parameter occurs twice",
        (
            "tests/authserver/people/test_device_flow.py::test_a_request_that_makes_no_sense_is_refused_in_json",
        ),
    ),
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
        "RFC8628-3.4-CLIENT",
        "RFC 8628",
        "3.4",
        "a device code is good for the client that asked for it, once",
        (
            "tests/authserver/people/test_device_flow.py::test_another_client_gets_nothing_for_the_code_and_does_not_spend_it",
            "tests/authserver/people/test_device_flow.py::test_a_device_code_is_good_once",
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
        "RFC8628-4-METADATA",
        "RFC 8628",
        "4",
        "the metadata name the endpoint and the grant",
        ("tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",),
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
        "RFC8628-5.2-SECRET",
        "RFC 8628",
        "5.2",
        "device codes cannot be guessed",
        ("tests/authserver/people/test_device_flow.py::test_a_device_gets_a_code_to_show_and_one_to_keep",),
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
    Requirement(
        "OIDC-LOGOUT-METHODS",
        "OpenID Connect RP-Initiated Logout 1.0",
        "2",
        "the endpoint takes GET and POST",
        (
            "tests/authserver/people/test_logout.py::test_a_client_that_sends_a_browser_there_signs_nobody_out",
        ),
    ),
    Requirement(
        "OIDC-3.1.2.1-MAX-AGE",
        "OpenID Connect Core 1.0",
        "3.1.2.1",
        "a sign-in that is older than max_age is not accepted; Entra is asked to make a new one",
        (
            "tests/authserver/people/test_sign_in_hints.py::test_an_age_in_seconds_is_passed_on",
            "tests/authserver/people/test_entra_hints.py::test_a_sign_in_that_is_older_than_was_asked_for_proves_nothing",
            "tests/authserver/people/test_entra_hints.py::test_no_age_at_all_asks_for_the_password",
            "tests/authserver/people/test_entra_hints.py::test_without_proof_of_when_there_is_no_sign_in",
        ),
    ),
    Requirement(
        "OIDC-3.1.2.1-PROMPT-ALONE",
        "OpenID Connect Core 1.0",
        "3.1.2.1",
        "prompt none goes with no other value",
        ("tests/authserver/people/test_sign_in_hints.py::test_nobody_is_signed_in_without_being_asked",),
    ),
    Requirement(
        "OIDC-3.1.2.1-PROMPT-LOGIN",
        "OpenID Connect Core 1.0",
        "3.1.2.1",
        "prompt login has the person sign in again",
        (
            "tests/authserver/people/test_sign_in_hints.py::test_prompts_that_happen_anyhow_change_nothing",
            "tests/authserver/people/test_entra_hints.py::test_hints_stand_in_the_address_that_the_browser_is_sent_to",
        ),
    ),
    Requirement(
        "OIDC-3.1.2.1-PROMPT-NONE",
        "OpenID Connect Core 1.0",
        "3.1.2.1, 3.1.2.6",
        "prompt none shows no page: the client gets an error",
        ("tests/authserver/test_authorize.py::test_prompt_none_is_answered_with_consent_required",),
    ),
)
