"""The tools, resources and prompts that the MCP conformance suite asks a server for.

Written with the public API alone: whatever this package cannot do, nobody's package can. Loaded by
``MCPSERVER_TOOL_MODULES='["tests.conformance"]'``; ``make up CONFORMANCE=1`` does that. Must not import
anything of mcpserver but ``mcpserver.tools``.
"""

from tests.conformance.content import (
    json_schema_2020_12_tool,
    test_audio_content,
    test_embedded_resource,
    test_error_handling,
    test_header_parameter,
    test_image_content,
    test_multiple_content_types,
    test_simple_text,
)
from tests.conformance.inputs import (
    test_input_required_result_capabilities,
    test_input_required_result_elicitation,
    test_input_required_result_list_roots,
    test_input_required_result_multi_round,
    test_input_required_result_multiple_inputs,
    test_input_required_result_request_state,
    test_input_required_result_sampling,
    test_input_required_result_tampered_state,
    test_missing_capability,
    test_streaming_elicitation,
)
from tests.conformance.jobs import (
    confirm_delete,
    failing_job,
    greet,
    multi_input,
    protocol_error_job,
    slow_compute,
    test_tool_with_task,
)
from tests.conformance.prompts import (
    test_input_required_result_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
    test_simple_prompt,
)
from tests.conformance.questions import (
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_sampling,
)
from tests.conformance.resources import static_binary, static_text, templated, watched
from tests.conformance.streams import (
    test_logging_tool,
    test_reconnection,
    test_tool_with_logging,
    test_tool_with_progress,
    test_trigger_prompt_change,
    test_trigger_tool_change,
)

__all__ = [
    "confirm_delete",
    "failing_job",
    "greet",
    "json_schema_2020_12_tool",
    "multi_input",
    "protocol_error_job",
    "slow_compute",
    "static_binary",
    "static_text",
    "templated",
    "test_audio_content",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_embedded_resource",
    "test_error_handling",
    "test_header_parameter",
    "test_image_content",
    "test_input_required_result_capabilities",
    "test_input_required_result_elicitation",
    "test_input_required_result_list_roots",
    "test_input_required_result_multi_round",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_prompt",
    "test_input_required_result_request_state",
    "test_input_required_result_sampling",
    "test_input_required_result_tampered_state",
    "test_logging_tool",
    "test_missing_capability",
    "test_multiple_content_types",
    "test_prompt_with_arguments",
    "test_prompt_with_embedded_resource",
    "test_prompt_with_image",
    "test_reconnection",
    "test_sampling",
    "test_simple_prompt",
    "test_simple_text",
    "test_streaming_elicitation",
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_tool_with_task",
    "test_trigger_prompt_change",
    "test_trigger_tool_change",
    "watched",
]
