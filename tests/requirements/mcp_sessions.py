"""What revisions before 2026-07-28 demand of sessions and their streams, shared by processes or not."""

from typing import Final

from tests.requirements.requirement import Requirement

_SOURCE: Final = "MCP 2025-11-25 transports"
_PODS: Final = "tests/test_mcp_fixed_session.py"

SESSIONS: Final = (
    Requirement(
        "MCP-SESSION-ENDED",
        _SOURCE,
        "Session Management",
        "after a session has ended, requests that name it get 404",
        (
            f"{_PODS}::test_delete_at_one_server_ends_streams_and_calls_of_the_other",
            f"{_PODS}::test_idle_sessions_end_and_used_ones_do_not",
        ),
    ),
    Requirement(
        "MCP-SESSION-EVENT-IDS",
        _SOURCE,
        "Resumability and Redelivery",
        "an event's id is used once in a session, whichever of its streams it is on",
        (f"{_PODS}::test_ids_of_events_are_used_once_in_a_session",),
    ),
    Requirement(
        "MCP-SESSION-ID",
        _SOURCE,
        "Session Management",
        "ids are unguessable and visible ASCII",
        ("tests/mcpserver/sessions/test_redis_sessions.py::test_ids_are_unguessable_and_visible_ascii",),
    ),
    Requirement(
        "MCP-SESSION-ONE-STREAM",
        _SOURCE,
        "Multiple Connections",
        "a message is sent on one stream, and to one reader of it",
        (
            f"{_PODS}::test_a_message_travels_on_one_stream",
            f"{_PODS}::test_a_stream_that_is_resumed_elsewhere_leaves_its_first_reader",
        ),
    ),
    Requirement(
        "MCP-SESSION-OWNER",
        "MCP 2025-11-25 security best practices",
        "Session Hijacking",
        "a session is bound to who opened it: its id is no means of authentication",
        (
            f"{_PODS}::test_a_session_is_its_callers_at_every_server",
            "tests/mcpserver/sessions/test_redis_sessions.py::test_a_session_is_found_by_its_caller_alone",
        ),
    ),
    Requirement(
        "MCP-SESSION-REPLAY",
        _SOURCE,
        "Resumability and Redelivery",
        "what is replayed after Last-Event-ID is of that stream, in order, and nothing of another",
        (
            f"{_PODS}::test_a_stream_goes_on_at_the_other_server",
            f"{_PODS}::test_what_was_sent_is_not_lost_with_its_server",
        ),
    ),
    Requirement(
        "MCP-SESSION-RETRY",
        _SOURCE,
        "Sending Messages to the Server",
        "a server that ends a connection before its stream is over says when to come back",
        (f"{_PODS}::test_a_server_that_stops_hands_its_streams_over",),
    ),
    Requirement(
        "MCP-SESSION-SSE",
        "MCP 2024-11-05 transports",
        "HTTP with SSE",
        "the first event is the endpoint, and what is posted there is answered on the stream",
        (
            f"{_PODS}::test_an_old_client_is_served_through_the_balancer",
            f"{_PODS}::test_messages_at_one_server_are_answered_on_the_stream_of_the_other",
        ),
    ),
)
