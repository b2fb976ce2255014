"""The published client of the extension: whatever it does with tasks works here."""

from tests.e2e.programs import javascript
from tests.mcpserver.conftest import World


def test_the_extensions_own_client_settles_answers_cancels_and_resumes(world: World) -> None:
    report = javascript("tasks_extension.mjs", f"http://localhost:{world.port}/mcp", world.issuer.token())
    assert report == {
        "atOnce": ["immediate", "completed", "a task: False"],
        "tool": ["task", "completed", "in words"],
        "request": ["task", "failed", "by code"],
        "asking": ["task", "completed", "answer 1 and answer 2"],
        "asked": [
            ["elicitation", "request", "request-retry", "Before?"],
            ["elicitation", "task", "task-update", "Within?"],
        ],
        "cancelled": "cancelled",
        "resumed": "in words",
        "seen": ["completed", "failed", "input_required", "working"],
    }
