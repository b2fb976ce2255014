"""Clients without a person at a browser: client credentials and assertions of every kind."""

from typing import Final

from tests.requirements.requirement import Requirement

MACHINES: Final = (
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
        "RFC7521-4.2-CLIENT-ID",
        "RFC 7521",
        "4.2",
        "a client_id beside a client assertion is the client that it names",
        (
            "tests/authserver/clients/test_client_assertions.py::test_a_client_id_beside_it_is_the_client_that_it_names",
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
        "RFC7523-3-NBF",
        "RFC 7523",
        "3",
        "an assertion is not accepted before its time",
        (
            "tests/authserver/clients/test_client_assertions.py::test_a_claim_that_is_wrong_or_missing_proves_nothing",
            "tests/authserver/machines/test_api_token.py::test_a_token_that_says_something_else_proves_nothing",
        ),
    ),
    Requirement(
        "RFC7523-3-JTI",
        "RFC 7523",
        "3",
        "a client assertion is good once",
        ("tests/authserver/clients/test_client_assertions.py::test_an_assertion_is_good_once",),
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
        "RFC7523-3.2-ERROR",
        "RFC 7523",
        "3.2",
        "a client assertion that is not valid is answered with invalid_client",
        (
            "tests/authserver/clients/test_client_assertions.py::test_anything_else_proves_nothing",
            "tests/authserver/clients/test_client_assertions.py::test_half_an_assertion_is_none",
        ),
    ),
    Requirement(
        "RFC7523-5-RS256",
        "RFC 7523",
        "5",
        "RS256 is understood",
        (
            "tests/authserver/clients/test_client_assertions.py::test_each_algorithm_that_is_advertised_works",
            "tests/authserver/machines/test_api_token.py::test_an_app_only_token_names_program_tenant_and_application_permissions",
        ),
    ),
    Requirement(
        "ID-JAG-TYP",
        "Identity Assertion JWT Authorization Grant",
        "4.4.1",
        "the type is oauth-id-jag+jwt",
        (
            "tests/authserver/machines/test_id_jag.py::test_an_entra_token_in_its_place_is_worth_nothing_and_the_other_way_round",
            "tests/authserver/machines/test_identity_assertion.py::test_an_assertion_of_another_kind_or_key_vouches_for_nobody",
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
        "ID-JAG-AUD",
        "Identity Assertion JWT Authorization Grant",
        "4.4.1",
        "the audience is this issuer alone, as a string or a list of one",
        (
            "tests/authserver/machines/test_identity_assertion.py::test_an_assertion_that_says_something_else_vouches_for_nobody",
            "tests/authserver/machines/test_identity_assertion.py::test_what_is_optional_may_be_missing_or_come_as_a_list",
        ),
    ),
    Requirement(
        "ID-JAG-CLAIMS",
        "Identity Assertion JWT Authorization Grant",
        "3.1",
        "iss, sub, aud, client_id, jti, exp and iat are there",
        (
            "tests/authserver/machines/test_identity_assertion.py::test_an_assertion_that_says_something_else_vouches_for_nobody",
        ),
    ),
    Requirement(
        "ID-JAG-CNF",
        "Identity Assertion JWT Authorization Grant",
        "8.6.1",
        "an assertion bound to a key is worth nothing without proof of that key: invalid_grant",
        (
            "tests/authserver/machines/test_id_jag.py::test_what_is_wrong_in_any_single_thing_is_worth_nothing",
        ),
    ),
    Requirement(
        "ID-JAG-ISSUER",
        "Identity Assertion JWT Authorization Grant",
        "4.1",
        "only issuers that the operator configured are recognised",
        (
            "tests/authserver/machines/test_identity_assertion.py::test_an_issuer_that_is_not_configured_is_not_even_asked",
            "tests/authserver/machines/test_identity_assertion.py::test_the_keys_of_one_issuer_sign_for_no_other",
        ),
    ),
    Requirement(
        "ID-JAG-SCOPE",
        "Identity Assertion JWT Authorization Grant",
        "4.4.1",
        "the answer names the scopes that were granted",
        (
            "tests/authserver/machines/test_id_jag.py::test_a_person_of_the_company_gets_what_its_identity_provider_granted",
        ),
    ),
    Requirement(
        "ID-JAG-METADATA-GRANT",
        "Identity Assertion JWT Authorization Grant",
        "7.2",
        "who names the profile names the JWT bearer grant too",
        ("tests/authserver/machines/test_machine_metadata.py::test_both_kinds_of_assertion_are_announced",),
    ),
    Requirement(
        "ID-JAG-METADATA-SILENT",
        "Identity Assertion JWT Authorization Grant",
        "8.4",
        "the metadata do not say whose assertions are accepted",
        (
            "tests/authserver/machines/test_machine_metadata.py::test_whose_assertions_are_accepted_is_said_to_nobody",
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
            "tests/authserver/machines/test_id_jag.py::test_what_was_granted_for_one_server_opens_no_other",
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
        "MCP-EMA-ALGORITHMS",
        "MCP enterprise-managed authorization",
        "7.4.1",
        "the signature's algorithm is on a list, and none is not",
        (
            "tests/authserver/machines/test_identity_assertion.py::test_a_signature_that_anybody_could_make_vouches_for_nobody",
            "tests/authserver/machines/test_identity_assertion.py::test_an_assertion_of_another_kind_or_key_vouches_for_nobody",
        ),
    ),
    Requirement(
        "MCP-EMA-KEYS",
        "MCP enterprise-managed authorization",
        "7.3, 7.4.1",
        "keys are fetched over TLS",
        (
            "tests/authserver/settings/test_assertion_settings.py::test_an_issuer_that_makes_no_sense_is_refused",
        ),
    ),
    Requirement(
        "MCP-EMA-LOG",
        "MCP enterprise-managed authorization",
        "7.4.2",
        "assertions are not logged",
        ("tests/authserver/machines/test_id_jag.py::test_what_was_issued_is_audited",),
    ),
    Requirement(
        "MCP-EMA-SCOPES",
        "MCP enterprise-managed authorization",
        "7.2.1",
        "what is granted is in the assertion and was asked for",
        ("tests/authserver/machines/test_id_jag.py::test_scopes_are_what_all_agree_on",),
    ),
    Requirement(
        "MCP-EMA-SHORT",
        "MCP enterprise-managed authorization",
        "7.4.2",
        "assertions are short-lived, and refused outside their time",
        (
            "tests/authserver/machines/test_identity_assertion.py::test_an_assertion_that_says_something_else_vouches_for_nobody",
        ),
    ),
    Requirement(
        "MCP-EMA-URL",
        "MCP enterprise-managed authorization",
        "7.3",
        "an assertion or a token in a URL is refused",
        ("tests/authserver/test_token.py::test_parameters_in_the_query_are_refused",),
    ),
    Requirement(
        "MCP-CC-AUTHENTICATE",
        "MCP OAuth client credentials",
        "Client Authentication Methods",
        "clients prove themselves by a signed assertion or a secret",
        (
            "tests/e2e/test_machine_clients.py::test_the_python_client_saves_a_snippet",
            "tests/authserver/clients/test_client_assertions.py::test_an_operators_client_signs_with_keys_that_it_publishes_and_rotates",
            "tests/authserver/machines/test_client_credentials.py::test_a_daemon_that_does_not_prove_itself_gets_nothing",
        ),
    ),
    Requirement(
        "MCP-CC-METADATA",
        "MCP OAuth client credentials",
        "Server Metadata Requirements",
        "the metadata name private_key_jwt, client_secret_basic and the algorithms",
        ("tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",),
    ),
    Requirement(
        "MCP-CC-REGISTERED",
        "MCP OAuth client credentials",
        "Overview",
        "the client was registered beforehand, never by itself",
        (
            "tests/authserver/machines/test_client_credentials.py::test_only_confidential_clients_that_an_operator_registered_for_it_may",
        ),
    ),
)
