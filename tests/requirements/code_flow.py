"""The authorization code's way: PKCE, resource indicators, the issuer in the answer."""

from typing import Final

from tests.requirements.requirement import Requirement

CODE_FLOW: Final = (
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
)
