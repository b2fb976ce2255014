"""The framework itself, and what has become best practice in it."""

from typing import Final

from tests.requirements.requirement import Requirement

FRAMEWORK: Final = (
    Requirement(
        "RFC6749-2.3-ONE",
        "RFC 6749",
        "2.3",
        "a request uses one way of client authentication",
        (
            "tests/authserver/clients/test_client_assertions.py::test_one_way_of_authentication_at_a_time",
            "tests/authserver/test_token.py::test_two_ways_of_authentication_at_once_are_refused",
        ),
    ),
    Requirement(
        "RFC6749-2.3.1-BASIC",
        "RFC 6749",
        "2.3.1",
        "clients with a secret may show it by HTTP Basic",
        ("tests/authserver/test_token.py::test_a_secret_is_accepted_in_the_header_and_in_the_form",),
    ),
    Requirement(
        "RFC6749-3.2-POST",
        "RFC 6749",
        "3.2",
        "the token endpoint takes POST alone",
        ("tests/authserver/test_token.py::test_other_methods_are_refused_in_json",),
    ),
    Requirement(
        "RFC6749-3.2-ONCE",
        "RFC 6749",
        "3.2",
        "no parameter of a token request occurs twice",
        ("tests/authserver/test_token.py::test_a_doubled_parameter_is_refused",),
    ),
    Requirement(
        "RFC6749-3.2.1-AUTHENTICATE",
        "RFC 6749",
        "3.2.1",
        "clients with credentials authenticate at the token endpoint",
        (
            "tests/authserver/test_token.py::test_a_client_with_a_secret_that_shows_none_is_refused_and_the_code_stays",
            "tests/authserver/clients/test_client_assertions.py::test_an_unknown_client_a_wrong_key_and_another_way_look_the_same",
        ),
    ),
    Requirement(
        "RFC6749-4.4-CONFIDENTIAL",
        "RFC 6749",
        "4.4",
        "client credentials are for confidential clients alone",
        (
            "tests/authserver/machines/test_client_credentials.py::test_only_confidential_clients_that_an_operator_registered_for_it_may",
        ),
    ),
    Requirement(
        "RFC6749-4.4.2-AUTHENTICATE",
        "RFC 6749",
        "4.4.2",
        "the client of client credentials authenticates",
        (
            "tests/authserver/machines/test_client_credentials.py::test_a_daemon_that_does_not_prove_itself_gets_nothing",
            "tests/authserver/machines/test_client_credentials.py::test_a_name_alone_or_no_name_at_all_proves_nothing",
        ),
    ),
    Requirement(
        "RFC6749-5.1-NO-STORE",
        "RFC 6749",
        "5.1",
        "answers with tokens are not stored by anybody",
        (
            "tests/authserver/test_token.py::test_a_code_buys_a_token_for_the_canonical_resource",
            "tests/authserver/machines/test_client_credentials.py::test_a_daemon_gets_what_the_operator_wrote_down_and_nothing_of_a_person",
        ),
    ),
    Requirement(
        "RFC6749-5.1-SCOPE",
        "RFC 6749",
        "5.1",
        "the answer names the scopes where they are not those that were asked for",
        (
            "tests/authserver/machines/test_client_credentials.py::test_a_request_may_narrow_the_scopes",
            "tests/authserver/tenants/test_upstream_check.py::test_a_scope_that_is_no_longer_held_is_left_out_and_the_answer_says_so",
        ),
    ),
    Requirement(
        "RFC6749-5.2-SCHEME",
        "RFC 6749",
        "5.2",
        "who tried the Authorization header is answered with 401 and its scheme",
        ("tests/authserver/test_token.py::test_a_failed_basic_authentication_names_the_scheme",),
    ),
    Requirement(
        "RFC6749-6-BOUND",
        "RFC 6749",
        "6",
        "a refresh token is good for its client alone",
        (
            "tests/authserver/test_refresh.py::test_another_clients_refresh_token_is_refused_and_nobodys_session_ends",
        ),
    ),
    Requirement(
        "RFC6749-6-SCOPE",
        "RFC 6749",
        "6",
        "refreshing gives no scope that was not granted",
        (
            "tests/authserver/test_refresh.py::test_more_scopes_are_refused_and_the_token_stays_unspent",
            "tests/authserver/tenants/test_upstream_check.py::test_a_role_that_comes_back_brings_back_what_was_granted_and_no_more",
        ),
    ),
    Requirement(
        "RFC9700-2.1-EXACT",
        "RFC 9700",
        "2.1, 4.1.3",
        "redirect URIs are compared as strings, but for the port of loopback",
        (
            "tests/authserver/test_authorize.py::test_a_redirect_uri_that_differs_in_anything_is_a_page",
            "tests/authserver/test_authorize.py::test_a_web_redirect_uri_matches_as_a_string_or_not_at_all",
            "tests/authserver/test_authorize.py::test_a_loopback_redirect_may_come_with_any_port",
        ),
    ),
    Requirement(
        "RFC9700-2.1.1-PKCE",
        "RFC 9700",
        "2.1.1, 4.8",
        "a code without a challenge is never issued, one with a challenge never redeemed without",
        (
            "tests/authserver/test_authorize.py::test_without_a_proper_s256_challenge_the_client_is_told_invalid_request",
            "tests/authserver/test_token.py::test_a_missing_or_malformed_verifier_burns_the_code_as_well",
            "tests/authserver/test_token.py::test_a_wrong_verifier_is_refused_and_burns_the_code",
        ),
    ),
    Requirement(
        "RFC9700-2.1.1-UPSTREAM",
        "RFC 9700",
        "2.1.1, 4.5",
        "towards Entra this server is a client: PKCE, nonce and state are its own for each sign-in",
        (
            "tests/authserver/test_entra.py::test_what_entra_is_asked_has_pkce_a_nonce_and_a_state_and_no_resource",
            "tests/authserver/test_entra.py::test_another_persons_answer_injected_into_a_login_is_no_sign_in",
        ),
    ),
    Requirement(
        "RFC9700-2.4-PASSWORD",
        "RFC 9700",
        "2.4",
        "there is no password grant",
        ("tests/authserver/test_token.py::test_a_grant_type_that_is_not_built_is_unsupported",),
    ),
    Requirement(
        "RFC9700-4.2-CODE-ONCE",
        "RFC 9700",
        "4.2.4",
        "a code is invalid after its first use",
        (
            "tests/authserver/test_token.py::test_a_replayed_code_is_refused_and_what_it_issued_is_revoked",
            "tests/authserver/test_token.py::test_parallel_redemptions_have_exactly_one_winner",
        ),
    ),
    Requirement(
        "RFC9700-4.7-CSRF",
        "RFC 9700",
        "4.7",
        "an answer of Entra counts in the browser alone that set out",
        (
            "tests/authserver/test_callback.py::test_another_browser_than_the_one_that_approved_gets_no_code",
            "tests/authserver/people/test_device_page.py::test_the_sign_in_of_another_browser_approves_nothing",
            "tests/authserver/people/test_account.py::test_a_sign_in_begun_in_one_browser_signs_nobody_in_in_another",
        ),
    ),
    Requirement(
        "RFC9700-4.11-INVALID",
        "RFC 9700",
        "4.11.2",
        "an unknown client or redirect URI sends the browser nowhere",
        (
            "tests/authserver/test_authorize.py::test_an_unknown_client_is_a_page",
            "tests/authserver/test_authorize.py::test_client_id_or_redirect_uri_sent_twice_is_a_page",
        ),
    ),
    Requirement(
        "RFC9700-4.12-307",
        "RFC 9700",
        "4.12",
        "no redirect makes a browser send its form again",
        (
            "tests/authserver/test_every_page.py::test_no_redirect_makes_a_browser_send_its_form_again",
            "tests/authserver/test_consent.py::test_allow_goes_to_entra_with_a_state_cookie_for_this_host_only",
            "tests/authserver/test_consent.py::test_deny_tells_the_client_and_stores_nothing",
        ),
    ),
    Requirement(
        "RFC9700-4.13-PROXY",
        "RFC 9700",
        "4.13",
        "what speaks for the proxy comes from the proxy",
        (
            "tests/devstack/gateway/test_impersonation.py::test_a_header_that_speaks_for_a_proxy_is_not_passed_on",
            "tests/devstack/gateway/test_impersonation.py::test_an_underscore_does_not_pass_for_a_hyphen",
        ),
    ),
    Requirement(
        "RFC9700-4.14-BOUND",
        "RFC 9700",
        "4.14.2",
        "refresh tokens keep to the scopes and the resource that were consented to",
        (
            "tests/authserver/test_refresh.py::test_more_scopes_are_refused_and_the_token_stays_unspent",
            "tests/authserver/test_refresh.py::test_another_resource_is_refused_and_an_alias_is_not",
        ),
    ),
    Requirement(
        "RFC9700-4.14-INTEGRITY",
        "RFC 9700",
        "4.14.2",
        "a refresh token that names its grant cannot be made up",
        (
            "tests/authserver/test_refresh.py::test_garbage_that_names_a_session_ends_nothing",
            "tests/authserver/tokens/test_tokens.py::test_a_refresh_token_that_merely_names_a_session_is_not_ours",
        ),
    ),
    Requirement(
        "RFC9700-4.14-REPLAY",
        "RFC 9700",
        "4.14.2",
        "refresh tokens rotate, and a replay is noticed",
        (
            "tests/authserver/test_refresh.py::test_after_the_grace_a_replay_ends_the_session_and_is_audited",
            "tests/authserver/test_refresh.py::test_once_the_successor_is_used_the_grace_is_over",
        ),
    ),
    Requirement(
        "RFC9700-4.15-SUBJECT",
        "RFC 9700",
        "4.15.1",
        "a program's token is not mistaken for a person's",
        (
            "tests/authserver/machines/test_client_credentials.py::test_a_daemon_gets_what_the_operator_wrote_down_and_nothing_of_a_person",
            "tests/authserver/test_registration.py::test_a_client_cannot_choose_its_id_its_secret_or_its_source",
        ),
    ),
    Requirement(
        "RFC9700-4.16-FRAMING",
        "RFC 9700",
        "4.16",
        "no page can be framed",
        (
            "tests/authserver/test_every_page.py::test_every_page_refuses_to_be_framed",
            "tests/authserver/test_consent.py::test_the_page_refuses_framing_caching_and_everything_foreign",
            "tests/authserver/people/test_device_page.py::test_the_pages_refuse_framing_and_everything_foreign",
        ),
    ),
)
