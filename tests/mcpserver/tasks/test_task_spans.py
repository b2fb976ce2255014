"""The span of a call that goes on as a task: it lasts as long as the function does."""

from tests.mcpserver.probing_tools import probe
from tests.mcpserver.tasks.conftest import TaskClient
from tests.support.spans import PARENT, TRACEPARENT, has_failed, parent_of, recording


def test_a_call_that_is_answered_early_ends_with_its_task(client: TaskClient) -> None:
    own = probe("a task with a span")
    with recording() as recorded:
        params = {"name": "job", "arguments": {"name": "a task with a span"}}
        answer = client.client.modern(
            "tools/call", params, meta=client.meta, headers={"traceparent": TRACEPARENT}
        )
        assert "tools/call job" not in [span.name for span in recorded.all()]
        own.released.set()
        assert client.until(answer.result["taskId"])["status"] == "completed"
        span = recorded.named("tools/call job")
        assert parent_of(span) == PARENT
        assert not has_failed(span)
