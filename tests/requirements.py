"""The MUSTs of the specifications that this product is held to, each with the tests that hold it.

Read by ``tests/test_requirements.py``, which checks both ways: a requirement names tests that exist, a test
that claims requirements claims those that name it. The texts are our own words.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Requirement:
    """One MUST.

    Attributes:
        id: short name, used by ``pytest.mark.requirement``.
        source: the specification.
        section: where in it.
        text: what is required, in our own words.
        tests: node ids of the tests that hold it, without parameters.
    """

    id: str
    source: str
    section: str
    text: str
    tests: tuple[str, ...]


REQUIREMENTS: Final = (
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
    Requirement(
        "MCP-HTTP-BASE64",
        "MCP 2026-07-28 transports",
        "Value Encoding",
        "an encoded Mcp-Name is decoded before it is compared",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_header_that_differs_from_the_body_is_a_mismatch",
            "tests/mcpserver/transports/test_modern.py::test_a_name_may_be_padded_or_encoded",
        ),
    ),
    Requirement(
        "MCP-HTTP-CANCEL",
        "MCP 2026-07-28 transports",
        "Cancellation",
        "closing the stream cancels the request",
        ("tests/mcpserver/transports/test_modern.py::test_a_client_that_leaves_its_stream_cancels_the_call",),
    ),
    Requirement(
        "MCP-HTTP-DNS-REBINDING",
        "MCP 2026-07-28 transports",
        "Security warning",
        "A Host that is not the server's own is refused; local servers listen on loopback only",
        (
            "tests/devstack/gateway/test_process.py::test_it_listens_on_both_loopback_addresses_and_nowhere_else",
            "tests/devstack/gateway/test_routes.py::test_a_host_that_is_not_the_gateways_is_refused",
        ),
    ),
    Requirement(
        "MCP-HTTP-ENDPOINT",
        "MCP 2026-07-28 transports",
        "Streamable HTTP",
        "One endpoint takes POST (and GET, DELETE for older revisions)",
        ("tests/devstack/gateway/test_routes.py::test_an_mcp_path_reaches_the_mcp_server_with_a_token",),
    ),
    Requirement(
        "MCP-HTTP-HEADER-CASE",
        "MCP 2026-07-28 transports",
        "Case Sensitivity",
        "header values are compared with case",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_header_that_differs_from_the_body_is_a_mismatch",
        ),
    ),
    Requirement(
        "MCP-HTTP-HEADER-MISMATCH",
        "MCP 2026-07-28 transports",
        "Server Validation",
        "headers that do not match the body are answered with 400 and -32020",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_header_that_differs_from_the_body_is_a_mismatch",
        ),
    ),
    Requirement(
        "MCP-HTTP-META-REQUIRED",
        "MCP 2026-07-28 transports",
        "Protocol Version Header (Basic, per-request fields)",
        "a request without the required metadata is answered with 400 and -32602",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_request_without_its_required_metadata_is_malformed",
        ),
    ),
    Requirement(
        "MCP-HTTP-METHOD-404",
        "MCP 2026-07-28 transports",
        "Protocol Version Header",
        "a method that is not implemented is answered with 404 and -32601",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_method_that_the_revision_does_not_have_is_not_found",
        ),
    ),
    Requirement(
        "MCP-HTTP-SSE-UNBUFFERED",
        "MCP 2026-07-28 transports",
        "Streamable HTTP",
        "SSE messages reach the client as they are sent; a closed connection reaches the server",
        (
            "tests/devstack/gateway/test_disconnect.py::test_a_client_that_leaves_a_silent_stream_is_noticed_behind_within_a_second",
            "tests/devstack/gateway/test_streaming.py::test_each_event_arrives_before_the_next_one_exists",
        ),
    ),
    Requirement(
        "MCP-HTTP-STANDARD-HEADERS",
        "MCP 2026-07-28 transports",
        "Standard Request Headers",
        "Mcp-Method and, where there is a name, Mcp-Name are required",
        ("tests/mcpserver/transports/test_modern.py::test_a_missing_header_is_a_mismatch",),
    ),
    Requirement(
        "MCP-HTTP-STREAM-RELATED",
        "MCP 2026-07-28 transports",
        "Receiving Messages",
        "what comes on a stream before the response belongs to its request, and is never a request",
        (
            "tests/mcpserver/transports/test_modern.py::test_progress_turns_the_answer_into_a_stream_that_ends_with_the_result",
        ),
    ),
    Requirement(
        "MCP-HTTP-VERSION-HEADER",
        "MCP 2026-07-28 transports",
        "Protocol Version Header",
        "every request names its version in a header, which equals the one in the body",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_header_that_differs_from_the_body_is_a_mismatch",
            "tests/mcpserver/transports/test_modern.py::test_a_missing_header_is_a_mismatch",
        ),
    ),
    Requirement(
        "MCP-HTTP-VERSION-UNSUPPORTED",
        "MCP 2026-07-28 transports",
        "Protocol Version Header",
        "a version that is not served is answered with 400 and the versions that are",
        ("tests/mcpserver/transports/test_modern.py::test_a_version_nobody_knows_is_told_what_is_served",),
    ),
    Requirement(
        "MCP-HTTP-ORIGIN",
        "MCP 2026-07-28 transports",
        "Security and Endpoint 1",
        "an invalid Origin is answered with 403",
        ("tests/mcpserver/transports/test_guard.py::test_a_page_of_another_origin_is_forbidden",),
    ),
    Requirement(
        "MCP-HTTP-NOTIFICATION-202",
        "MCP 2026-07-28 transports",
        "Sending Messages 5",
        "an accepted notification is answered with 202 and no body",
        ("tests/mcpserver/transports/test_modern.py::test_a_notification_is_accepted_without_an_answer",),
    ),
    Requirement(
        "MCP-HTTP-REQUEST-TYPES",
        "MCP 2026-07-28 transports",
        "Sending Messages 6",
        "a request is answered with one JSON object or with an event stream",
        (
            "tests/mcpserver/transports/test_modern.py::test_a_tool_call_is_answered_with_plain_json_by_any_worker",
            "tests/mcpserver/transports/test_modern.py::test_progress_turns_the_answer_into_a_stream_that_ends_with_the_result",
        ),
    ),
    Requirement(
        "RFC7591-2-DEFAULTS",
        "RFC 7591",
        "2",
        (
            "absent token_endpoint_auth_method means client_secret_basic, absent grant_types "
            "authorization_code"
        ),
        (
            "tests/authserver/test_registration.py::test_any_other_client_gets_a_secret_that_is_stored_hashed",
            "tests/authserver/test_token.py::test_a_client_that_did_not_register_for_refresh_tokens_gets_none",
        ),
    ),
    Requirement(
        "RFC7591-2-IGNORE",
        "RFC 7591",
        "2",
        "metadata that the server does not understand is ignored",
        ("tests/authserver/test_registration.py::test_members_this_server_does_not_know_are_ignored",),
    ),
    Requirement(
        "RFC7591-2-REDIRECTS",
        "RFC 7591",
        "2",
        "clients of redirect-based flows register their redirect URIs",
        ("tests/authserver/test_registration.py::test_redirect_uris_must_be_a_list_of_strings",),
    ),
    Requirement(
        "RFC7591-3.1-POST",
        "RFC 7591",
        "3",
        "the registration endpoint accepts POST with a JSON object",
        (
            "tests/authserver/test_registration.py::test_a_registration_is_answered_with_201_and_everything_that_was_registered",
            "tests/authserver/test_registration.py::test_what_is_no_json_object_is_refused_in_json",
        ),
    ),
    Requirement(
        "RFC7591-3.2.1-201",
        "RFC 7591",
        "3.2.1",
        "success is 201, application/json, not cached, with client_id and all registered metadata",
        (
            "tests/authserver/test_registration.py::test_a_registration_is_answered_with_201_and_everything_that_was_registered",
        ),
    ),
    Requirement(
        "RFC7591-3.2.1-SECRET",
        "RFC 7591",
        "3.2.1",
        "client_secret_expires_at comes with every client_secret, and public clients get none",
        (
            "tests/authserver/test_registration.py::test_a_public_client_gets_no_secret",
            "tests/authserver/test_registration.py::test_any_other_client_gets_a_secret_that_is_stored_hashed",
        ),
    ),
    Requirement(
        "RFC7591-3.2.1-UNIQUE",
        "RFC 7591",
        "3.2.1",
        "client_id is unique and chosen by the server",
        (
            "tests/authserver/test_registration.py::test_a_client_cannot_choose_its_id_its_secret_or_its_source",
            "tests/authserver/test_registration.py::test_two_registrations_are_two_clients",
        ),
    ),
    Requirement(
        "RFC7591-3.2.1-no-expiry-in-use",
        "RFC 7591",
        "3.2.1",
        "a registration in use keeps working",
        ("tests/authserver/store/test_contract_records.py::test_a_registration_in_use_does_not_expire",),
    ),
    Requirement(
        "RFC7591-3.2.2-ERRORS",
        "RFC 7591",
        "3.2.2",
        "errors are 400 with invalid_redirect_uri or invalid_client_metadata in JSON",
        (
            "tests/authserver/test_registration.py::test_a_redirect_uri_that_executes_reads_or_deceives_is_refused",
            "tests/authserver/test_registration.py::test_metadata_of_another_type_or_meaning_is_refused_in_json",
        ),
    ),
    Requirement(
        "RFC7591-5-RATE",
        "RFC 7591",
        "5",
        "registrations are limited so that they exhaust nothing",
        (
            "tests/authserver/test_limits.py::test_a_storm_of_registrations_is_answered_with_429",
            "tests/authserver/test_registration.py::test_a_body_over_64_kib_is_refused_in_json",
        ),
    ),
    Requirement(
        "RFC7591-5-REDIRECT-SCHEMES",
        "RFC 7591",
        "5",
        "plain http redirect URIs are refused unless loopback, dangerous schemes always",
        (
            "tests/authserver/test_registration.py::test_a_redirect_uri_that_executes_reads_or_deceives_is_refused",
        ),
    ),
    Requirement(
        "RFC7636-4.2-S256",
        "RFC 7636",
        "4.2",
        "S256 is implemented by the server",
        (
            "tests/authserver/test_authorize.py::test_without_a_proper_s256_challenge_the_client_is_told_invalid_request",
            "tests/authserver/test_token.py::test_a_code_buys_a_token_for_the_canonical_resource",
        ),
    ),
    Requirement(
        "RFC7636-4.3-METHOD",
        "RFC 7636",
        "sections 4.3, 4.4.1",
        (
            "an absent method means plain, which is refused with invalid_request like any "
            "unsupported transformation"
        ),
        (
            "tests/authserver/test_authorize.py::test_without_a_proper_s256_challenge_the_client_is_told_invalid_request",
        ),
    ),
    Requirement(
        "RFC7636-7.2-CODE-BOUND",
        "RFC 7636",
        "4.4",
        "the challenge is bound to the code and never sent to the client in it",
        (
            "tests/authserver/test_entra.py::test_another_persons_answer_injected_into_a_login_is_no_sign_in",
            "tests/authserver/test_token.py::test_a_wrong_verifier_is_refused_and_burns_the_code",
        ),
    ),
    Requirement(
        "RFC7636-4.4.1-REQUIRED",
        "RFC 7636",
        "4.4.1",
        "a request without code_challenge is answered with invalid_request",
        (
            "tests/authserver/test_authorize.py::test_a_client_with_a_secret_needs_a_challenge_too",
            "tests/authserver/test_authorize.py::test_without_a_proper_s256_challenge_the_client_is_told_invalid_request",
        ),
    ),
    Requirement(
        "RFC7636-4.6-VERIFY",
        "RFC 7636",
        "4.6",
        "a verifier whose hash is not the challenge is answered with invalid_grant",
        (
            "tests/authserver/test_token.py::test_a_missing_or_malformed_verifier_burns_the_code_as_well",
            "tests/authserver/test_token.py::test_a_wrong_verifier_is_refused_and_burns_the_code",
        ),
    ),
    Requirement(
        "RFC8414-2-ISSUER",
        "RFC 8414",
        "2",
        "issuer is a URL without query and fragment, the same everywhere",
        (
            "tests/authserver/test_metadata.py::test_the_issuer_has_one_spelling_whatever_the_settings_and_the_host_header_say",
            "tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",
        ),
    ),
    Requirement(
        "RFC8414-2-REQUIRED",
        "RFC 8414",
        "2",
        "authorization_endpoint, token_endpoint and response_types_supported are present",
        ("tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",),
    ),
    Requirement(
        "RFC8414-2-issuer",
        "RFC 8414",
        "2",
        "the issuer is an https URL (plain http on loopback only) without query or fragment",
        (
            "tests/authserver/settings/test_settings.py::test_a_wrong_value_is_refused_in_one_line_that_names_the_variable",
        ),
    ),
    Requirement(
        "RFC8414-3-LOCATION",
        "RFC 8414",
        "3",
        "the document stands at the well-known path of the issuer and at no other",
        (
            "tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",
            "tests/authserver/test_metadata.py::test_with_a_path_appended_there_is_nothing",
        ),
    ),
    Requirement(
        "RFC8414-3.1-WELL-KNOWN-PATH",
        "RFC 8414",
        "3.1",
        "Metadata of an issuer without a path is at the root well-known address, and nowhere else",
        (
            "tests/devstack/gateway/test_routes.py::test_a_public_path_reaches_its_server_without_a_token",
            "tests/devstack/gateway/test_routes.py::test_metadata_with_a_path_is_a_404_that_a_page_can_read",
        ),
    ),
    Requirement(
        "RFC8414-3.2-JSON",
        "RFC 8414",
        "3.2",
        "the answer is 200 application/json with a JSON object",
        ("tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",),
    ),
    Requirement(
        "RFC8414-3.3-SAME",
        "RFC 8414",
        "3.3",
        "issuer equals the URL the document was asked under, whatever Host says",
        (
            "tests/authserver/test_metadata.py::test_the_issuer_has_one_spelling_whatever_the_settings_and_the_host_header_say",
        ),
    ),
    Requirement(
        "RFC8707-2-ABSOLUTE",
        "RFC 8707",
        "2",
        "a resource that is relative, malformed or has a fragment is answered with invalid_target",
        (
            "tests/authserver/test_authorize.py::test_a_resource_that_is_not_ours_is_an_invalid_target",
            "tests/authserver/test_token.py::test_another_resource_is_refused",
        ),
    ),
    Requirement(
        "RFC8707-2-AUDIENCE",
        "RFC 8707",
        "2",
        "the audience of the token is the resource that was asked for",
        (
            "tests/authserver/test_authorize.py::test_an_alias_or_another_spelling_means_the_canonical_resource",
            "tests/authserver/test_token.py::test_a_code_buys_a_token_for_the_canonical_resource",
        ),
    ),
    Requirement(
        "RFC8707-2-MULTIPLE",
        "RFC 8707",
        "2",
        "resource may occur more than once; more than one audience is refused with invalid_target",
        (
            "tests/authserver/test_authorize.py::test_the_same_resource_named_twice_is_one_resource",
            "tests/authserver/test_authorize.py::test_two_resources_at_once_are_an_invalid_target",
        ),
    ),
    Requirement(
        "RFC8707-2-UNKNOWN",
        "RFC 8707",
        "2",
        "an unknown resource is answered with invalid_target",
        ("tests/authserver/test_authorize.py::test_a_resource_that_is_not_ours_is_an_invalid_target",),
    ),
    Requirement(
        "RFC8707-2-absolute",
        "RFC 8707",
        "2",
        "a resource is an absolute URI without fragment",
        (
            "tests/authserver/settings/test_resources.py::test_what_is_no_absolute_http_uri_without_fragment_is_no_resource",
        ),
    ),
    Requirement(
        "RFC8707-AUD",
        "RFC 8707",
        "2",
        "a resource server accepts only tokens whose audience is this resource",
        ("tests/mcpserver/auth/test_access_token.py::test_a_token_with_a_wrong_or_missing_claim_is_refused",),
    ),
    Requirement(
        "RFC8707-2.2-AUDIENCE",
        "RFC 8707",
        "2.2",
        "a token's audience is the resource that was asked for, in its canonical spelling",
        ("tests/e2e/test_sign_in.py::test_tokens_name_one_audience_whichever_spelling_was_asked_for",),
    ),
    Requirement(
        "RFC8707-2.2-BOUND",
        "RFC 8707",
        "2.2",
        "a resource at the token endpoint is one that was granted, else invalid_target",
        (
            "tests/authserver/test_refresh.py::test_another_resource_is_refused_and_an_alias_is_not",
            "tests/authserver/test_token.py::test_an_alias_of_the_granted_resource_is_accepted",
            "tests/authserver/test_token.py::test_another_resource_of_this_server_is_refused_too",
        ),
    ),
    Requirement(
        "RFC9068-2-TYP",
        "RFC 9068",
        "2.1",
        "the token's typ is at+jwt and it is signed, by a key of the JWKS",
        (
            "tests/authserver/test_token.py::test_the_token_says_that_it_is_an_access_token_and_which_key_signed_it",
        ),
    ),
    Requirement(
        "RFC9068-2.1-typ",
        "RFC 9068",
        "2.1",
        'access tokens carry the header typ "at+jwt"',
        ("tests/authserver/tokens/test_tokens.py::test_an_access_token_says_all_and_only_what_it_should",),
    ),
    Requirement(
        "RFC9068-2.1-signed",
        "RFC 9068",
        "2.1, §4",
        "access tokens are signed, never with alg none; RS256 is supported",
        (
            "tests/authserver/tokens/test_keys.py::test_the_first_key_signs_at_once_and_what_it_signs_verifies_with_the_jwks",
            "tests/authserver/tokens/test_tokens.py::test_an_access_token_says_all_and_only_what_it_should",
        ),
    ),
    Requirement(
        "RFC9068-2.2-CLAIMS",
        "RFC 9068",
        "2.2",
        "iss, exp, aud, sub, client_id, iat and jti are present",
        ("tests/authserver/test_token.py::test_a_code_buys_a_token_for_the_canonical_resource",),
    ),
    Requirement(
        "RFC9068-2.2-REQUIRED",
        "RFC 9068",
        "2.2",
        "iss, exp, aud, sub, client_id, iat and jti are required",
        ("tests/mcpserver/auth/test_access_token.py::test_a_token_with_a_wrong_or_missing_claim_is_refused",),
    ),
    Requirement(
        "RFC9068-2.2-claims",
        "RFC 9068",
        "2.2",
        "iss, exp, aud, sub, client_id, iat and jti are all present",
        ("tests/authserver/tokens/test_tokens.py::test_an_access_token_says_all_and_only_what_it_should",),
    ),
    Requirement(
        "RFC9068-2.2.3-SCOPE",
        "RFC 9068",
        "2.2.3",
        "scope says what was granted",
        (
            "tests/authserver/test_authorize.py::test_scopes_are_those_known_and_the_default_ones_where_none_is",
        ),
    ),
    Requirement(
        "RFC9068-2.2.3-scope",
        "RFC 9068",
        "2.2.3",
        "the scope claim lists the granted scopes, space-separated",
        ("tests/authserver/tokens/test_tokens.py::test_an_access_token_says_all_and_only_what_it_should",),
    ),
    Requirement(
        "RFC9068-2.2-jti",
        "RFC 9068",
        "2.2, RFC 7519 §4.1.7",
        "jti is unique to each token",
        ("tests/authserver/tokens/test_tokens.py::test_no_two_access_tokens_have_the_same_id",),
    ),
    Requirement(
        "RFC9068-3-AUD",
        "RFC 9068",
        "3",
        "aud is the resource asked for, or the default one when none was",
        (
            "tests/authserver/test_authorize.py::test_an_alias_or_another_spelling_means_the_canonical_resource",
            "tests/authserver/test_token.py::test_a_code_buys_a_token_for_the_canonical_resource",
        ),
    ),
    Requirement(
        "RFC9068-3-aud",
        "RFC 9068",
        "3, RFC 8707 §2",
        "aud is the one resource the token was asked for",
        ("tests/authserver/tokens/test_tokens.py::test_an_access_token_says_all_and_only_what_it_should",),
    ),
    Requirement(
        "RFC9068-4-AUD",
        "RFC 9068",
        "4",
        "a token whose aud does not name this resource is refused",
        ("tests/mcpserver/auth/test_access_token.py::test_a_token_with_a_wrong_or_missing_claim_is_refused",),
    ),
    Requirement(
        "RFC9068-4-EXP",
        "RFC 9068",
        "4",
        "An expired token is refused, with a small leeway for clock skew",
        (
            "tests/devstack/gateway/test_tokens.py::test_a_token_is_honoured_for_the_clock_skew_and_no_longer",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_with_a_wrong_or_missing_claim_is_refused",
            "tests/mcpserver/auth/test_authenticator.py::test_a_known_token_ends_the_moment_it_expires",
        ),
    ),
    Requirement(
        "RFC9068-4-ISS",
        "RFC 9068",
        "4",
        "The issuer is exactly the expected one",
        (
            "tests/devstack/gateway/test_tokens.py::test_a_token_with_a_wrong_claim_is_refused_as_invalid",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_with_a_wrong_or_missing_claim_is_refused",
        ),
    ),
    Requirement(
        "RFC9068-4-KEYS",
        "RFC 9068",
        "4",
        "only the authorization server's published keys are used",
        (
            "tests/mcpserver/auth/test_access_token.py::test_a_key_that_the_token_brings_along_is_not_believed",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_signed_by_a_key_of_the_same_name_is_refused",
        ),
    ),
    Requirement(
        "RFC9068-4-METADATA",
        "RFC 9068",
        "4",
        "keys are published at jwks_uri of the metadata",
        (
            "tests/authserver/test_metadata.py::test_the_jwks_shows_public_keys_and_nothing_else",
            "tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",
        ),
    ),
    Requirement(
        "RFC9068-4-SIGNATURE",
        "RFC 9068",
        "4",
        ("The signature is checked with a key of the authorization server's key set; alg none is refused"),
        (
            "tests/devstack/gateway/test_tokens.py::test_a_token_that_was_tampered_with_is_refused_as_invalid",
            "tests/devstack/gateway/test_tokens.py::test_an_unsigned_token_is_refused",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_changed_by_one_character_is_refused",
            "tests/mcpserver/auth/test_access_token.py::test_a_token_without_a_signature_is_refused_however_it_is_spelled",
        ),
    ),
    Requirement(
        "RFC9068-4-TYP",
        "RFC 9068",
        "4",
        "typ is at+jwt or application/at+jwt, anything else is refused",
        (
            "tests/mcpserver/auth/test_access_token.py::test_a_token_whose_header_is_not_that_of_our_access_tokens_is_refused",
            "tests/mcpserver/auth/test_access_token.py::test_what_the_specifications_allow_is_accepted",
        ),
    ),
    Requirement(
        "RFC9068-4-jwks",
        "RFC 9068",
        "4",
        ("the keys that verify access tokens are published, with kid and use, and without private members"),
        (
            "tests/authserver/tokens/test_keys.py::test_the_first_key_signs_at_once_and_what_it_signs_verifies_with_the_jwks",
            "tests/authserver/tokens/test_keys.py::test_the_jwks_says_what_a_key_is_for_and_holds_nothing_private",
        ),
    ),
    Requirement(
        "RFC9207-2-E2E",
        "RFC 9207",
        "2",
        "answers of the authorization endpoint carry the issuer, identical to the metadata's",
        ("tests/e2e/test_sign_in.py::test_a_client_that_knows_one_url_signs_in_and_calls_tools",),
    ),
    Requirement(
        "RFC9207-2-ERROR",
        "RFC 9207",
        "2",
        "iss is in every error response that is redirected",
        (
            "tests/authserver/test_authorize.py::test_an_unsupported_response_type_goes_back_to_the_client",
            "tests/authserver/test_callback.py::test_entras_error_goes_back_to_the_client_without_entras_words",
            "tests/authserver/test_consent.py::test_deny_tells_the_client_and_stores_nothing",
            "tests/authserver/tenants/test_admission.py"
            "::test_an_unknown_tenant_gets_a_page_that_says_whom_to_ask_and_leads_back",
        ),
    ),
    Requirement(
        "RFC9207-2-SAME",
        "RFC 9207",
        "2",
        "iss is identical to the issuer of the metadata",
        (
            "tests/authserver/test_callback.py::test_the_client_gets_one_code_its_state_and_the_issuer",
            "tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",
        ),
    ),
    Requirement(
        "RFC9207-2-SUCCESS",
        "RFC 9207",
        "2",
        "iss is in every successful authorization response",
        (
            "tests/authserver/test_callback.py::test_the_client_gets_one_code_its_state_and_the_issuer",
            "tests/authserver/test_entra.py::test_a_person_signs_in_and_the_client_gets_a_token_for_them",
        ),
    ),
    Requirement(
        "RFC9207-3-METADATA",
        "RFC 9207",
        "3",
        "authorization_response_iss_parameter_supported is true",
        ("tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",),
    ),
    Requirement(
        "RFC9728-2-RESOURCE",
        "RFC 9728",
        "2",
        "the metadata has resource, the resource's identifier",
        ("tests/mcpserver/auth/test_metadata.py::test_each_alias_gets_a_document_that_names_it",),
    ),
    Requirement(
        "RFC9728-3.1-PATH",
        "RFC 9728",
        "3.1",
        "the well-known string is inserted between host and path, without a slash at the end",
        (
            "tests/mcpserver/auth/test_metadata.py::test_a_challenge_for_a_missing_token_says_where_the_metadata_is_and_holds_no_error",
            "tests/mcpserver/auth/test_metadata.py::test_metadata_is_served_at_the_root_and_behind_each_resources_path",
        ),
    ),
    Requirement(
        "RFC9728-3.1-WELL-KNOWN-PATH",
        "RFC 9728",
        "3.1",
        "The metadata is found at the well-known path with the resource's path appended",
        ("tests/devstack/gateway/test_routes.py::test_a_public_path_reaches_its_server_without_a_token",),
    ),
    Requirement(
        "RFC9728-3.3-IDENTICAL",
        "RFC 9728",
        "3.3",
        "resource is identical to the identifier that the metadata's URL was made from",
        (
            "tests/mcpserver/auth/test_metadata.py::test_each_alias_gets_a_document_that_names_it",
            "tests/mcpserver/auth/test_metadata.py::test_the_alias_that_was_asked_for_is_selected",
        ),
    ),
    Requirement(
        "RFC9728-5.1-CHALLENGE",
        "RFC 9728",
        "5.1",
        (
            "resource_metadata in WWW-Authenticate is the URL of the protected resource metadata "
            "of the resource asked for"
        ),
        (
            "tests/devstack/gateway/test_tokens.py::test_the_challenge_names_the_metadata_of_the_address_that_was_asked",
            "tests/mcpserver/auth/test_metadata.py::test_a_challenge_for_a_missing_token_says_where_the_metadata_is_and_holds_no_error",
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
        "RFC7521-4.1-SCOPE",
        "RFC 7521",
        "4.1",
        "an assertion gives no more scopes than it granted",
        (
            "tests/authserver/machines/test_jwt_bearer.py::test_nothing_that_is_asked_for_is_held",
            "tests/authserver/machines/test_id_jag.py::test_scopes_are_what_all_agree_on",
        ),
    ),
    Requirement(
        "RFC7521-4.1.1-CREDENTIALS",
        "RFC 7521",
        "4.1.1",
        "client credentials beside an assertion are valid, or the request fails",
        (
            "tests/authserver/machines/test_jwt_bearer.py::test_a_name_or_secret_that_is_presented_must_be_right",
        ),
    ),
    Requirement(
        "RFC7523-2.1-ONE",
        "RFC 7523",
        "2.1",
        "there is one assertion",
        ("tests/authserver/machines/test_jwt_bearer.py::test_an_assertion_must_be_there_once",),
    ),
    Requirement(
        "RFC7523-3-CLAIMS",
        "RFC 7523",
        "3",
        "issuer, subject, audience and expiry are there and right, nothing is used before its time",
        (
            "tests/authserver/machines/test_api_token.py::test_a_token_that_says_something_else_proves_nothing",
            "tests/authserver/machines/test_identity_assertion.py::test_an_assertion_that_says_something_else_vouches_for_nobody",
        ),
    ),
    Requirement(
        "RFC7523-3-SIGNATURE",
        "RFC 7523",
        "3",
        "the assertion is signed by its issuer, and what is not valid is rejected",
        (
            "tests/authserver/machines/test_api_token.py::test_another_key_proves_nothing_whatever_it_is_called_or_brings_along",
            "tests/authserver/machines/test_identity_assertion.py::test_a_signature_that_anybody_could_make_vouches_for_nobody",
        ),
    ),
    Requirement(
        "RFC7523-3.1-ERROR",
        "RFC 7523",
        "3.1",
        "an assertion that is not valid is answered with invalid_grant",
        (
            "tests/authserver/machines/test_jwt_bearer.py::test_what_is_wrong_in_any_single_thing_is_worth_nothing",
        ),
    ),
    Requirement(
        "RFC7662-2.1-AUTHORIZED",
        "RFC 7662",
        "2.1",
        "who introspects must be authorized to",
        ("tests/authserver/machines/test_introspection.py::test_who_asks_must_prove_itself",),
    ),
    Requirement(
        "RFC7662-2.2-INACTIVE",
        "RFC 7662",
        "2.2",
        "about a token that is not active nothing more is said",
        (
            "tests/authserver/machines/test_introspection.py::test_what_is_no_token_is_not_active",
            "tests/authserver/machines/test_introspection.py::test_a_client_that_serves_nothing_learns_nothing",
        ),
    ),
    Requirement(
        "RFC7662-2.2-AUDIENCE",
        "RFC 7662",
        "2.2",
        "a resource server is told about tokens for itself alone",
        ("tests/authserver/machines/test_introspection.py::test_a_token_of_another_resource_is_not_active",),
    ),
    Requirement(
        "RFC7662-4-EXPIRED",
        "RFC 7662",
        "4",
        "a token that has expired is not active",
        ("tests/authserver/machines/test_introspection.py::test_what_has_expired_is_not_active",),
    ),
    Requirement(
        "RFC7662-4-REVOKED",
        "RFC 7662",
        "4",
        "a token that was revoked is not active",
        ("tests/authserver/machines/test_introspection.py::test_what_was_ended_is_not_active_at_once",),
    ),
    Requirement(
        "RFC7662-4-SIGNATURE",
        "RFC 7662",
        "4",
        "a token whose signature is wrong is not active",
        (
            "tests/authserver/machines/test_introspection.py::test_a_token_that_was_changed_is_not_active",
            "tests/authserver/machines/test_introspection.py::test_what_a_withdrawn_key_signed_is_not_active",
        ),
    ),
    Requirement(
        "ID-JAG-TYP",
        "Identity Assertion JWT Authorization Grant",
        "4.4.1",
        "the type is oauth-id-jag+jwt",
        (
            "tests/authserver/machines/test_id_jag.py::test_an_entra_token_in_its_place_is_worth_nothing_and_the_other_way_round",
        ),
    ),
    Requirement(
        "ID-JAG-CLIENT",
        "Identity Assertion JWT Authorization Grant",
        "4.4.1",
        "the client that authenticates is the one that the assertion names",
        (
            "tests/authserver/machines/test_id_jag.py::test_it_is_for_the_client_that_it_names",
            "tests/authserver/machines/test_id_jag.py::test_the_client_must_prove_itself_before_anything_is_looked_at",
        ),
    ),
    Requirement(
        "MCP-EMA-REPLAY",
        "MCP enterprise-managed authorization",
        "7.4.2",
        "a jti is accepted once while the assertion lives",
        ("tests/authserver/machines/test_id_jag.py::test_it_is_spent_by_its_first_use",),
    ),
    Requirement(
        "MCP-EMA-RESOURCE",
        "MCP enterprise-managed authorization",
        "5.1, 7.6.2",
        "audience and resource are this server's and one of its resources, and the token is for that one",
        (
            "tests/authserver/machines/test_id_jag.py::test_its_resource_and_the_requests_are_the_same",
            "tests/authserver/machines/test_id_jag.py::test_what_is_wrong_in_any_single_thing_is_worth_nothing",
        ),
    ),
    Requirement(
        "MCP-EMA-METADATA",
        "MCP enterprise-managed authorization",
        "6",
        "the metadata name the profile",
        ("tests/authserver/machines/test_machine_metadata.py::test_both_kinds_of_assertion_are_announced",),
    ),
    Requirement(
        "CIMD-URL",
        "Client ID Metadata Document",
        "Client Identifier",
        "a client_id URL is https, has a path, and has no user, fragment or dot segments",
        (
            "tests/authserver/clients/test_public_connection.py::test_a_url_of_another_form_is_refused",
            "tests/authserver/clients/test_client_documents.py::test_a_url_that_is_not_asked_is_refused_on_a_page",
        ),
    ),
    Requirement(
        "CIMD-DISCOVERY-200",
        "Client ID Metadata Document",
        "Client Information Discovery",
        "any status but 200 is an error",
        ("tests/authserver/clients/test_public_documents.py::test_any_status_but_200_is_refused",),
    ),
    Requirement(
        "CIMD-DISCOVERY-REDIRECT",
        "Client ID Metadata Document",
        "Client Information Discovery",
        "redirects are not followed",
        (
            "tests/authserver/clients/test_public_connection.py::test_a_redirect_is_an_answer_and_not_followed",
        ),
    ),
    Requirement(
        "CIMD-METADATA-CLIENT-ID",
        "Client ID Metadata Document",
        "Client Metadata Document",
        "client_id in the document is its URL, compared as a string",
        (
            "tests/authserver/clients/test_client_documents.py::test_a_document_that_is_not_valid_is_refused_on_a_page_and_not_kept",
        ),
    ),
    Requirement(
        "CIMD-METADATA-NO-SECRET",
        "Client ID Metadata Document",
        "Client Metadata Document",
        "there are no shared secrets and no methods that use one",
        (
            "tests/authserver/clients/test_client_documents.py::test_a_document_that_is_not_valid_is_refused_on_a_page_and_not_kept",
        ),
    ),
    Requirement(
        "CIMD-CACHING-ERRORS",
        "Client ID Metadata Document",
        "Metadata Caching",
        "errors and invalid documents are not kept",
        (
            "tests/authserver/clients/test_client_documents.py::test_a_document_that_is_not_valid_is_refused_on_a_page_and_not_kept",
            "tests/authserver/clients/test_public_documents.py::test_a_host_in_trouble_is_asked_again_next_time",
        ),
    ),
    Requirement(
        "CIMD-REDIRECT-EXACT",
        "Client ID Metadata Document",
        "Redirect URL Registration",
        "the redirect URI is one of the document's, exactly",
        (
            "tests/authserver/clients/test_client_documents.py::test_a_redirect_uri_that_the_document_does_not_have_is_refused_on_a_page",
        ),
    ),
    Requirement(
        "CIMD-AS-METADATA",
        "Client ID Metadata Document",
        "Authorization Server Metadata",
        "the metadata says whether documents are read",
        (
            "tests/authserver/clients/test_client_documents.py::test_the_metadata_says_that_documents_are_read",
            "tests/authserver/clients/test_client_documents.py::test_where_documents_are_switched_off_the_metadata_says_so",
        ),
    ),
    Requirement(
        "CIMD-AUTHENTICATION",
        "Client ID Metadata Document",
        "Client Authentication",
        "a client that published keys authenticates with them",
        (
            "tests/authserver/clients/test_client_documents.py::test_a_client_with_keys_has_to_sign_and_a_failure_does_not_spend_the_code",
        ),
    ),
    Requirement(
        "CIMD-SSRF",
        "Client ID Metadata Document",
        "Server Side Request Forgery (SSRF) Attacks",
        "no special-use address is asked",
        (
            "tests/authserver/clients/test_public_addresses.py::test_a_name_that_leads_there_is_refused_whatever_else_it_leads_to",
            "tests/authserver/clients/test_public_connection.py::test_a_name_that_leads_into_this_network_is_not_connected_to",
        ),
    ),
    Requirement(
        "MCP-REG-CIMD-FIELDS",
        "MCP 2026-07-28 client registration",
        "Implementation Requirements",
        "a document has client_id, client_name and redirect_uris",
        (
            "tests/authserver/clients/test_client_documents.py::test_a_document_that_is_not_valid_is_refused_on_a_page_and_not_kept",
        ),
    ),
    Requirement(
        "RFC7523-3-ISS-SUB",
        "RFC 7523",
        "3",
        "issuer and subject of a client assertion are the client_id",
        (
            "tests/authserver/clients/test_client_assertions.py::test_a_claim_that_is_wrong_or_missing_proves_nothing",
        ),
    ),
    Requirement(
        "RFC7523-3-AUD",
        "RFC 7523",
        "3",
        "an assertion is meant for this server",
        (
            "tests/authserver/clients/test_client_assertions.py::test_it_is_meant_for_this_server",
            "tests/authserver/clients/test_client_assertions.py::test_a_claim_that_is_wrong_or_missing_proves_nothing",
        ),
    ),
    Requirement(
        "RFC7523-3-EXP",
        "RFC 7523",
        "3",
        "an assertion expires, and is refused afterwards",
        (
            "tests/authserver/clients/test_client_assertions.py::test_a_claim_that_is_wrong_or_missing_proves_nothing",
        ),
    ),
    Requirement(
        "RFC7523-3-SIGNED",
        "RFC 7523",
        "3",
        "an assertion is signed, and one whose signature is not valid is refused",
        (
            "tests/authserver/clients/test_client_assertions.py::test_an_algorithm_that_is_not_listed_proves_nothing",
            "tests/authserver/clients/test_client_assertions.py::test_an_assertion_that_was_refused_does_not_use_its_jti_up",
        ),
    ),
    Requirement(
        "RFC7592-2-TOKEN",
        "RFC 7592",
        "2",
        "the registration access token is needed, and is the registration's own",
        (
            "tests/authserver/clients/test_client_configuration.py::test_without_its_own_token_a_registration_is_not_to_be_had",
        ),
    ),
    Requirement(
        "RFC7592-2.1-UNKNOWN",
        "RFC 7592",
        "2.1",
        "a client that is not there is answered with 401",
        (
            "tests/authserver/clients/test_client_configuration.py::test_whether_there_is_such_a_client_is_not_said",
        ),
    ),
    Requirement(
        "RFC7592-2.2-CLIENT-ID",
        "RFC 7592",
        "2.2",
        "an update has the client_id, and nothing that only the server says",
        (
            "tests/authserver/clients/test_client_configuration.py::test_an_update_is_validated_like_a_registration_and_changes_nothing_when_refused",
        ),
    ),
    Requirement(
        "RFC7592-2.2-REPLACE",
        "RFC 7592",
        "2.2",
        "an update replaces all metadata",
        (
            "tests/authserver/clients/test_client_configuration.py::test_an_update_replaces_everything_and_rotates_nothing",
        ),
    ),
    Requirement(
        "RFC7592-2.2-SECRET",
        "RFC 7592",
        "2.2",
        "a client does not choose its secret",
        (
            "tests/authserver/clients/test_client_configuration.py::test_an_update_may_repeat_the_secret_and_not_choose_it",
        ),
    ),
    Requirement(
        "RFC7592-2.3-DELETE",
        "RFC 7592",
        "2.3",
        "a removal is answered with 204 and ends what the client was granted",
        (
            "tests/authserver/clients/test_client_configuration.py::test_a_client_that_removes_itself_is_gone_with_its_sessions",
        ),
    ),
    Requirement(
        "RFC7592-3-RESPONSE",
        "RFC 7592",
        "3",
        "a registration says where and with which token it is managed",
        (
            "tests/authserver/clients/test_client_configuration.py::test_a_registration_says_where_and_by_what_it_is_managed",
            "tests/authserver/clients/test_client_configuration.py::test_a_client_reads_what_is_registered_but_for_its_secret",
        ),
    ),
)
