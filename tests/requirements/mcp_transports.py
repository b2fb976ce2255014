"""What MCP demands of the MCP server and the gateway about transports."""

from typing import Final

from tests.requirements.requirement import Requirement

TRANSPORTS: Final = (
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
)
