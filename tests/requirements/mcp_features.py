"""What MCP demands of tools, resources, prompts and completion."""

from typing import Final

from tests.requirements.requirement import Requirement

_TESTS: Final = "tests/mcpserver/features"

FEATURES: Final = (
    Requirement(
        "MCP-CACHE-HINTS",
        "MCP 2026-07-28 server features",
        "Caching, Cacheable Results",
        "lists, discovery and contents carry ttlMs of 0 or more and cacheScope",
        (
            f"{_TESTS}/test_listing.py::test_every_list_has_caching_hints_since_2026",
            f"{_TESTS}/test_resources.py::test_contents_are_private_and_stale_at_once",
        ),
    ),
    Requirement(
        "MCP-CACHE-SCOPE",
        "MCP 2026-07-28 server features",
        "Caching, Security Considerations",
        "what may differ by caller is private, on every page of a list",
        (
            f"{_TESTS}/test_listing.py::test_what_differs_by_caller_is_private",
            f"{_TESTS}/test_resources.py::test_contents_are_private_and_stale_at_once",
        ),
    ),
    Requirement(
        "MCP-CAPABILITIES",
        "MCP 2026-07-28 server features",
        "Tools, Resources, Prompts, Completion: Capabilities",
        "a server declares the kinds of features that it serves",
        (
            f"{_TESTS}/test_capabilities.py::test_all_kinds_are_declared_where_all_are_served",
            f"{_TESTS}/test_capabilities.py::test_what_is_not_registered_is_neither_declared_nor_served",
        ),
    ),
    Requirement(
        "MCP-COMPLETE-ACCESS",
        "MCP 2026-07-28 server features",
        "Completion, Security",
        "suggestions disclose nothing that the caller may not have",
        (
            f"{_TESTS}/test_completion.py::test_suggestions_are_the_callers_own",
            f"{_TESTS}/test_completion.py::test_suggestions_need_the_scopes_of_what_they_are_for",
        ),
    ),
    Requirement(
        "MCP-COMPLETE-INVALID",
        "MCP 2026-07-28 server features",
        "Completion, Security",
        "all completion inputs are validated",
        (f"{_TESTS}/test_completion.py::test_what_cannot_be_completed_is_invalid_params",),
    ),
    Requirement(
        "MCP-COMPLETE-LIMIT",
        "MCP 2026-07-28 server features",
        "Completion, Completion Results",
        "an answer has at most 100 values",
        (f"{_TESTS}/test_completion.py::test_at_most_a_hundred_are_sent_and_the_rest_is_announced",),
    ),
    Requirement(
        "MCP-PAGES",
        "MCP 2026-07-28 server features",
        "Pagination",
        "a long list comes in pages by opaque cursors; an invalid cursor is -32602",
        (
            f"{_TESTS}/test_listing.py::test_a_long_list_comes_in_pages",
            f"{_TESTS}/test_listing.py::test_a_cursor_that_is_none_of_ours_is_refused",
        ),
    ),
    Requirement(
        "MCP-PROMPT-ARGUMENTS",
        "MCP 2026-07-28 server features",
        "Prompts, Security",
        "prompt arguments are validated before the prompt is made",
        (
            f"{_TESTS}/test_prompts.py::test_arguments_that_are_missing_or_do_not_fit_are_invalid_params",
            f"{_TESTS}/test_prompts.py::test_arguments_are_texts",
        ),
    ),
    Requirement(
        "MCP-PROMPT-UNKNOWN",
        "MCP 2026-07-28 server features",
        "Prompts, Error Handling",
        "an unknown prompt is -32602",
        (f"{_TESTS}/test_prompts.py::test_an_unknown_prompt_is_invalid_params",),
    ),
    Requirement(
        "MCP-RES-ACCESS",
        "MCP 2026-07-28 server features",
        "Resources, Security Considerations",
        "who may not read a resource of somebody's own does not see it either",
        (
            f"{_TESTS}/test_listing.py::test_callers_see_their_own_resources_after_everybodys",
            f"{_TESTS}/test_listing.py::test_names_are_not_listed_for_whoever_may_not_read_them",
            f"{_TESTS}/test_resources.py::"
            "test_a_resource_without_its_scope_is_a_challenge_that_names_all_of_them",
        ),
    ),
    Requirement(
        "MCP-RES-BLOB",
        "MCP 2026-07-28 server features",
        "Resources, Security Considerations",
        "binary data is encoded as base64",
        (f"{_TESTS}/test_resources.py::test_what_a_function_returns_decides_the_form_of_the_contents",),
    ),
    Requirement(
        "MCP-RES-NOT-FOUND",
        "MCP 2026-07-28 server features",
        "Resources, Error Handling",
        "a resource that does not exist is -32602 (-32002 before), never empty contents",
        (
            f"{_TESTS}/test_resources.py::test_a_uri_that_names_nothing_is_an_error_that_repeats_it",
            f"{_TESTS}/test_resources.py::test_it_has_a_code_of_its_own_before_2026",
        ),
    ),
    Requirement(
        "MCP-SCHEMA-DIALECT",
        "MCP 2026-07-28 basic",
        "JSON Schema Usage",
        "schemas are valid in their dialect, 2020-12 unless they name another; unknown dialects are refused",
        (
            f"{_TESTS}/test_own_schemas.py::test_a_schema_that_cannot_be_served_is_refused_when_decorated",
            f"{_TESTS}/test_own_schemas.py::test_other_dialects_are_judged_by_their_own_rules",
        ),
    ),
    Requirement(
        "MCP-SCHEMA-REF",
        "MCP 2026-07-28 basic",
        "$ref Resolution",
        "nothing is fetched because a schema refers to it",
        (f"{_TESTS}/test_own_schemas.py::test_a_schema_that_cannot_be_served_is_refused_when_decorated",),
    ),
    Requirement(
        "MCP-TOOL-ACCESS",
        "MCP 2026-07-28 server features",
        "Tools, Security Considerations",
        "a tool that is not for a caller is neither listed nor run",
        (
            f"{_TESTS}/test_visibility.py::test_a_tool_is_listed_for_whom_it_is_visible",
            f"{_TESTS}/test_visibility.py::test_for_others_it_is_as_if_it_were_not_there",
        ),
    ),
    Requirement(
        "MCP-TOOL-OUTPUT",
        "MCP 2026-07-28 server features",
        "Tools, Output Schema",
        "structured results conform to the output schema",
        (f"{_TESTS}/test_content_kinds.py::test_a_result_that_breaks_its_schema_is_not_sent",),
    ),
    Requirement(
        "MCP-TOOL-VALIDATES",
        "MCP 2026-07-28 server features",
        "Tools, Security Considerations",
        "all tool inputs are validated",
        (f"{_TESTS}/test_own_schemas.py::test_arguments_that_do_not_fit_are_explained_to_the_model",),
    ),
)
