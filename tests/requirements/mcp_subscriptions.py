"""What MCP demands of subscriptions and of notifications about changes."""

from typing import Final

from tests.requirements.requirement import Requirement

_LISTEN: Final = "tests/mcpserver/subscriptions/test_listen.py"
_AUDIENCE: Final = "tests/mcpserver/subscriptions/test_audience.py"
_SLOW: Final = "tests/mcpserver/subscriptions/test_slow_listeners.py"
_SESSIONS: Final = "tests/mcpserver/subscriptions/test_sessions.py"

SUBSCRIPTIONS: Final = (
    Requirement(
        "MCP-SUB-ACK",
        "MCP 2026-07-28 basic",
        "Subscriptions, Acknowledgment",
        "the first message says what was agreed on: what is served, of what was asked for",
        (
            f"{_LISTEN}::test_what_was_agreed_on_comes_first",
            f"{_LISTEN}::test_resources_that_are_not_there_or_not_for_the_caller_are_not_agreed_on",
            f"{_LISTEN}::test_a_subscription_may_be_to_nothing",
            f"{_AUDIENCE}::test_kinds_that_are_not_served_are_not_agreed_on",
        ),
    ),
    Requirement(
        "MCP-SUB-ASKED-ONLY",
        "MCP 2026-07-28 basic",
        "Subscriptions, Opening a Stream",
        "no kind of notification is sent that was not asked for",
        (
            f"{_LISTEN}::test_only_the_lists_that_were_asked_for_are_told",
            f"{_LISTEN}::test_only_the_resources_that_were_asked_for_are_told",
            f"{_LISTEN}::test_what_is_switched_off_is_not_asked_for",
        ),
    ),
    Requirement(
        "MCP-SUB-AUDIENCE",
        "MCP 2026-07-28 server features",
        "Resources, Security Considerations",
        "nobody is told of changes of what only somebody else may see",
        (
            f"{_AUDIENCE}::test_ones_own_changes_are_told_to_oneself_alone",
            f"{_AUDIENCE}::test_what_everybody_sees_is_told_to_everybody",
            f"{_AUDIENCE}::test_another_application_of_the_same_person_is_told_too",
            f"{_AUDIENCE}::test_a_session_is_told_of_its_persons_changes_alone",
        ),
    ),
    Requirement(
        "MCP-SUB-CLOSURE",
        "MCP 2026-07-28 basic",
        "Subscriptions, Graceful Closure",
        "a subscription that the server ends is closed with its result",
        (
            f"{_LISTEN}::test_a_subscription_ends_with_its_result_when_the_session_is_revoked",
            f"{_LISTEN}::test_a_subscription_ends_with_its_result_when_the_token_expires",
            f"{_LISTEN}::test_subscriptions_end_with_their_results_when_the_server_stops",
        ),
    ),
    Requirement(
        "MCP-SUB-DECLARED",
        "MCP 2026-07-28 server features",
        "Tools, Resources, Prompts: Capabilities",
        "listChanged and subscribe are declared where changes are told, and only there",
        (
            f"{_LISTEN}::test_what_is_told_is_declared",
            f"{_LISTEN}::test_several_workers_that_share_nothing_promise_nothing",
            f"{_SESSIONS}::test_what_is_told_is_declared",
        ),
    ),
    Requirement(
        "MCP-SUB-ERAS",
        "MCP 2026-07-28 basic",
        "Changelog, Major Changes 4",
        "resources/subscribe is of the revisions before, subscriptions/listen of those since",
        (
            f"{_LISTEN}::test_revisions_before_know_no_such_method",
            f"{_SESSIONS}::test_since_2026_07_28_there_are_no_such_methods",
        ),
    ),
    Requirement(
        "MCP-SUB-ID",
        "MCP 2026-07-28 basic",
        "Subscriptions, Receiving Notifications",
        "every message of a subscription names it by the id of the request that opened it",
        (f"{_LISTEN}::test_every_message_names_the_subscription",),
    ),
    Requirement(
        "MCP-SUB-KEEPALIVE",
        "MCP 2026-07-28 transports",
        "Receiving Messages",
        "a stream on which nothing happens is kept open by comments",
        (f"{_LISTEN}::test_silence_is_broken_by_comments",),
    ),
    Requirement(
        "MCP-SUB-LEAVING",
        "MCP 2026-07-28 transports",
        "Cancellation",
        "whoever closes the stream of a subscription has ended it",
        (
            f"{_LISTEN}::test_a_person_has_a_bounded_number_of_subscriptions_and_leaving_makes_room",
            f"{_SLOW}::test_listeners_that_left_are_not_told",
        ),
    ),
    Requirement(
        "MCP-SUB-LOSSLESS",
        "MCP 2026-07-28 server features",
        "Tools, Resources, Prompts: List Changed Notification; Resources: Subscriptions",
        "each change that was asked for is told, however slowly a listener reads or how often it comes back",
        (
            f"{_SLOW}::test_what_changes_often_while_nobody_reads_is_told_once",
            f"{_SLOW}::test_a_session_that_does_not_read_is_told_once_too",
            f"{_SESSIONS}::test_what_changed_before_the_stream_was_opened_is_told_when_it_is",
            f"{_SESSIONS}::test_what_changed_between_two_streams_is_told_once",
            "tests/mcpserver/subscriptions/test_across_processes.py::"
            "test_what_changed_between_two_streams_is_told_by_whichever_server",
            f"{_SESSIONS}::test_after_too_many_changes_all_that_is_watched_may_have_changed",
        ),
    ),
    Requirement(
        "MCP-SUB-NO-REPORTS",
        "MCP 2026-07-28 transports",
        "Receiving Messages",
        "progress and log lines of calls are not sent on the streams of subscriptions",
        (f"{_LISTEN}::test_what_calls_report_stays_on_their_own_streams",),
    ),
)
