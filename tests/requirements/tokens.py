"""Access tokens and what may be asked about them."""

from typing import Final

from tests.requirements.requirement import Requirement

TOKENS: Final = (
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
        "RFC9068-2.2-jti",
        "RFC 9068",
        "2.2, RFC 7519 §4.1.7",
        "jti is unique to each token",
        ("tests/authserver/tokens/test_tokens.py::test_no_two_access_tokens_have_the_same_id",),
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
        "RFC7662-2.1-AUTHORIZED",
        "RFC 7662",
        "2.1",
        "who introspects must be authorized to",
        ("tests/authserver/machines/test_introspection.py::test_who_asks_must_prove_itself",),
    ),
    Requirement(
        "RFC7662-2.1-POST",
        "RFC 7662",
        "2.1",
        "the request is a form, by POST, with the token",
        ("tests/authserver/machines/test_introspection.py::test_a_request_is_a_form_with_one_token",),
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
        "RFC7662-2.2-ACTIVE",
        "RFC 7662",
        "2.2",
        "the answer is JSON and says whether the token is active",
        (
            "tests/authserver/machines/test_introspection.py::test_a_persons_token_is_described_in_full",
            "tests/authserver/machines/test_introspection.py::test_a_programs_token_is_described_too",
        ),
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
        "RFC7662-4-NOT-BEFORE",
        "RFC 7662",
        "4",
        "a token is not active before its time",
        ("tests/authserver/machines/test_introspection.py::test_what_is_not_yet_valid_is_not_active",),
    ),
    Requirement(
        "RFC7009-2-REFRESH",
        "RFC 7009",
        "2",
        "refresh tokens can be revoked, here access tokens too",
        (
            "tests/authserver/test_revoke.py::test_either_token_ends_the_session_whatever_the_hint_says",
            "tests/authserver/test_revocation_list.py::test_a_machines_token_can_be_revoked_by_its_client_and_is_listed",
        ),
    ),
    Requirement(
        "RFC7009-2.1-CLIENT",
        "RFC 7009",
        "2.1",
        "credentials are checked first, and a client revokes its own tokens alone",
        (
            "tests/authserver/test_revoke.py::test_a_client_with_a_secret_must_show_it",
            "tests/authserver/test_revoke.py::test_another_clients_token_is_refused_and_its_session_lives",
            "tests/authserver/test_revocation_list.py::test_a_machines_token_cannot_be_revoked_by_another_client_nor_when_it_has_expired",
            "tests/authserver/clients/test_client_documents.py::test_such_a_client_revokes_its_tokens_and_nobody_elses",
        ),
    ),
    Requirement(
        "RFC7009-2.1-HINT",
        "RFC 7009",
        "2.1",
        "a token is found whatever the hint says",
        ("tests/authserver/test_revoke.py::test_either_token_ends_the_session_whatever_the_hint_says",),
    ),
    Requirement(
        "RFC7009-2.1-AT-ONCE",
        "RFC 7009",
        "2.1",
        "a revoked token cannot be used again",
        (
            "tests/authserver/machines/test_introspection.py::test_what_was_ended_is_not_active_at_once",
            "tests/e2e/test_revocation.py::test_a_client_that_gives_its_token_back_is_refused_within_ten_seconds",
        ),
    ),
    Requirement(
        "RFC7009-2.2-200",
        "RFC 7009",
        "2.2",
        "a token that is not valid is answered with 200",
        (
            "tests/authserver/test_revoke.py::test_an_unknown_token_is_answered_like_a_success",
            "tests/authserver/test_revoke.py::test_revoking_twice_is_no_error",
        ),
    ),
)
