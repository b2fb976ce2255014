"""What MCP's tasks extension (SEP-2663) demands."""

from typing import Final

from tests.requirements.requirement import Requirement

_TESTS: Final = "tests/mcpserver/tasks"
_SOURCE: Final = "MCP tasks extension"

TASKS: Final = (
    Requirement(
        "MCP-TASK-ANSWERS",
        _SOURCE,
        "Task Update Requests",
        "answers are acknowledged empty; those to what is not asked are ignored",
        (
            f"{_TESTS}/test_task_input.py::test_questions_are_shown_until_they_are_answered_and_the_task_goes_on",
            f"{_TESTS}/test_task_input.py::test_answers_to_what_was_not_asked_are_ignored",
            f"{_TESTS}/test_task_input.py::test_what_is_answered_in_part_goes_on_waiting_for_the_rest",
        ),
    ),
    Requirement(
        "MCP-TASK-CANCEL",
        _SOURCE,
        "Task Cancellation",
        "cancelling is acknowledged with an empty result, also when the task is over",
        (
            f"{_TESTS}/test_tasks.py::test_a_cancelled_task_stops_and_says_so",
            f"{_TESTS}/test_tasks.py::test_a_task_that_is_over_stays_as_it_is_when_it_is_cancelled",
        ),
    ),
    Requirement(
        "MCP-TASK-DECLARED",
        _SOURCE,
        "Capability Negotiation",
        "a client that did not declare the extension with its request gets no task",
        (
            f"{_TESTS}/test_tasks.py::test_a_client_without_the_extension_is_answered_by_the_call",
            f"{_TESTS}/test_tasks.py::test_revisions_before_have_no_tasks",
        ),
    ),
    Requirement(
        "MCP-TASK-DURABLE",
        _SOURCE,
        "Task Creation",
        "a task can be fetched as soon as its creation is told",
        (
            f"{_TESTS}/test_tasks.py::"
            "test_a_call_that_becomes_a_task_is_answered_at_once_and_its_result_is_fetched_later",
        ),
    ),
    Requirement(
        "MCP-TASK-ERRORS",
        _SOURCE,
        "Task Execution Errors",
        "an error of the protocol is a failure with that error; a tool's own error is a result",
        (
            f"{_TESTS}/test_tasks.py::test_an_error_of_the_protocol_is_a_failure_with_that_error",
            f"{_TESTS}/test_tasks.py::test_what_a_tool_reports_as_its_error_is_a_result",
        ),
    ),
    Requirement(
        "MCP-TASK-EXPERIMENT",
        _SOURCE,
        "Backward Compatibility",
        "tasks/result is not found, the task parameter of a call is ignored",
        (
            f"{_TESTS}/test_tasks.py::test_methods_of_the_experiment_before_are_not_found",
            f"{_TESTS}/test_tasks.py::test_a_tool_that_is_no_task_is_none_whatever_it_or_the_client_tries",
        ),
    ),
    Requirement(
        "MCP-TASK-HEADER",
        _SOURCE,
        "Streamable HTTP: Routing Headers",
        "Mcp-Name repeats the id of the task",
        (f"{_TESTS}/test_tasks.py::test_the_header_repeats_the_id",),
    ),
    Requirement(
        "MCP-TASK-ID",
        _SOURCE,
        "Security Implications",
        "ids have enough entropy that nobody can guess one",
        (f"{_TESTS}/test_tasks.py::test_an_id_cannot_be_guessed",),
    ),
    Requirement(
        "MCP-TASK-KEYS",
        _SOURCE,
        "Task Update Requests",
        "a question's key is used once in the life of a task",
        (
            f"{_TESTS}/test_task_input.py::test_a_key_is_never_used_twice",
            f"{_TESTS}/test_task_input.py::"
            "test_an_answer_that_does_not_fit_is_asked_for_again_under_another_key",
        ),
    ),
    Requirement(
        "MCP-TASK-NEEDED",
        _SOURCE,
        "Capability Negotiation",
        "without the extension, what cannot be served and the methods of tasks are -32021, naming it",
        (
            f"{_TESTS}/test_tasks.py::test_a_client_without_the_extension_is_told_what_the_tool_needs",
            f"{_TESTS}/test_tasks.py::test_the_methods_need_the_extension_with_each_request",
            f"{_TESTS}/test_task_notifications.py::"
            "test_a_client_without_the_extension_cannot_subscribe_to_tasks",
        ),
    ),
    Requirement(
        "MCP-TASK-NOTIFIED",
        _SOURCE,
        "Task Status Notifications",
        "a notification is what tasks/get would say; a task sends neither progress nor log lines",
        (
            f"{_TESTS}/test_task_notifications.py::"
            "test_a_subscription_tells_the_state_at_once_and_then_each_change",
            f"{_TESTS}/test_task_notifications.py::"
            "test_progress_of_a_task_is_its_message_and_no_notification_of_its_own",
        ),
    ),
    Requirement(
        "MCP-TASK-OWNER",
        _SOURCE,
        "Security Implications",
        "each request about a task is checked for who may have it",
        (
            f"{_TESTS}/test_tasks.py::test_a_task_that_is_unknown_or_somebody_elses_is_not_found",
            f"{_TESTS}/test_tasks.py::test_a_result_needs_the_scopes_of_its_tool",
            f"{_TESTS}/test_task_notifications.py::test_tasks_of_others_are_not_agreed_on_and_not_told",
        ),
    ),
    Requirement(
        "MCP-TASK-ROUNDS",
        _SOURCE,
        "Composition with Multi Round-Trip Requests",
        "what is asked before the task begins is asked by the call, and its state does not get into the task",
        (f"{_TESTS}/test_tasks.py::test_questions_before_the_task_are_rounds_of_the_call",),
    ),
    Requirement(
        "MCP-TASK-TTL",
        _SOURCE,
        "Task Polling",
        "a task can be fetched until its time is over",
        (f"{_TESTS}/test_task_limits.py::test_a_task_is_forgotten_after_its_time_and_not_before",),
    ),
    Requirement(
        "MCP-TASK-UNKNOWN",
        _SOURCE,
        "Protocol Errors",
        "an id that is not known is -32602",
        (
            f"{_TESTS}/test_tasks.py::test_a_task_that_is_unknown_or_somebody_elses_is_not_found",
            f"{_TESTS}/test_tasks.py::test_an_id_that_is_no_text_is_invalid",
        ),
    ),
)
