"""How clients introduce and manage themselves: registration, its management, metadata documents."""

from typing import Final

from tests.requirements.requirement import Requirement

CLIENTS: Final = (
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
        "RFC7591-2-JWKS",
        "RFC 7591",
        "2",
        "a client has keys or says where they are, not both",
        (
            "tests/authserver/clients/test_client_assertions.py::test_keys_and_where_they_are_exclude_each_other",
        ),
    ),
    Requirement(
        "RFC7591-3-INITIAL-TOKEN",
        "RFC 7591",
        "3",
        "where an initial access token is demanded, it comes as a bearer token and is checked",
        (
            "tests/authserver/clients/test_registration_policy.py::test_with_the_initial_access_token_one_registers_and_without_it_not",
        ),
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
        "RFC7591-5-SELF-ASSERTED",
        "RFC 7591",
        "5",
        "what a client says of itself is shown as nothing more than that",
        (
            "tests/authserver/test_consent.py::test_a_famous_name_with_an_unknown_host_shows_the_host_and_unverified",
            "tests/authserver/clients/test_client_documents.py::test_the_page_says_where_the_application_is_described_and_that_nobody_vouches_for_it",
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
        "RFC7592-2-BEARER",
        "RFC 7592",
        "2",
        "the registration access token comes as a bearer token",
        (
            "tests/authserver/clients/test_client_configuration.py::test_basic_is_no_bearer_and_a_token_in_the_url_is_none",
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
        "RFC7592-2.1-READ",
        "RFC 7592",
        "2.1",
        "reading answers with 200 and all that is registered",
        (
            "tests/authserver/clients/test_client_configuration.py::test_a_client_reads_what_is_registered_but_for_its_secret",
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
        "RFC7592-2.2-NULL",
        "RFC 7592",
        "2.2",
        "what an update leaves out or sets to null is removed",
        (
            "tests/authserver/clients/test_client_configuration.py::test_a_member_that_is_null_is_removed",
            "tests/authserver/clients/test_client_configuration.py::test_an_update_replaces_everything_and_rotates_nothing",
        ),
    ),
    Requirement(
        "RFC7592-2.2-POLICY",
        "RFC 7592",
        "2.2",
        "an update gives no more than a registration would",
        (
            "tests/authserver/clients/test_client_configuration.py::test_a_client_that_updates_itself_gets_no_more_than_before",
            "tests/authserver/clients/test_registration_policy.py::test_an_update_is_held_to_the_list_too",
        ),
    ),
    Requirement(
        "RFC7592-2.2-WHOLE",
        "RFC 7592",
        "2.2",
        "an update that is refused changes nothing",
        (
            "tests/authserver/clients/test_client_configuration.py::test_an_update_is_validated_like_a_registration_and_changes_nothing_when_refused",
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
        "CIMD-JSON",
        "Client ID Metadata Document",
        "Client Metadata Document",
        "the document is JSON",
        (
            "tests/authserver/clients/test_client_documents.py::test_an_answer_that_is_no_document_is_refused_on_a_page",
            "tests/authserver/clients/test_public_documents.py::test_anything_else_is_not",
        ),
    ),
    Requirement(
        "CIMD-SSRF-KEYS",
        "Client ID Metadata Document",
        "Server Side Request Forgery (SSRF) Attacks",
        "what a document links to is fetched under the same rules",
        (
            "tests/authserver/clients/test_client_documents.py::test_the_keys_at_a_jwks_uri_are_fetched_under_the_same_rules",
        ),
    ),
)
