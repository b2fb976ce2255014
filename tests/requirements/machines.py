"""Clients without a person at a browser: client credentials and assertions of every kind."""

from typing import Final

from tests.requirements.requirement import Requirement

MACHINES: Final = (
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
)
