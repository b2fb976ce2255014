"""What MCP demands of both servers about authorization."""

from typing import Final

from tests.requirements.requirement import Requirement

AUTHORIZATION: Final = (
    Requirement(
        "MCP-AUTH-401",
        "MCP 2026-07-28 authorization",
        "Token Handling",
        "a request without a token is answered with 401",
        ("tests/mcpserver/transports/test_guard.py::test_without_a_token_the_challenge_has_no_error_code",),
    ),
    Requirement(
        "MCP-AUTH-401-INVALID",
        "MCP 2026-07-28 authorization",
        "Token handling",
        "Invalid or expired tokens are answered with 401",
        (
            "tests/devstack/gateway/test_tokens.py::test_a_token_that_was_tampered_with_is_refused_as_invalid",
            "tests/devstack/gateway/test_tokens.py::test_a_token_with_a_wrong_claim_is_refused_as_invalid",
        ),
    ),
    Requirement(
        "MCP-AUTH-403-ALL-SCOPES",
        "MCP 2026-07-28 authorization",
        "Runtime Insufficient Scope Errors",
        "too few scopes are answered with 403 and a challenge that names all that are needed",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_token_without_the_scopes_is_challenged_with_all_that_are_needed",
            "tests/mcpserver/transports/test_sse.py::test_a_call_without_the_scopes_is_challenged_at_once",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-CONSENT",
        "MCP 2026-07-28 authorization",
        "Confused Deputy Problem",
        "consent is asked for each client, and never remembered, before the third party is asked",
        (
            "tests/authserver/test_consent.py::test_no_approval_is_remembered",
            "tests/authserver/test_consent.py::test_no_state_cookie_exists_before_allow",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-EXACT-REDIRECT",
        "MCP 2026-07-28 authorization",
        "Open Redirection",
        "redirect URIs are compared exactly with those registered",
        (
            "tests/authserver/test_authorize.py::test_a_redirect_uri_that_differs_in_anything_is_a_page",
            "tests/authserver/test_authorize.py::test_a_web_redirect_uri_matches_as_a_string_or_not_at_all",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-ISS-ADVERTISED",
        "MCP 2026-07-28 authorization",
        "Authorization Response Validation",
        "a server that sends iss advertises authorization_response_iss_parameter_supported true",
        (
            "tests/authserver/test_callback.py::test_the_client_gets_one_code_its_state_and_the_issuer",
            "tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-PKCE-METADATA",
        "MCP 2026-07-28 authorization",
        "Authorization Code Protection",
        "the metadata, the OpenID one too, has code_challenge_methods_supported",
        ("tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",),
    ),
    Requirement(
        "MCP-AUTH-AS-REDIRECT-SAFE",
        "MCP 2026-07-28 authorization",
        "Communication Security",
        "redirect URIs are loopback or https, or schemes private to an application",
        (
            "tests/authserver/test_registration.py::test_a_redirect_uri_that_executes_reads_or_deceives_is_refused",
            "tests/authserver/test_registration.py::test_what_clients_really_use_is_accepted",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-ROTATION",
        "MCP 2026-07-28 authorization",
        "Token Theft",
        "refresh tokens of public clients are rotated",
        (
            "tests/authserver/test_refresh.py::test_a_refresh_answers_with_a_new_refresh_token_and_a_new_access_token",
            "tests/authserver/test_refresh.py::test_after_the_grace_a_replay_ends_the_session_and_is_audited",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-SHOW-HOST",
        "MCP 2026-07-28 authorization",
        "Localhost Redirect URI Risks",
        "the redirect host is shown when the person is asked",
        (
            "tests/authserver/test_consent.py::test_a_loopback_redirect_is_an_application_on_this_computer",
            "tests/authserver/test_consent.py::test_the_page_names_the_client_the_host_the_scopes_and_what_comes_next",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-UNTRUSTED-URI",
        "MCP 2026-07-28 authorization",
        "Open Redirection",
        "the browser is never sent to an address that was not proven",
        (
            "tests/authserver/test_authorize.py::test_a_redirect_uri_that_differs_in_anything_is_a_page",
            "tests/authserver/test_authorize.py::test_an_unknown_client_is_a_page",
            "tests/authserver/test_authorize.py::test_client_id_or_redirect_uri_sent_twice_is_a_page",
        ),
    ),
    Requirement(
        "MCP-AUTH-DISCOVERY",
        "MCP 2026-07-28 authorization",
        "Protected Resource Metadata Discovery Requirements",
        "the metadata is found by the challenge's resource_metadata or at the well-known URIs",
        (
            "tests/mcpserver/auth/test_metadata.py::test_a_challenge_for_a_missing_token_says_where_the_metadata_is_and_holds_no_error",
            "tests/mcpserver/auth/test_metadata.py::test_metadata_is_served_at_the_root_and_behind_each_resources_path",
        ),
    ),
    Requirement(
        "MCP-AUTH-E2E-DISCOVERY",
        "MCP 2026-07-28 authorization",
        "Authorization Flow Steps",
        ("a client that knows only the server's URL finds metadata, registers, signs in and calls tools"),
        ("tests/e2e/test_sign_in.py::test_a_client_that_knows_one_url_signs_in_and_calls_tools",),
    ),
    Requirement(
        "MCP-AUTH-E2E-SCOPE",
        "MCP 2026-07-28 authorization",
        "Scope Challenge Handling",
        "a call with too few scopes is answered 403 insufficient_scope naming what is needed",
        ("tests/e2e/test_sign_in.py::test_too_few_scopes_get_a_step_up_challenge_that_names_all",),
    ),
    Requirement(
        "MCP-AUTH-EXPIRED",
        "MCP 2026-07-28 authorization",
        "Token Handling",
        "an expired token is refused",
        (
            "tests/mcpserver/auth/test_access_token.py::test_a_refusal_tells_the_client_the_reason_and_keeps_the_token_out_of_it",
            "tests/mcpserver/auth/test_authenticator.py::test_a_known_token_ends_the_moment_it_expires",
        ),
    ),
    Requirement(
        "MCP-AUTH-NO-QUERY-TOKEN",
        "MCP 2026-07-28 authorization",
        "Token requirements",
        "Access tokens in the query string are not accepted",
        ("tests/devstack/gateway/test_tokens.py::test_a_token_in_the_query_is_no_token",),
    ),
    Requirement(
        "MCP-AUTH-OFFLINE",
        "MCP 2026-07-28 authorization",
        "Refresh Tokens",
        "offline_access is in neither challenge nor metadata of the resource",
        ("tests/mcpserver/auth/test_metadata.py::test_offline_access_is_neither_advertised_nor_demanded",),
    ),
    Requirement(
        "MCP-AUTH-PRM-LOCATION",
        "MCP 2026-07-28 authorization",
        "Protected resource metadata discovery",
        "The 401 challenge carries resource_metadata (and scope)",
        (
            "tests/devstack/gateway/test_tokens.py::test_the_challenge_names_the_metadata_of_the_address_that_was_asked",
            "tests/devstack/gateway/test_tokens.py::test_without_a_token_the_challenge_has_no_error_code",
        ),
    ),
    Requirement(
        "MCP-AUTH-PRM-SERVERS",
        "MCP 2026-07-28 authorization",
        "Authorization Server Location",
        "the metadata names at least one authorization server",
        (
            "tests/mcpserver/auth/test_metadata.py::test_the_document_names_the_resource_its_issuer_and_what_a_client_needs",
        ),
    ),
    Requirement(
        "MCP-AUTH-SCOPES",
        "MCP 2026-07-28 authorization",
        "Scope Challenge Handling",
        "a challenge for too few scopes names all scopes that are needed",
        (
            "tests/mcpserver/auth/test_metadata.py::test_a_challenge_for_too_few_scopes_names_all_that_are_needed",
        ),
    ),
    Requirement(
        "MCP-AUTH-STORAGE",
        "MCP 2026-07-28 authorization",
        "Token Theft",
        "tokens are not kept or logged where they could be stolen",
        ("tests/mcpserver/auth/test_authenticator.py::test_neither_the_log_nor_the_cache_holds_a_token",),
    ),
    Requirement(
        "MCP-AUTH-VALIDATE",
        "MCP 2026-07-28 authorization",
        "Token Handling",
        "access tokens are validated, and invalid ones refused",
        (
            "tests/mcpserver/auth/test_access_token.py::test_a_token_changed_by_one_character_is_refused",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_whose_header_is_not_that_of_our_access_tokens_is_refused",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_with_a_wrong_or_missing_claim_is_refused",
        ),
    ),
    Requirement(
        "MCP-AUTH-canonical-uri",
        "MCP 2026-07-28 authorization",
        "canonical server URI",
        "scheme and host compare without case; the form without trailing root slash is used",
        ("tests/authserver/settings/test_resources.py::test_a_resource_has_one_canonical_spelling",),
    ),
    Requirement(
        "MCP-AUTH-AS-OAUTH21",
        "MCP 2026-07-28 authorization",
        "Overview 1",
        "OAuth 2.1 for public and confidential clients: code grant, PKCE always, no implicit grant",
        (
            "tests/authserver/test_authorize.py::test_a_client_with_a_secret_needs_a_challenge_too",
            "tests/authserver/test_authorize.py::test_an_unsupported_response_type_goes_back_to_the_client",
            "tests/authserver/test_token.py::test_a_code_buys_a_token_for_the_canonical_resource",
        ),
    ),
    Requirement(
        "MCP-AUTH-QUERY",
        "MCP 2026-07-28 authorization",
        "Token Requirements 2",
        "an access token in the query string is not accepted",
        (
            "tests/mcpserver/auth/test_authenticator.py::test_a_token_in_the_query_is_refused_even_beside_a_good_header",
        ),
    ),
    Requirement(
        "MCP-AUTH-code-once",
        "MCP 2026-07-28 authorization",
        "(OAuth 2.1 §4.1.3)",
        "an authorization code is usable once, also when redeemed in parallel",
        (
            "tests/authserver/store/test_concurrency.py::test_of_a_hundred_greenlets_exactly_one_wins",
            "tests/authserver/store/test_concurrency.py::test_of_a_hundred_greenlets_in_four_processes_exactly_one_wins",
            "tests/authserver/store/test_contract_records.py::test_a_code_is_taken_once_and_its_replay_names_the_session",
        ),
    ),
    Requirement(
        "MCP-AUTH-refresh-rotation",
        "MCP 2026-07-28 authorization",
        "token theft (OAuth 2.1 §4.3.1)",
        "refresh tokens of public clients are rotated and reuse ends the family",
        (
            "tests/authserver/store/test_contract_sessions.py::test_a_repetition_after_the_grace_ends_the_session",
            "tests/authserver/store/test_contract_sessions.py::test_the_grace_ends_when_the_successor_is_used",
        ),
    ),
    Requirement(
        "MCP-AUTH-PRM",
        "MCP 2026-07-28 authorization",
        "Overview 4",
        "the server implements protected-resource metadata",
        (
            "tests/mcpserver/auth/test_metadata.py::test_metadata_is_served_at_the_root_and_behind_each_resources_path",
            "tests/mcpserver/auth/test_metadata.py::test_the_document_names_the_resource_its_issuer_and_what_a_client_needs",
        ),
    ),
    Requirement(
        "MCP-AUTH-AS-DISCOVERY",
        "MCP 2026-07-28 authorization",
        "Overview 5",
        "the authorization server publishes RFC 8414 metadata or OpenID discovery (here both)",
        ("tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",),
    ),
    Requirement(
        "MCP-AUTH-AUDIENCE",
        "MCP 2026-07-28 authorization",
        "Access token usage; RFC 8707 section 2",
        "A token that was not issued for this server as audience is refused",
        (
            "tests/devstack/gateway/test_tokens.py::test_a_token_with_a_wrong_claim_is_refused_as_invalid",
            "tests/devstack/gateway/test_tokens.py::test_the_alias_of_the_resource_is_no_audience",
            "tests/mcpserver/auth/test_access_token.py::test_a_good_token_tells_who_is_calling",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_with_a_wrong_or_missing_claim_is_refused",
        ),
    ),
)
