"""Whatever is sent about tasks, the answer is a result or the sender's error."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mcpserver.tasks.conftest import CAPABILITIES, TASKS, TaskClient

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
DECLARATIONS = st.fixed_dictionaries(
    {}, optional={"extensions": st.just({TASKS: {}}) | st.dictionaries(st.just(TASKS), ANYTHING) | ANYTHING}
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "taskId": st.just("own") | st.text(max_size=40) | ANYTHING,
        "inputResponses": st.dictionaries(st.sampled_from(["first-1", "second-2", "x"]), ANYTHING) | ANYTHING,
        "notifications": st.fixed_dictionaries({}, optional={"taskIds": ANYTHING}) | ANYTHING,
    },
)
METHODS = ("tasks/get", "tasks/update", "tasks/cancel", "subscriptions/listen")
SENDERS_FAULT = (-32602, -32020, -32021)


@pytest.fixture
def own_task(client: TaskClient) -> str:
    """Return a task that waits for answers."""
    return client.start("asking")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(METHODS), params=PARAMS, declared=DECLARATIONS)
def test_nothing_is_our_fault(
    client: TaskClient, own_task: str, method: str, params: dict[str, Any], declared: dict[str, Any]
) -> None:
    if params.get("taskId") == "own":
        params = params | {"taskId": own_task}
    name = base64.b64encode(str(params.get("taskId", "")).encode()).decode()
    answer = client.client.modern(
        method, params, meta={CAPABILITIES: declared}, headers={"Mcp-Name": f"=?base64?{name}?="}
    )
    assert answer.status < 500
    if answer.headers["Content-Type"] == "text/event-stream":
        answer.close()
    elif "error" in answer.json:
        assert answer.json["error"]["code"] in SENDERS_FAULT
        assert len(answer.body) < 1000
