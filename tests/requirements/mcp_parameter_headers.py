"""What MCP demands of parameters that are repeated in headers."""

from typing import Final

from tests.requirements.requirement import Requirement

_SOURCE: Final = "MCP 2026-07-28 transports"
_TESTS: Final = "tests/mcpserver/features/test_parameter_headers.py"

PARAMETER_HEADERS: Final = (
    Requirement(
        "MCP-PARAM-ABSENT",
        _SOURCE,
        "Server Behavior for Custom Headers",
        "an argument that is null or not there has no header, and a header without its argument is refused",
        (
            f"{_TESTS}::test_anything_else_is_a_mismatch_and_nothing_is_called",
            f"{_TESTS}::test_what_both_say_is_called",
            f"{_TESTS}::test_what_is_not_given_needs_no_header",
        ),
    ),
    Requirement(
        "MCP-PARAM-CHARACTERS",
        _SOURCE,
        "Server Behavior for Custom Headers",
        "a header with characters that header values do not have is refused",
        (f"{_TESTS}::test_anything_else_is_a_mismatch_and_nothing_is_called",),
    ),
    Requirement(
        "MCP-PARAM-DECODED",
        _SOURCE,
        "Value Encoding",
        "an encoded header is decoded before it is compared",
        (f"{_TESTS}::test_what_both_say_is_called",),
    ),
    Requirement(
        "MCP-PARAM-DEFINED",
        _SOURCE,
        "Schema Extension",
        "x-mcp-header names a header of its own, at a primitive property that only properties lead to",
        (
            f"{_TESTS}::test_a_definition_that_clients_would_leave_out_is_refused_when_decorated",
            f"{_TESTS}::test_the_definition_is_one_that_clients_accept",
            f"{_TESTS}::test_two_parameters_cannot_have_one_header_in_any_spelling",
        ),
    ),
    Requirement(
        "MCP-PARAM-MATCH",
        _SOURCE,
        "Server Validation",
        "a header that says something else than the argument is 400 and -32020",
        (
            f"{_TESTS}::test_anything_else_is_a_mismatch_and_nothing_is_called",
            f"{_TESTS}::test_what_both_say_is_called",
            f"{_TESTS}::test_what_the_published_client_sends_is_accepted_for_its_own_arguments_only",
        ),
    ),
    Requirement(
        "MCP-PARAM-MISSING",
        _SOURCE,
        "Server Behavior for Custom Headers",
        "an argument without its header is refused",
        (f"{_TESTS}::test_anything_else_is_a_mismatch_and_nothing_is_called",),
    ),
)
