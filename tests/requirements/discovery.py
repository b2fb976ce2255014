"""The metadata of both servers."""

from typing import Final

from tests.requirements.requirement import Requirement

DISCOVERY: Final = (
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
        "RFC8414-2-SIGNING",
        "RFC 8414",
        "2",
        "where clients may sign, the algorithms are named, and none is not among them",
        (
            "tests/authserver/test_metadata.py::test_the_metadata_says_what_is_built",
            "tests/authserver/clients/test_client_assertions.py::test_each_algorithm_that_is_advertised_works",
            "tests/authserver/clients/test_client_assertions.py::test_an_algorithm_that_is_not_listed_proves_nothing",
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
)
